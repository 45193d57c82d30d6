"""Journey B, second page: the mailbox that the university named is the person's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain import one_time_codes
from idp.domain.accounts import Account
from idp.domain.authorization import LIFETIME, AuthorizationRequest, PendingAuthorization
from idp.domain.errors import Refusal
from idp.domain.guessing import (
    MAILS_PER_HOUR,
    SHARED_BUDGET,
    VOUCHED_MAILS_PER_HOUR,
    WINDOW,
    mail_limit,
    proofing_limit,
    vouched_mail_limit,
)
from idp.domain.identity import account_for, is_expected, is_named
from idp.domain.keyed import SecretKey, random_id, token_hash
from idp.domain.messages import Delivery, MailQueue, Message
from idp.domain.one_time_codes import CodePurpose, OneTimeCode
from idp.domain.proofing import ConfirmedBy, ConfirmsMailbox, Proofing, ProofingState
from idp.domain.references import go_on_under
from idp.domain.sessions import Session
from idp.saml.federation import FederationFolder
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.authorizations import AuthorizationStore
from idp.storage.limits import LimitStore
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.proofings import ProofingStore


@dataclass(frozen=True, slots=True)
class MailboxFlow:
    federation: FederationFolder
    proofings: ProofingStore
    accounts: AccountStore
    authorizations: AuthorizationStore
    codes: OneTimeCodeStore
    limits: LimitStore
    mails: MailQueue
    audit: AuditTrail
    secret: SecretKey
    confirms: ConfirmsMailbox
    clock: Callable[[], datetime]

    def of(
        self, pending: PendingAuthorization, session: Session, named: str = ""
    ) -> tuple[PendingAuthorization, Proofing]:
        """This journey, and the proofing that it goes on with.

        named: the id in the form that was sent. Two tabs may have come back from two universities: each form goes on
        with its own proofing, and the journey follows the form that was sent.
        """
        now = self.clock()
        found = self.own(pending, session, self.proofings.find(named or pending.proofing_id or "", now=now))
        if found.id != pending.proofing_id:
            if found.authorization_id != pending.id:
                raise Refusal("authorization.expired", "another journey").during(pending.reference, pending.id)
            moved = self.authorizations.update(pending.id, session.browser, {"proofing_id": found.id}, now=now)
            return moved or pending, found
        return pending, found

    def own(self, pending: PendingAuthorization, session: Session, found: Proofing | None) -> Proofing:
        """This proofing, where it may go on in this browser; refused everywhere else.

        Pages ask it also where only its own browser gets to: they name the person, and nobody else may read that.
        """
        if found is None or not (session.browser in found.browsers or self._has_link(pending, found, session)):
            raise Refusal("authorization.expired", "no such proofing").during(pending.reference, pending.id)
        return found

    def expects_other(self, pending: PendingAuthorization, proofing: Proofing) -> str | None:
        """The address that the person typed at the beginning, where the university confirmed another one."""
        if proofing.address_given:
            return None
        is_theirs = is_expected(pending.address, proofing, lambda: self._named(proofing))
        return None if is_theirs else pending.address

    def _named(self, proofing: Proofing) -> Account | None:
        return account_for(proofing.identities, self.accounts.by_identities(proofing.identities))

    def university_name(self, proofing: Proofing, language: str) -> str:
        """The university's name, also while its metadata is away."""
        provider = self.federation.current.provider(proofing.entity_id)
        return provider.name(language) if provider else proofing.entity_id

    def send_first_mail(self, proofing: Proofing, session: Session, *, locale: str | None, application: str) -> None:
        """Mail link and code once the right browser is back; coming back a second time mails nothing.

        Where too many mails went out lately, no mail goes: ``delivery`` then knows of no mail, and the page says so.
        """
        vouched = self.proofings.move(proofing.id, ProofingState.ANSWERED, ProofingState.VOUCHED, now=self.clock())
        if vouched is not None:
            self.send_mail(vouched, session, locale=locale, application=application)

    def send_mail(self, proofing: Proofing, session: Session, *, locale: str | None, application: str) -> bool:
        """Mail link and code, the same code while it lives; False when this address had too many mails lately."""
        _refuse_unasked(proofing)
        now, address = self.clock(), proofing.address or ""
        code = self.codes.issue(self._new_code(proofing, session, now), now=now)
        if not self._may_mail(proofing, now):
            self._note("proofing.mail_limit", proofing)
            return False
        self.mails.put(
            Message(
                id=random_id(),
                # A link that was opened elsewhere would hand the person's identity to whoever has a mistyped address.
                kind="given_address" if proofing.address_given else "proofing",
                to=address,
                locale=locale,
                created_at=now,
                expires_at=code.expires_at if proofing.address_given else proofing.expires_at,
                reference=proofing.reference,
                record_id=proofing.id,
                fields={
                    "code_record_id": code.id,
                    "university": self.university_name(proofing, locale or "fr"),
                    "application": application,
                },
            )
        )
        return True

    def _may_mail(self, proofing: Proofing, now: datetime) -> bool:
        """Whether one more mail may go; an address that a university vouched for has a budget of its own as well.

        A stranger who knows an address can use up its mails of each hour. Its person, whose university has just named
        the address, would not get in on the morning of an exam.
        """
        address, hour = proofing.address or "", timedelta(hours=1)
        is_left = self.limits.count(mail_limit(self.secret, address), limit=MAILS_PER_HOUR, window=hour, now=now)
        if proofing.address_given:
            return is_left
        own = vouched_mail_limit(self.secret, proofing.entity_id, address)
        return self.limits.count(own, limit=VOUCHED_MAILS_PER_HOUR, window=hour, now=now) or is_left

    def delivery(self, proofing: Proofing) -> Delivery | None:
        """How far the last mail of this proofing got."""
        return self.mails.last_delivery(proofing.reference, proofing.address or "")

    def with_code(self, proofing: Proofing, session: Session, typed: str) -> str | None:
        """Confirm the mailbox by the code; None when it is confirmed, else a field sentence's key."""
        if proofing.is_confirmed:
            # The form was sent twice: the first form has taken the code.
            return None
        _refuse_unasked(proofing)
        problem = self._problem_with(proofing, session, typed)
        return None if problem is None or self._is_confirmed_by_now(proofing) else problem

    def _is_confirmed_by_now(self, proofing: Proofing) -> bool:
        """Whether the form was sent twice at once, and the other form has taken the code."""
        found = self.proofings.find(proofing.id, now=self.clock())
        return found is not None and found.is_confirmed

    def _problem_with(self, proofing: Proofing, session: Session, typed: str) -> str | None:
        digits, now = one_time_codes.typed_digits(typed), self.clock()
        if digits is None:
            return one_time_codes.why_no_digits(typed)
        guesses = proofing_limit(self.secret, proofing.address or "")
        if not self.limits.allows(guesses, limit=SHARED_BUDGET, window=WINDOW, now=now):
            return "code.too_many"
        mailed = self.codes.like(self._new_code(proofing, session, now))
        if mailed is None:
            return "code.expired"
        code = self.codes.attempt(mailed.id, session.browser, now=now)
        if code is None:
            return self.codes.why_not(mailed.id, session.browser, now=now)
        if not one_time_codes.is_right(self.secret, code, digits):
            self.limits.count(guesses, limit=SHARED_BUDGET, window=WINDOW, now=now)
            self._note("proofing.code_wrong", proofing)
            return "code.wrong"
        if not self.codes.take(code.id, now=now):
            return "code.expired"
        self.confirms(proofing, ConfirmedBy.CODE)
        return None

    def open_link(self, token: str, session: Session) -> Proofing:
        """What a mailed link leads to; changes nothing, however often it is opened (mail scanners do)."""
        proofing = self.proofings.by_link(token_hash(token), now=self.clock())
        if proofing is None:
            raise Refusal("proofing.link_invalid", "unknown or expired")
        go_on_under(proofing.reference)
        if proofing.is_confirmed:
            here = proofing.authorization_id if session.browser == proofing.browser else None
            raise Refusal("proofing.link_used", proofing.id).during(proofing.reference, here)
        if proofing.state is not ProofingState.VOUCHED or proofing.address_given:
            raise Refusal("proofing.link_invalid", str(proofing.state)).during(proofing.reference)
        self._refuse_other_person(proofing, session)
        if proofing.followed_as is not None and session.browser != proofing.browser:
            raise self._followed_before(proofing, session)
        return proofing

    def follow_link(self, token: str, session: Session, account_url: str) -> str:
        """Go on by the link's button; the handle of the journey that goes on in this browser.

        In the browser that waits for the link, the mailbox is confirmed. In one other browser the journey goes on, and
        nothing is confirmed until a password is chosen there: scanners of mail press buttons as well. Link and code
        still work in the browser that waits, whoever pressed the button elsewhere.
        """
        proofing = self.open_link(token, session)
        if session.browser != proofing.browser:
            return self._journey_elsewhere(proofing, session, account_url)
        self.confirms(proofing, ConfirmedBy.LINK)
        return proofing.authorization_id

    def _has_link(self, pending: PendingAuthorization, proofing: Proofing, session: Session) -> bool:
        if not proofing.has_link(pending.id) or proofing.state is not ProofingState.VOUCHED:
            return False
        self._refuse_other_person(proofing, session)
        return True

    def _refuse_other_person(self, proofing: Proofing, session: Session) -> None:
        """A link works for its own proofing alone, not where somebody else is signed in or on the way
        (CVE-2026-9087)."""
        if session.browser == proofing.browser:
            return
        if session.sign_in is not None:
            account = self.accounts.find(session.sign_in.account_id)
            if account is None or not is_named(account, proofing.identities):
                raise Refusal("proofing.other_person", "another account is signed in").during(proofing.reference)
        if self.proofings.is_other_in(session.browser, proofing.identities, now=self.clock()):
            raise Refusal("proofing.other_person", "another proofing under way").during(proofing.reference)

    def _journey_elsewhere(self, proofing: Proofing, session: Session, account_url: str) -> str:
        """The link was opened on another device: a journey of its own there, which ends on the account page."""
        now = self.clock()
        pending = PendingAuthorization(
            id=random_id(),
            browser=session.browser,
            request=AuthorizationRequest(None, account_url),
            created_at=now,
            expires_at=now + LIFETIME,
            reference=proofing.reference,
            address=proofing.address,
            proofing_id=proofing.id,
        )
        if not self.proofings.follow(proofing.id, pending.id, now=now):
            raise self._followed_before(proofing, session)
        self.authorizations.put(pending)
        self._note("proofing.link_followed", proofing)
        return pending.id

    def _followed_before(self, proofing: Proofing, session: Session) -> Refusal:
        """The refusal of a link that was followed before: only the browser that followed it has a journey to go on
        with."""
        here = self.authorizations.find(proofing.followed_as or "", session.browser, now=self.clock())
        return Refusal("proofing.link_followed", proofing.id).during(proofing.reference, here.id if here else None)

    def _new_code(self, proofing: Proofing, session: Session, now: datetime) -> OneTimeCode:
        return OneTimeCode(
            id=random_id(),
            purpose=CodePurpose.PROOFING,
            browser=session.browser,
            address=proofing.address or "",
            created_at=now,
            expires_at=now + one_time_codes.LIFETIME,
            proofing_id=proofing.id,
        )

    def _note(self, event: str, proofing: Proofing, **fields: str) -> None:
        self.audit.append(
            event, at=self.clock(), reference=proofing.reference, account_id=proofing.account_id, **fields
        )


def _refuse_unasked(proofing: Proofing) -> None:
    """No mail and no code before the person went on as whom the university named, or gave an address."""
    if proofing.state is ProofingState.ANSWERED:
        raise Refusal("authorization.expired", "the person has not been asked").during(
            proofing.reference, proofing.authorization_id
        )
