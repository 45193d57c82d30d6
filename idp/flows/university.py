"""Journey B, first page: the university says who this is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.accounts import Identity
from idp.domain.authorization import PendingAuthorization, wants_authentication
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.identity import (
    IdentityConflict,
    accepted_address,
    accepted_attributes,
    accepted_identities,
    account_for,
    released_mails,
)
from idp.domain.keyed import SecretKey, random_id, token_hash
from idp.domain.proofing import LINK_LIFETIME, Proofing, ProofingState, Vouching, link_token
from idp.domain.references import go_on_under
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
class UniversityFlow:
    service_provider: ServiceProvider
    federation: FederationFolder
    proofings: ProofingStore
    accounts: AccountStore
    authorizations: AuthorizationStore
    audit: AuditTrail
    secret: SecretKey
    clock: Callable[[], datetime]

    def own_metadata(self, *, signed: bool = False) -> bytes:
        """Our SAML metadata; needs no federation, for a university may be fetching it while ours still loads."""
        return self.service_provider.metadata(now=self.clock(), signed=signed)

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
        now = self.clock()
        try:
            provider = self.provider(entity_id)
            force = _must_ask_anew(pending, session, provider)
            outgoing = self.service_provider.begin(provider, random_id(), now=now, force=force)
        except Refusal as refusal:
            # Whoever chose it elsewhere, at a discovery service, finds the way back into this journey.
            raise refusal.during(pending.reference, pending.id) from refusal
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
        self._change(pending, session, one_time_code_id=None)
        self._note("proofing.started", proofing, entity_id=provider.entity_id, client_id=pending.for_whom)
        return outgoing

    def answer(self, saml_response: str, session: Session | None) -> Proofing:
        """Take the university's answer; the request it answers is used up before anything of it is believed.

        session: the browser's, where its cookie came along. A cross-site POST carries no SameSite=Lax cookie, so that
        the browser is compared again on arrival (``flows.arrival``), before anything follows from the answer.
        """
        try:
            request_id = self.service_provider.claimed_request_id(saml_response)
        except Refusal as refusal:
            raise self._of_whom(refusal, saml_response, session) from refusal
        proofing = self.proofings.by_request(request_id, now=self.clock())
        if proofing is None:
            raise Refusal("saml.in_response_to", "no such request")
        go_on_under(proofing.reference)
        if session is not None and session.browser != proofing.browser:
            raise Refusal("browser.other", "answer to another browser's request").during(proofing.reference)
        try:
            return self._accept(proofing, saml_response)
        except Refusal as refusal:
            raise refusal.during(proofing.reference, proofing.authorization_id) from refusal

    def _of_whom(self, refusal: Refusal, saml_response: str, session: Session | None) -> Refusal:
        """The guard's refusal with the university that was asked: told what is wrong, and counted in its health.

        Nothing is used up: what the guard refuses answers no request.
        """
        request_id = self.service_provider.named_request_id(saml_response)
        proofing = self.proofings.by_request(request_id, now=self.clock()) if request_id else None
        if proofing is None or (session is not None and session.browser != proofing.browser):
            return refusal
        go_on_under(proofing.reference)
        university = self.federation.current.provider(proofing.entity_id)
        told = refusal.during(proofing.reference, proofing.authorization_id)
        return told if university is None else told.at(university)

    def _accept(self, proofing: Proofing, saml_response: str) -> Proofing:
        now = self.clock()
        if proofing.state is not ProofingState.STARTED or not self._use_up(proofing, now):
            raise Refusal("saml.replayed", "request answered already")
        provider = self.provider(proofing.entity_id)
        try:
            accepted = self._verified(proofing, saml_response, provider, now)
        except Refusal as refusal:
            raise refusal.at(provider) from refusal
        self._note("proofing.vouched", accepted, entity_id=provider.entity_id, received=" ".join(_received(accepted)))
        return accepted

    def _verified(self, proofing: Proofing, saml_response: str, provider: IdentityProvider, now: datetime) -> Proofing:
        vouching = self.service_provider.verify(saml_response, provider, proofing.request_id, now=now)
        if not self.proofings.first_use(
            provider.entity_id, vouching.response_id, vouching.assertion_id, expires_at=now + REPLAY_MEMORY
        ):
            raise Refusal("saml.replayed", "message id seen before")
        return self._record(proofing, vouching, provider, now)

    def _use_up(self, proofing: Proofing, now: datetime) -> bool:
        """The request counts as answered from here on, whatever the answer turns out to be."""
        moved = self.proofings.move(proofing.id, ProofingState.STARTED, ProofingState.RECEIVED, now=now)
        return moved is not None

    def _record(self, proofing: Proofing, vouching: Vouching, provider: IdentityProvider, now: datetime) -> Proofing:
        identities = accepted_identities(vouching, provider)
        # Where no address is released, the person gives one and proves it (flows.given_address).
        mails = released_mails(vouching)
        address = accepted_address(vouching, provider) if mails else None
        self._refuse_conflict(proofing, identities)
        recorded = self.proofings.move(
            proofing.id,
            ProofingState.RECEIVED,
            ProofingState.ANSWERED,
            now=now,
            identities=identities,
            address=address,
            mails=mails,
            attributes={name: list(values) for name, values in accepted_attributes(vouching, provider).items()},
            authn_instant=vouching.authn_instant,
            authn_context=vouching.authn_context,
            assertion_id=vouching.assertion_id,
            metadata_digest=vouching.metadata_digest,
            provider_name=provider.name("fr"),
            registration_authority=provider.registration_authority,
        )
        if recorded is None:
            raise Refusal("saml.replayed", "request answered already")
        return recorded

    def _refuse_conflict(self, proofing: Proofing, identities: tuple[Identity, ...]) -> None:
        try:
            account = account_for(identities, self.accounts.by_identities(identities))
        except IdentityConflict as conflict:
            self._note("proofing.identity_conflict", proofing, entity_id=conflict.entity_id, kind=conflict.kind)
            raise
        if account is not None and not account.lets_in(self.clock()):
            raise Refusal("account.disabled", account.id, status=403)

    def _change(self, pending: PendingAuthorization, session: Session, **changes: str | None) -> None:
        self.authorizations.update(pending.id, session.browser, changes, now=self.clock())

    def _note(self, event: str, proofing: Proofing, **fields: str) -> None:
        self.audit.append(
            event, at=self.clock(), reference=proofing.reference, account_id=proofing.account_id, **fields
        )


def _must_ask_anew(pending: PendingAuthorization, session: Session, provider: IdentityProvider) -> bool:
    """Whether the university has to ask for its password (SAML core 3.4.1, ForceAuthn), whoever is known there."""
    if pending.named_other == provider.entity_id:
        return True
    # Who is signed in skips mailbox and password on the way back.
    return session.sign_in is not None and wants_authentication(pending.request)


def _received(proofing: Proofing) -> list[str]:
    """The names of what the university released, without any value."""
    kinds = {identity.kind for identity in proofing.identities}
    return sorted({*proofing.attributes, *kinds, *(["mail"] if proofing.mails else [])})
