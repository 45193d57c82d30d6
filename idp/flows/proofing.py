"""Journey B: the first time. The university says who this is, the mailbox confirms it, a password is chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain import one_time_codes
from idp.domain.accounts import Account
from idp.domain.authorization import AuthorizationRequest, PendingAuthorization
from idp.domain.claims import display_name
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.guessing import MAILS_PER_HOUR, SHARED_BUDGET, WINDOW
from idp.domain.identity import accepted_address, accepted_identities, account_for
from idp.domain.keyed import SecretKey, random_id, random_token, token_hash
from idp.domain.logout import EndsSignIns
from idp.domain.messages import MailQueue, Message
from idp.domain.one_time_codes import CodePurpose, OneTimeCode
from idp.domain.passwords import PasswordHasher, PasswordProblem, problem_with
from idp.domain.proofing import LINK_LIFETIME, Proofing, ProofingState, Vouching, link_token
from idp.domain.sessions import ACR_UNIVERSITY, AMR_CODE, AMR_PASSWORD, Session, SignedIn, SignsIn
from idp.saml.federation import FederationFolder
from idp.saml.service_provider import OutgoingRequest, ServiceProvider
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.authorizations import AuthorizationStore
from idp.storage.database import AlreadyExists
from idp.storage.devices import DeviceStore
from idp.storage.limits import LimitStore
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.proofings import ProofingStore
from idp.storage.sessions import SessionStore

# How long a message's id is remembered: longer than any assertion may live.
REPLAY_MEMORY = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Universities to choose from; ``from_address`` when the address's domain named them."""

    providers: tuple[IdentityProvider, ...]
    from_address: bool


@dataclass(frozen=True, slots=True)
class ProofingFlow:
    service_provider: ServiceProvider
    federation: FederationFolder
    proofings: ProofingStore
    accounts: AccountStore
    authorizations: AuthorizationStore
    sessions: SessionStore
    ends_sign_ins: EndsSignIns
    codes: OneTimeCodeStore
    devices: DeviceStore
    limits: LimitStore
    mails: MailQueue
    audit: AuditTrail
    hasher: PasswordHasher
    secret: SecretKey
    signs_in: SignsIn
    clock: Callable[[], datetime]
    minimum_length: int

    # -- the university ------------------------------------------------------------------------------------------

    def own_metadata(self) -> bytes:
        """Our SAML metadata; needs no federation, for a university may be fetching it while ours still loads."""
        return self.service_provider.metadata()

    def candidates(self, pending: PendingAuthorization, query: str | None) -> Candidates:
        """What to choose from: the search's hits, or those that the address's domain names."""
        if query is not None:
            return Candidates(self.federation.current.search(query), from_address=False)
        domain = (pending.address or "").rpartition("@")[2]
        return Candidates(self.federation.current.by_address_domain(domain), from_address=True)

    def provider(self, entity_id: str) -> IdentityProvider:
        """The identity provider, refused when the federation does not hold it or hides it."""
        found = self.federation.current.provider(entity_id)
        if found is None and not self.federation.loaded:
            raise Refusal("proofing.university_unavailable", "federation not loaded", status=503)
        if found is None or found.hidden:
            raise Refusal("saml.unknown_provider", entity_id[:200])
        return found

    def begin(self, pending: PendingAuthorization, session: Session, entity_id: str) -> OutgoingRequest:
        """Send the person to the university: one AuthnRequest, remembered with everything its answer must match."""
        provider, now = self.provider(entity_id), self.clock()
        outgoing = self.service_provider.begin(provider, random_id(), now=now)
        proofing = Proofing(
            id=random_id(),
            browser=session.browser,
            authorization_id=pending.id,
            entity_id=provider.entity_id,
            request_id=outgoing.request_id,
            reference=pending.reference,
            created_at=now,
            expires_at=now + LINK_LIFETIME,
        )
        self.proofings.put(proofing, link_hash=token_hash(link_token(self.secret, proofing.id)))
        self._change(pending, session, entity_id=provider.entity_id, one_time_code_id=None)
        self._note("proofing.started", proofing, entity_id=provider.entity_id)
        return outgoing

    def answer(self, saml_response: str, session: Session | None) -> Proofing:
        """Take the university's answer; the request it answers is used up before anything of it is believed.

        session: the browser's, where its cookie came along. A cross-site POST carries no SameSite=Lax cookie, so that
        the browser is compared again in ``resume``, before anything follows from the answer.
        """
        request_id = self.service_provider.claimed_request_id(saml_response)
        proofing = self.proofings.by_request(request_id, now=self.clock())
        if proofing is None:
            raise Refusal("saml.in_response_to", "no such request")
        if session is not None and session.browser != proofing.browser:
            raise Refusal("browser.other", "answer to another browser's request").during(proofing.reference)
        try:
            return self._accept(proofing, saml_response)
        except Refusal as refusal:
            raise refusal.during(proofing.reference, proofing.authorization_id) from refusal

    def resume(self, proofing_id: str, session: Session) -> Proofing:
        """Go on in the browser that began; refused in every other, where nothing follows from the answer."""
        proofing, now = self.proofings.find(proofing_id, now=self.clock()), self.clock()
        if proofing is None or proofing.browser != session.browser:
            raise Refusal("browser.other", "answer taken in another browser")
        self.authorizations.update(proofing.authorization_id, session.browser, {"proofing_id": proofing.id}, now=now)
        return proofing

    def send_first_mail(self, proofing: Proofing, session: Session, *, locale: str, application: str) -> None:
        """Mail link and code once the right browser is back; coming back a second time mails nothing."""
        vouched = self.proofings.move(proofing.id, ProofingState.ANSWERED, ProofingState.VOUCHED, now=self.clock())
        if vouched is not None:
            self.send_mail(vouched, session, locale=locale, application=application)

    # -- the mailbox ---------------------------------------------------------------------------------------------

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

    # -- the password --------------------------------------------------------------------------------------------

    def choose_password(
        self, proofing: Proofing, session: Session, password: str, device: str | None
    ) -> SignedIn | PasswordProblem:
        """Store the first password and sign in with it: creating is signing in."""
        address, now = proofing.address or "", self.clock()
        problem = problem_with(password, address=address, minimum_length=self.minimum_length)
        if problem is not None:
            return problem
        hashed = self.hasher.hash(password)
        completed = self.proofings.move(proofing.id, ProofingState.CONFIRMED, ProofingState.COMPLETED, now=now)
        if completed is None:
            raise Refusal("authorization.expired", "proofing not waiting for a password").during(proofing.reference)
        account_id = completed.account_id or self._adopt(completed, now)
        self.accounts.set_password(account_id, hashed, now=now)
        self._note("proofing.completed", completed)
        return self.signs_in(
            session,
            account_id=account_id,
            methods=(AMR_PASSWORD, AMR_CODE),
            acr=ACR_UNIVERSITY,
            device=device,
            now=now,
        )

    # -- inside --------------------------------------------------------------------------------------------------

    def _accept(self, proofing: Proofing, saml_response: str) -> Proofing:
        now = self.clock()
        if proofing.state is not ProofingState.STARTED or not self._use_up(proofing, now):
            raise Refusal("saml.replayed", "request answered already")
        provider = self.provider(proofing.entity_id)
        vouching = self.service_provider.verify(saml_response, provider, proofing.request_id, now=now)
        if not self.proofings.first_use(
            provider.entity_id, vouching.response_id, vouching.assertion_id, expires_at=now + REPLAY_MEMORY
        ):
            raise Refusal("saml.replayed", "message id seen before")
        accepted = self._record(proofing, vouching, provider, now)
        self._note("proofing.vouched", accepted, entity_id=provider.entity_id)
        return accepted

    def _use_up(self, proofing: Proofing, now: datetime) -> bool:
        """The request counts as answered from here on, whatever the answer turns out to be."""
        moved = self.proofings.move(proofing.id, ProofingState.STARTED, ProofingState.RECEIVED, now=now)
        return moved is not None

    def _record(self, proofing: Proofing, vouching: Vouching, provider: IdentityProvider, now: datetime) -> Proofing:
        identities = accepted_identities(vouching, provider)
        address = accepted_address(vouching, provider)
        account = account_for(identities, self.accounts.by_identities(identities))
        if account is not None and account.disabled:
            raise Refusal("account.disabled", account.id, status=403)
        recorded = self.proofings.move(
            proofing.id,
            ProofingState.RECEIVED,
            ProofingState.ANSWERED,
            now=now,
            identities=identities,
            address=address,
            attributes={name: list(values) for name, values in vouching.attributes.items()},
            authn_instant=vouching.authn_instant,
            authn_context=vouching.authn_context,
            assertion_id=vouching.assertion_id,
            metadata_digest=vouching.metadata_digest,
        )
        if recorded is None:
            raise Refusal("saml.replayed", "request answered already")
        return recorded

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
        account_id = self._adopt(confirmed, now)
        self.proofings.move(
            proofing.id, ProofingState.CONFIRMED, ProofingState.CONFIRMED, now=now, account_id=account_id
        )
        self._note("proofing.confirmed", confirmed)

    def _adopt(self, proofing: Proofing, now: datetime) -> str:
        """The id of the person's account, made anew if need be, with nothing left of what it was used for before."""
        account = self._account(proofing, now)
        self._end_everything_of(account.id, proofing)
        return account.id

    def _account(self, proofing: Proofing, now: datetime) -> Account:
        """The account that the identities name, else a new one; the address comes along from whoever had it."""
        address = proofing.address or ""
        known = account_for(proofing.identities, self.accounts.by_identities(proofing.identities))
        previous = self.accounts.release_address(address, except_account=known.id if known else None)
        if previous is not None:
            self._end_everything_of(previous.id, proofing)
            self._note("account.address_moved", proofing, previous_account=previous.id)
        if known is None:
            return self._new_account(proofing, address, now)
        self.accounts.record_proof(
            known,
            identities=proofing.identities,
            address=address,
            attributes=proofing.attributes,
            locale=known.locale,
            now=now,
        )
        return known

    def _new_account(self, proofing: Proofing, address: str, now: datetime) -> Account:
        account = Account(
            id=random_id(),
            subject=random_token(),
            created_at=now,
            identities=proofing.identities,
            addresses=(address,),
            attributes=proofing.attributes,
            proved_at=now,
        )
        try:
            self.accounts.create(account)
        except AlreadyExists as race:
            raise Refusal("proofing.identity_conflict", "created at the same moment").during(
                proofing.reference
            ) from race
        return account

    def _end_everything_of(self, account_id: str, proofing: Proofing) -> None:
        # Who proves it again while signed in must find this journey again in the same browser.
        self.ends_sign_ins.of_account(account_id, known_browsers=proofing.browsers)
        self.devices.forget_account(account_id)

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

    def _change(self, pending: PendingAuthorization, session: Session, **changes: str | None) -> None:
        self.authorizations.update(pending.id, session.browser, changes, now=self.clock())

    def _note(self, event: str, proofing: Proofing, **fields: str) -> None:
        self.audit.append(
            event, at=self.clock(), reference=proofing.reference, account_id=proofing.account_id, **fields
        )


def person(proofing: Proofing) -> str:
    """How a page names the person whom the university vouched for."""
    return display_name(proofing.attributes)
