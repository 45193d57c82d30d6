"""Journey B where the university releases no address: the person gives one, and proves the mailbox by code."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain import addresses
from idp.domain.addresses import InvalidAddress
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.guessing import MAILS_PER_HOUR
from idp.domain.identity import given_address_problem
from idp.domain.keyed import SecretKey
from idp.domain.proofing import Proofing, ProofingState
from idp.saml.federation import FederationFolder
from idp.storage.audit import AuditTrail
from idp.storage.limits import LimitStore
from idp.storage.proofings import ProofingStore


@dataclass(frozen=True, slots=True)
class GivenAddressFlow:
    federation: FederationFolder
    proofings: ProofingStore
    limits: LimitStore
    audit: AuditTrail
    secret: SecretKey
    clock: Callable[[], datetime]

    def domains(self, proofing: Proofing) -> tuple[str, ...]:
        """Where the address may lie: in these domains and below them."""
        provider = self._provider(proofing)
        return tuple(dict.fromkeys(provider.scopes + provider.mail_domains))

    def take(self, proofing: Proofing, typed: str) -> Proofing | str:
        """The proofing with this address, waiting for its code; else the key of a field sentence.

        Known and unknown addresses are taken alike. The address stays for this proofing: a second one needs another.
        """
        if proofing.address is not None:
            # Whom the university gave an address has no say in it, whatever form is sent.
            raise Refusal("authorization.expired", "no address is waited for").during(proofing.reference)
        try:
            address = addresses.clean(typed)
        except InvalidAddress as error:
            return error.key
        problem = given_address_problem(address, self._provider(proofing))
        if problem is not None:
            return problem
        if not self._may_give(proofing):
            return "email.too_many_given"
        now = self.clock()
        taken = self.proofings.move(
            proofing.id, ProofingState.ANSWERED, ProofingState.VOUCHED, now=now, address=address, address_given=True
        )
        if taken is None:
            raise Refusal("authorization.expired", "no address is waited for").during(proofing.reference)
        self.audit.append("proofing.address_given", at=now, reference=proofing.reference)
        return taken

    def _may_give(self, proofing: Proofing) -> bool:
        """Whoever has an identity but no address cannot have mails sent to a whole university."""
        identity = proofing.identities[0]
        key = self.secret.hash("given-addresses", identity.entity_id, identity.kind, identity.value)
        return self.limits.count(key, limit=MAILS_PER_HOUR, window=timedelta(hours=1), now=self.clock())

    def _provider(self, proofing: Proofing) -> IdentityProvider:
        provider = self.federation.current.provider(proofing.entity_id)
        if provider is None:
            raise Refusal("proofing.university_unavailable", proofing.entity_id, status=503).during(
                proofing.reference, proofing.authorization_id
            )
        return provider
