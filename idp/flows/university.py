"""Journey B, first page: the university says who this is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.authorization import PendingAuthorization
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.identity import accepted_address, accepted_identities, account_for
from idp.domain.keyed import SecretKey, random_id, token_hash
from idp.domain.proofing import LINK_LIFETIME, Proofing, ProofingState, Vouching, link_token
from idp.domain.sessions import Session
from idp.saml.federation import FederationFolder
from idp.saml.service_provider import OutgoingRequest, ServiceProvider
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.authorizations import AuthorizationStore
from idp.storage.proofings import ProofingStore

# How long a message's id is remembered: longer than any assertion may live.
REPLAY_MEMORY = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Universities to choose from; ``from_address`` when the address's domain named them."""

    providers: tuple[IdentityProvider, ...]
    from_address: bool


@dataclass(frozen=True, slots=True)
class UniversityFlow:
    service_provider: ServiceProvider
    federation: FederationFolder
    proofings: ProofingStore
    accounts: AccountStore
    authorizations: AuthorizationStore
    audit: AuditTrail
    secret: SecretKey
    clock: Callable[[], datetime]

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

    def _change(self, pending: PendingAuthorization, session: Session, **changes: str | None) -> None:
        self.authorizations.update(pending.id, session.browser, changes, now=self.clock())

    def _note(self, event: str, proofing: Proofing, **fields: str) -> None:
        self.audit.append(
            event, at=self.clock(), reference=proofing.reference, account_id=proofing.account_id, **fields
        )
