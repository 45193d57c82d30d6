"""Journey B, second page: the mailbox that the university named is the person's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain import one_time_codes
from idp.domain.authorization import AuthorizationRequest, PendingAuthorization
from idp.domain.errors import Refusal
from idp.domain.guessing import MAILS_PER_HOUR, SHARED_BUDGET, WINDOW
from idp.domain.keyed import SecretKey, random_id, token_hash
from idp.domain.messages import MailQueue, Message
from idp.domain.one_time_codes import CodePurpose, OneTimeCode
from idp.domain.proofing import AdoptsAccount, Proofing, ProofingState
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
    adopts: AdoptsAccount
    clock: Callable[[], datetime]

    def of(self, pending: PendingAuthorization, session: Session) -> Proofing:
        """The proofing that this journey waits for."""
        found = self.proofings.find(pending.proofing_id or "", now=self.clock())
        if found is None or session.browser not in found.browsers:
            raise Refusal("authorization.expired", "no such proofing").during(pending.reference, pending.id)
        return found

    def university_name(self, proofing: Proofing, language: str) -> str:
        """The university's name, also while its metadata is away."""
        provider = self.federation.current.provider(proofing.entity_id)
        return provider.name(language) if provider else proofing.entity_id

    def send_first_mail(self, proofing: Proofing, session: Session, *, locale: str, application: str) -> None:
        """Mail link and code once the right browser is back; coming back a second time mails nothing."""
        vouched = self.proofings.move(proofing.id, ProofingState.ANSWERED, ProofingState.VOUCHED, now=self.clock())
        if vouched is not None:
            self.send_mail(vouched, session, locale=locale, application=application)

    def send_mail(self, proofing: Proofing, session: Session, *, locale: str, application: str) -> bool:
        """Mail link and code, the same code while it lives; False when this address had too many mails lately."""
        now, address = self.clock(), proofing.address or ""
        code = self.codes.issue(self._new_code(proofing, session, now), now=now)
        if not self.limits.count(
            self.secret.hash("mail-limit", address), limit=MAILS_PER_HOUR, window=timedelta(hours=1), now=now
        ):
            self._note("proofing.mail_limit", proofing)
            return False
        self.mails.put(
            Message(
                id=random_id(),
                kind="proofing",
                to=address,
                locale=locale,
                created_at=now,
                expires_at=proofing.expires_at,
                reference=proofing.reference,
                record_id=proofing.id,
                fields={
                    "code_record_id": code.id,
                    "university": self.university_name(proofing, locale),
                    "application": application,
                },
            )
        )
        return True

    def with_code(self, proofing: Proofing, session: Session, typed: str) -> str | None:
        """Confirm the mailbox by the code; None when it is confirmed, else a field sentence's key."""
        digits, now = one_time_codes.typed_digits(typed), self.clock()
        if digits is None:
            return "code.malformed"
        guesses = self.secret.hash("guesses-of-proofing", proofing.address or "")
        if not self.limits.allows(guesses, limit=SHARED_BUDGET, window=WINDOW, now=now):
            return "code.too_many"
        live = self.codes.issue(self._new_code(proofing, session, now), now=now)
        code = self.codes.attempt(live.id, session.browser, now=now)
        if code is None:
            return "code.expired"
        if not one_time_codes.is_right(self.secret, code, digits):
            self.limits.count(guesses, limit=SHARED_BUDGET, window=WINDOW, now=now)
            self._note("proofing.code_wrong", proofing)
            return "code.wrong"
        if not self.codes.take(code.id, now=now):
            return "code.expired"
        self._confirm(proofing, link_browser=None)
        return None

    def open_link(self, token: str, session: Session) -> Proofing:
        """What a mailed link leads to; changes nothing, however often it is opened (mail scanners do)."""
        proofing = self.proofings.by_link(token_hash(token), now=self.clock())
        if proofing is None:
            raise Refusal("proofing.link_invalid", "unknown or expired")
        if proofing.state in (ProofingState.CONFIRMED, ProofingState.COMPLETED):
            raise Refusal("proofing.link_used", proofing.id).during(proofing.reference)
        if proofing.state is not ProofingState.VOUCHED:
            raise Refusal("proofing.link_invalid", str(proofing.state)).during(proofing.reference)
        self._refuse_other_person(proofing, session)
        return proofing

    def confirm_link(self, token: str, session: Session, account_url: str) -> str:
        """Confirm the mailbox by the link's button; the handle of the journey that goes on in this browser."""
        proofing = self.open_link(token, session)
        here = session.browser == proofing.browser
        self._confirm(proofing, link_browser=None if here else session.browser)
        return proofing.authorization_id if here else self._journey_elsewhere(proofing, session, account_url)

    def _confirm(self, proofing: Proofing, *, link_browser: str | None) -> None:
        """The mailbox is proven: the account is found or made, and everything older for it dies.

        Whoever had a session, a code, a link or a password for this address before is not known to be this person
        (account pre-hijacking, Sudhodanan & Paverd): all of it ends before the account is handed over.
        """
        now, address = self.clock(), proofing.address or ""
        confirmed = self.proofings.move(
            proofing.id, ProofingState.VOUCHED, ProofingState.CONFIRMED, now=now, link_browser=link_browser
        )
        if confirmed is None:
            raise Refusal("proofing.link_used", proofing.id).during(proofing.reference)
        self.codes.void_address(address, now=now)
        self.proofings.void_address(address, except_id=proofing.id)
        account_id = self.adopts(confirmed)
        self.proofings.move(
            proofing.id, ProofingState.CONFIRMED, ProofingState.CONFIRMED, now=now, account_id=account_id
        )
        self._note("proofing.confirmed", confirmed)

    def _refuse_other_person(self, proofing: Proofing, session: Session) -> None:
        """A link works for its own proofing alone, not where somebody else is signed in or on the way
        (CVE-2026-9087)."""
        if session.browser == proofing.browser:
            return
        if session.sign_in is not None:
            account = self.accounts.find(session.sign_in.account_id)
            if account is None or not set(account.identities) & set(proofing.identities):
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
            expires_at=now + timedelta(hours=2),
            reference=proofing.reference,
            address=proofing.address,
            proofing_id=proofing.id,
        )
        self.authorizations.put(pending)
        return pending.id

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
