"""Every other time: an address, then a password or a mailed code.

Known and unknown addresses take the same way here: the same steps, the same number of database operations, the same
hashing. What differs travels by mail alone.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from idp.domain import addresses, one_time_codes
from idp.domain.accounts import Account
from idp.domain.addresses import InvalidAddress
from idp.domain.authorization import PendingAuthorization
from idp.domain.errors import Refusal, ServiceUnavailable
from idp.domain.federation import IdentityProvider
from idp.domain.guessing import (
    MAILS_PER_HOUR,
    NETWORK_BUDGET,
    NETWORK_WINDOW,
    WINDOW,
    Denied,
    Guesser,
    Guesses,
    Method,
    denied,
    guess_limits,
    mail_limit,
    network_limit,
)
from idp.domain.invitations import AdmitsInvited
from idp.domain.keyed import SecretKey, random_id
from idp.domain.mail_providers import OFTEN_TYPED, is_public
from idp.domain.messages import Delivery, MailQueue, Message
from idp.domain.one_time_codes import SENT_TWICE, CodePurpose, OneTimeCode
from idp.domain.passwords import PasswordHasher
from idp.domain.routing import RoutesDomains
from idp.domain.sessions import ACR_BASIC, AMR_CODE, AMR_PASSWORD, Session, SignedIn, SignsIn
from idp.saml.federation import FederationFolder
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.authorizations import AuthorizationStore
from idp.storage.database import AlreadyExists
from idp.storage.devices import DeviceStore
from idp.storage.limits import LimitStore
from idp.storage.one_time_codes import OneTimeCodeStore

# An address that may be meant otherwise: nothing is wrong with it.
SUGGESTED = "email.suggestion"


@dataclass(frozen=True, slots=True)
class AddressAnswer:
    """What a typed address is: an address, or a problem (a field sentence's key), perhaps with a suggestion."""

    address: str | None = None
    problem: str | None = None
    suggestion: str | None = None

    @property
    def refused(self) -> str | None:
        """The problem, where something is wrong with it and it is not merely meant otherwise, perhaps."""
        return None if self.problem == SUGGESTED else self.problem


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who tries: the cookie of a browser that signed in before, and the network address as a soft signal."""

    device: str | None
    network: str


@dataclass(frozen=True, slots=True)
class SignInFlow:
    accounts: AccountStore
    authorizations: AuthorizationStore
    codes: OneTimeCodeStore
    limits: LimitStore
    devices: DeviceStore
    mails: MailQueue
    audit: AuditTrail
    federation: FederationFolder
    hasher: PasswordHasher
    secret: SecretKey
    signs_in: SignsIn
    routes: RoutesDomains
    admits: AdmitsInvited
    clock: Callable[[], datetime]

    def read_address(self, typed: str, *, sure: bool = False) -> AddressAnswer:
        """The address that the person typed; ``sure`` when they saw the suggestion and kept what they typed."""
        try:
            address = addresses.clean(typed)
        except InvalidAddress as error:
            return AddressAnswer(problem=error.key, suggestion=error.suggestion)
        # What everybody may have is meant, however near to it a university's domain is.
        if sure or is_public(addresses.domain_of(address)):
            return AddressAnswer(address)
        known = chain(self.federation.current.known_domains(), OFTEN_TYPED)
        suggestion = addresses.suggestion(address, known)
        if suggestion is not None:
            return AddressAnswer(problem=SUGGESTED, suggestion=suggestion)
        return AddressAnswer(address)

    def note_refused(self, pending: PendingAuthorization, problem: str) -> None:
        """The person was told that what they typed is no address."""
        self._note("sign_in.address_refused", pending, None, self.clock(), problem=problem)

    def begin_again(self, pending: PendingAuthorization, session: Session) -> None:
        """Back to the choice of the way to sign in, with the same address."""
        self._change(pending, session, proofing_id=None, one_time_code_id=None)

    def universities(self, address: str) -> tuple[IdentityProvider, ...]:
        """The universities that the address's domain points to; it says nothing about an account."""
        return tuple(route.provider for route in self.routes(addresses.domain_of(address)))

    def with_password(
        self, pending: PendingAuthorization, session: Session, password: str, visitor: Visitor
    ) -> SignedIn | Denied:
        """Sign in with address and password."""
        if not password:  # the button pressed too early is no guess, and says nothing about an account
            return Denied("password.empty")
        # A thousand guesses that find no place to be hashed shall not ask the database a thousand times.
        self.hasher.expect_place(is_known=visitor.device is not None)
        address, now = self._address(pending), self.clock()
        account = self.accounts.by_address(address)
        guesser = self._guesser(address, account, visitor)
        guesses = self._guesses(guesser, Method.PASSWORD, now)
        if not guesses.are_left:
            return self._denied("password.throttled", pending, account, now, throttled=True)
        stored = account.password_to_check if account else None
        is_right = self.hasher.verify(password, stored, is_known=guesser.device is not None)
        if not is_right or account is None or stored is None:
            throttled = self._count_failure(guesses, visitor, now)
            return self._denied("password.wrong", pending, account, now, throttled=throttled)
        self._rehash(account, stored, password)
        present = self.accounts.find(account.id)
        if present is None or not present.still_takes_password_of(account):
            # Hashing takes a while. Who is put out of the account meanwhile would be in until the sweep, a minute in
            # which one chooses another password or adds a passkey.
            return self._denied("password.wrong", pending, account, now)
        return self._signed_in(account, session, pending, guesses, Method.PASSWORD, visitor, now)

    def send_code(
        self,
        pending: PendingAuthorization,
        session: Session,
        *,
        locale: str | None,
        application: str,
        is_password_forgotten: bool = False,
        is_again: bool = False,
    ) -> bool:
        """Mail a code, the same one while it lives; False when this address had too many mails lately.

        locale: None where the person's language is not known. is_password_forgotten: so that another one is offered
        after the code. is_again: the person asks for another mail; else a form that is sent twice mails once.
        """
        address, now = self._address(pending), self.clock()
        account = self.accounts.by_address(address)
        # Asked for everybody, so that the number of database operations tells nothing.
        invitation_id = self.admits.open_for(address, now=now)
        fresh = self._new_code(session, address, account, invitation_id, now)
        code = self.codes.issue(fresh, now=now)
        renews = pending.renews_password or is_password_forgotten
        self._change(pending, session, one_time_code_id=code.id, renews_password=renews)
        is_sent_twice = code.id != fresh.id and not is_again and now - code.created_at < SENT_TWICE
        # Where the first one was cut before its mail, nobody shall wait for it in vain.
        if is_sent_twice and self._is_mailed(code, pending):
            return True
        if not self.limits.count(
            mail_limit(self.secret, address), limit=MAILS_PER_HOUR, window=timedelta(hours=1), now=now
        ):
            self._note("sign_in.mail_limit", pending, account, now)
            return False
        # The first mail of a code has its id: two requests at once, neither of which saw the other's, send one.
        mail_id = code.id if code.id == fresh.id or is_sent_twice else random_id()
        with contextlib.suppress(AlreadyExists):
            self.mails.put(self._message(mail_id, code, pending, account, locale, application, now))
        return True

    def is_used_up(self, pending: PendingAuthorization, session: Session) -> bool:
        """Whether no try is left of the code that was asked for; mailed again, it is the same one."""
        return self.codes.is_used_up(pending.one_time_code_id or "", session.browser, now=self.clock())

    def delivery(self, pending: PendingAuthorization) -> Delivery | None:
        """How far the last mail of this journey got; asked in the same way whether or not there is an account."""
        return self.mails.last_delivery(pending.reference, self._address(pending))

    def with_code(
        self, pending: PendingAuthorization, session: Session, typed: str, visitor: Visitor
    ) -> SignedIn | Denied:
        """Sign in with the six digits of the mail."""
        address, now = self._address(pending), self.clock()
        digits = one_time_codes.typed_digits(typed)
        if digits is None:
            return Denied(one_time_codes.why_no_digits(typed))
        account = self.accounts.by_address(address)
        guesser = self._guesser(address, account, visitor)
        guesses = self._guesses(guesser, Method.CODE, now)
        if not guesses.are_left:
            return self._denied("code.too_many", pending, account, now, throttled=True)
        asked = pending.one_time_code_id or ""
        code = self.codes.attempt(asked, session.browser, now=now)
        if code is None:
            return self._denied(self.codes.why_not(asked, session.browser, now=now), pending, account, now)
        if code.address != address or not one_time_codes.is_right(self.secret, code, digits):
            throttled = self._count_failure(guesses, visitor, now)
            return self._denied("code.wrong", pending, account, now, throttled=throttled)
        is_invited = code.account_id is None
        if not is_invited and (account is None or not account.lets_in_by_code(now) or account.id != code.account_id):
            return self._denied("code.wrong", pending, account, now)
        if not self.codes.take(code.id, now=now):
            return self._denied("code.expired", pending, account, now)
        if is_invited:
            account = self._admitted(code, pending, now)
        if account is None:
            return self._denied("code.expired", pending, account, now)
        if is_invited or pending.renews_password:
            # They are offered a password next; where they leave that page for long, the code was for the first time.
            self._change(pending, session, renews_password=True, one_time_code_id=None)
        if account.bounces:
            self.accounts.forget_bounce(address)
        return self._signed_in(account, session, pending, guesses, Method.CODE, visitor, now)

    def _signed_in(
        self,
        account: Account,
        session: Session,
        pending: PendingAuthorization,
        guesses: Guesses,
        method: Method,
        visitor: Visitor,
        now: datetime,
    ) -> SignedIn:
        methods = (AMR_PASSWORD,) if method is Method.PASSWORD else (AMR_CODE,)
        signed_in = self.signs_in(
            session, account_id=account.id, methods=methods, acr=ACR_BASIC, device=visitor.device, now=now
        )
        self.limits.forget(*guesses.lately)
        if pending.proofing_id is not None:
            # What was begun at a university in this journey is over: this is who the person wants to be.
            self._change(pending, signed_in.session, proofing_id=None)
        self._note("sign_in.succeeded", pending, account, now, method=str(method))
        return signed_in

    def _address(self, pending: PendingAuthorization) -> str:
        if pending.address is None:
            raise Refusal("authorization.expired", "no address yet")
        return pending.address

    def _change(self, pending: PendingAuthorization, session: Session, **changes: str | bool | None) -> None:
        self.authorizations.update(pending.id, session.browser, changes, now=self.clock())

    def _guesser(self, address: str, account: Account | None, visitor: Visitor) -> Guesser:
        name = account.id if account else address
        # Asked for unknown accounts as well, so that the number of database operations tells nothing.
        return Guesser(name, self.devices.knows(visitor.device, name) if visitor.device else None)

    def _guesses(self, guesser: Guesser, method: Method, now: datetime) -> Guesses:
        limits = guess_limits(self.secret, guesser, method)
        return Guesses(limits, self.limits.counted(limits, window=WINDOW, now=now))

    def _count_failure(self, guesses: Guesses, visitor: Visitor, now: datetime) -> bool:
        """Count a wrong guess; True when so many came from this network that the answer becomes 429."""
        for name, limit in guesses.limits.items():
            self.limits.count(name, limit=limit, window=WINDOW, now=now)
        network = network_limit(self.secret, visitor.network)
        return not self.limits.count(network, limit=NETWORK_BUDGET, window=NETWORK_WINDOW, now=now)

    def _rehash(self, account: Account, stored: str, password: str) -> None:
        if not self.hasher.needs_rehash(stored):
            return
        with contextlib.suppress(ServiceUnavailable):  # next time, when fewer wait to be hashed
            self.accounts.replace_hash(account.id, stored, self.hasher.hash(password))

    def _admitted(self, code: OneTimeCode, pending: PendingAuthorization, now: datetime) -> Account | None:
        """The account of an invited person; None where the invitation has ended.

        Somebody may have been quicker in having an account with this address, which then says by itself what leads in.
        """
        account = self.admits(code.invitation_id or "", code.address, reference=pending.reference, now=now)
        return account if account is not None and account.lets_in_by_code(now) else None

    def _is_mailed(self, code: OneTimeCode, pending: PendingAuthorization) -> bool:
        delivery = self.delivery(pending)
        return delivery is not None and delivery.at >= code.created_at

    def _new_code(
        self, session: Session, address: str, account: Account | None, invitation_id: str | None, now: datetime
    ) -> OneTimeCode:
        usable = account is not None and account.lets_in_by_code(now)
        return OneTimeCode(
            id=random_id(),
            purpose=CodePurpose.SIGN_IN,
            browser=session.browser,
            address=address,
            created_at=now,
            expires_at=now + one_time_codes.LIFETIME,
            account_id=account.id if account and usable else None,
            invitation_id=invitation_id if account is None else None,
        )

    def _message(
        self,
        mail_id: str,
        code: OneTimeCode,
        pending: PendingAuthorization,
        account: Account | None,
        locale: str | None,
        application: str,
        now: datetime,
    ) -> Message:
        """The mail with the code, or with the reason why there is none, so that nobody waits for it."""
        without_code = "passkey_needed" if account and account.only_passkeys else "unknown_account"
        return Message(
            id=mail_id,
            kind="sign_in_code" if code.is_for_somebody else without_code,
            to=code.address,
            locale=locale,
            created_at=now,
            expires_at=code.expires_at,
            reference=pending.reference,
            record_id=code.id if code.is_for_somebody else "",
            fields={"application": application},
        )

    def _denied(
        self,
        problem: str,
        pending: PendingAuthorization,
        account: Account | None,
        now: datetime,
        *,
        throttled: bool = False,
    ) -> Denied:
        self._note("sign_in.failed", pending, account, now, problem=problem)
        return denied(problem, throttled=throttled)

    def _note(
        self, event: str, pending: PendingAuthorization, account: Account | None, now: datetime, **fields: str
    ) -> None:
        self.audit.append(
            event,
            at=now,
            reference=pending.reference,
            account_id=account.id if account else None,
            client_id=pending.for_whom,
            **fields,
        )
