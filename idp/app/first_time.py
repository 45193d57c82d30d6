"""The journey of the first time, built from the services: university, mailbox, password."""

from idp.app import ways_in
from idp.app.services import Services
from idp.flows.adoption import Adoption
from idp.flows.arrival import ArrivalFlow
from idp.flows.given_address import GivenAddressFlow
from idp.flows.mailbox import MailboxFlow
from idp.flows.mailbox_proof import MailboxProof
from idp.flows.new_password import NewPasswordFlow
from idp.flows.university import UniversityFlow
from idp.flows.university_choice import OutsideDiscovery, UniversityChoice
from idp.flows.university_routing import DomainLearning, UniversityRouting


def university(services: Services) -> UniversityFlow:
    """The first time: the university."""
    stores = services.stores
    return UniversityFlow(
        service_provider=services.service_provider,
        federation=services.federation,
        proofings=stores.proofings,
        accounts=stores.accounts,
        authorizations=stores.authorizations,
        audit=stores.audit,
        secret=services.secret,
        clock=services.clock,
    )


def routing(services: Services) -> UniversityRouting:
    """From an address to its university."""
    return UniversityRouting(services.federation, services.stores.learned_domains, services.clock)


def university_choice(services: Services) -> UniversityChoice:
    """Choosing a university."""
    configured = services.settings
    url = configured.federation.discovery_url
    outside = OutsideDiscovery(url, configured.saml.entity_id, f"{configured.issuer}/saml/discovery") if url else None
    return UniversityChoice(
        services.federation, routing(services), services.stores.audit, services.clock, outside=outside
    )


def arrival(services: Services) -> ArrivalFlow:
    """The first time: back from the university."""
    stores = services.stores
    return ArrivalFlow(
        federation=services.federation,
        proofings=stores.proofings,
        accounts=stores.accounts,
        authorizations=stores.authorizations,
        records=stores.proofing_records,
        audit=stores.audit,
        secret=services.secret,
        signs_in=services.browser_sessions.sign_in,
        routes=routing(services),
        clock=services.clock,
    )


def given_address(services: Services) -> GivenAddressFlow:
    """The first time: an address that the university does not release."""
    stores = services.stores
    return GivenAddressFlow(
        services.federation, stores.proofings, stores.limits, stores.audit, services.secret, services.clock
    )


def mailbox(services: Services) -> MailboxFlow:
    """The first time: the mailbox."""
    stores = services.stores
    return MailboxFlow(
        federation=services.federation,
        proofings=stores.proofings,
        accounts=stores.accounts,
        authorizations=stores.authorizations,
        codes=stores.codes,
        limits=stores.limits,
        mails=stores.outbox,
        audit=stores.audit,
        secret=services.secret,
        confirms=mailbox_proof(services),
        clock=services.clock,
    )


def new_password(services: Services) -> NewPasswordFlow:
    """The first time: the password."""
    stores = services.stores
    return NewPasswordFlow(
        federation=services.federation,
        proofings=stores.proofings,
        accounts=stores.accounts,
        mails=stores.outbox,
        audit=stores.audit,
        hasher=services.hasher,
        adopts=_adoption(services),
        confirms=mailbox_proof(services),
        ways_in=ways_in.beside_password(services),
        puts_out=ways_in.putting_out(services),
        signs_in=services.browser_sessions.sign_in,
        clock=services.clock,
        minimum_length=services.settings.passwords.minimum_length,
        service_name=services.settings.web.service_name,
    )


def mailbox_proof(services: Services) -> MailboxProof:
    """The first time: the mailbox is proven."""
    stores = services.stores
    return MailboxProof(
        stores.proofings, stores.codes, stores.audit, _adoption(services), _learning(services), services.clock
    )


def _learning(services: Services) -> DomainLearning:
    stores = services.stores
    return DomainLearning(
        services.federation, stores.learned_domains, stores.authorizations, services.secret, services.clock
    )


def _adoption(services: Services) -> Adoption:
    stores = services.stores
    return Adoption(
        stores.accounts,
        services.ends_sign_ins,
        stores.devices,
        stores.codes,
        stores.passkeys,
        stores.sweeps,
        stores.outbox,
        stores.audit,
        stores.proofing_records,
        services.secret,
        services.clock,
    )
