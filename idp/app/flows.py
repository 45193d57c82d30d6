"""Each journey, built from the services it needs."""

from datetime import timedelta

from idp.app.services import Services, helpdesk_operators
from idp.domain.helpdesk import roles_of
from idp.flows.access import AccessFlow
from idp.flows.account import AccountFlow
from idp.flows.account_closing import AccountClosing
from idp.flows.admission import Admission
from idp.flows.adoption import Adoption
from idp.flows.arrival import ArrivalFlow
from idp.flows.authorization import AuthorizationFlow
from idp.flows.consent import ConsentFlow
from idp.flows.device import DeviceFlow
from idp.flows.end_session import EndSessionFlow
from idp.flows.export import ExportFlow
from idp.flows.given_address import GivenAddressFlow
from idp.flows.health import Health
from idp.flows.helpdesk_entry import HelpdeskEntry
from idp.flows.invitations import InvitationFlow
from idp.flows.mailbox import MailboxFlow
from idp.flows.new_password import NewPasswordFlow
from idp.flows.passkey_sign_in import PasskeySignInFlow
from idp.flows.passkeys import PasskeyFlow
from idp.flows.people import PeopleFlow
from idp.flows.proofs import ProofsFlow
from idp.flows.refusals import RefusalLog
from idp.flows.registration import RegistrationFlow
from idp.flows.sign_in import SignInFlow
from idp.flows.timeline import TimelineFlow
from idp.flows.tokens import TokenFlow
from idp.flows.university import UniversityFlow
from idp.flows.university_choice import OutsideDiscovery, UniversityChoice
from idp.flows.university_routing import DomainLearning, UniversityRouting
from idp.passkeys.relying_party import RelyingParty


def authorization(services: Services) -> AuthorizationFlow:
    """A client sends a person."""
    stores = services.stores
    return AuthorizationFlow(
        services.provider,
        stores.authorizations,
        stores.accounts,
        stores.proofings,
        stores.consents,
        stores.audit,
        services.clock,
    )


def sign_in(services: Services) -> SignInFlow:
    """Every other time: password or mailed code."""
    stores = services.stores
    return SignInFlow(
        accounts=stores.accounts,
        authorizations=stores.authorizations,
        codes=stores.codes,
        limits=stores.limits,
        devices=stores.devices,
        mails=stores.outbox,
        audit=stores.audit,
        federation=services.federation,
        hasher=services.hasher,
        secret=services.secret,
        signs_in=services.browser_sessions.sign_in,
        routes=routing(services),
        admits=Admission(stores.invitations, stores.accounts, stores.audit),
        clock=services.clock,
    )


def passkey_sign_in(services: Services) -> PasskeySignInFlow:
    """Every other time: a passkey."""
    stores = services.stores
    return PasskeySignInFlow(
        relying_party=_relying_party(services),
        passkeys=stores.passkeys,
        accounts=stores.accounts,
        authorizations=stores.authorizations,
        limits=stores.limits,
        audit=stores.audit,
        secret=services.secret,
        signs_in=services.browser_sessions.sign_in,
        clock=services.clock,
    )


def passkeys(services: Services) -> PasskeyFlow:
    """A person's passkeys."""
    stores = services.stores
    return PasskeyFlow(
        _relying_party(services), stores.passkeys, stores.outbox, stores.audit, services.secret, services.clock
    )


def _relying_party(services: Services) -> RelyingParty:
    return RelyingParty.at(services.settings.issuer, services.settings.web.service_name)


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
    return UniversityChoice(services.federation, routing(services), outside)


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
        adopts=_adoption(services),
        learns=_learning(services),
        clock=services.clock,
    )


def new_password(services: Services) -> NewPasswordFlow:
    """The first time: the password."""
    stores = services.stores
    return NewPasswordFlow(
        federation=services.federation,
        proofings=stores.proofings,
        accounts=stores.accounts,
        audit=stores.audit,
        hasher=services.hasher,
        adopts=_adoption(services),
        signs_in=services.browser_sessions.sign_in,
        clock=services.clock,
        minimum_length=services.settings.passwords.minimum_length,
        service_name=services.settings.web.service_name,
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
        stores.audit,
        stores.proofing_records,
        services.secret,
        services.clock,
    )


def account(services: Services) -> AccountFlow:
    """A person's own page."""
    stores = services.stores
    return AccountFlow(
        accounts=stores.accounts,
        ends_sign_ins=services.ends_sign_ins,
        devices=stores.devices,
        mails=stores.outbox,
        audit=stores.audit,
        hasher=services.hasher,
        signs_in=services.browser_sessions.sign_in,
        clock=services.clock,
        minimum_length=services.settings.passwords.minimum_length,
        service_name=services.settings.web.service_name,
    )


def proofs(services: Services) -> ProofsFlow:
    """Who vouched for a person."""
    return ProofsFlow(
        services.stores.proofing_records,
        services.federation,
        services.settings.affiliations.periods,
        services.clock,
    )


def export(services: Services) -> ExportFlow:
    """A person's data to take along."""
    stores = services.stores
    return ExportFlow(
        records=stores.proofing_records,
        sessions=stores.sessions,
        grants=stores.grants,
        consents=stores.consents,
        audit=stores.audit,
        periods=services.settings.affiliations.periods,
        clock=services.clock,
    )


def end_session(services: Services) -> EndSessionFlow:
    """Signing out."""
    stores = services.stores
    return EndSessionFlow(
        services.provider,
        stores.sessions,
        services.ends_sign_ins,
        stores.accounts,
        services.federation,
        stores.audit,
        services.clock,
    )


def device(services: Services) -> DeviceFlow:
    """A device without a keyboard is allowed."""
    stores = services.stores
    return DeviceFlow(
        services.provider,
        stores.accounts,
        stores.limits,
        stores.audit,
        services.secret,
        services.settings.affiliations.periods,
        services.clock,
    )


def account_closing(services: Services) -> AccountClosing:
    """An administrator closes an account."""
    stores = services.stores
    return AccountClosing(
        stores.accounts,
        services.ends_sign_ins,
        stores.devices,
        stores.consents,
        stores.sweeps,
        stores.audit,
        services.clock,
        timedelta(days=services.settings.retention.closed_accounts_days),
    )


def people(services: Services) -> PeopleFlow:
    """Whoever helps finds a person."""
    stores = services.stores

    def client_name(client_id: str) -> str:
        client = services.provider.client(client_id)
        return client.display_name("fr") if client else client_id

    return PeopleFlow(
        accounts=stores.accounts,
        invitations=stores.invitations,
        records=stores.proofing_records,
        sessions=stores.sessions,
        grants=stores.grants,
        devices=stores.devices,
        limits=stores.limits,
        outbox=stores.outbox,
        audit=stores.audit,
        secret=services.secret,
        client_name=client_name,
        clock=services.clock,
    )


def timeline(services: Services) -> TimelineFlow:
    """Whoever helps reads what happened."""
    stores = services.stores
    return TimelineFlow(
        stores.accounts, stores.audit, stores.outbox, stores.proofing_records, stores.grants, services.clock
    )


def helpdesk_entry(services: Services) -> HelpdeskEntry:
    """Whoever helps signs in to the console."""
    stores, configured = services.stores, services.settings
    operators = helpdesk_operators(configured)

    def roles(account_id: str) -> tuple[str, ...]:
        account = stores.accounts.find(account_id)
        return roles_of(account, operators) if account else ()

    return HelpdeskEntry(
        provider=services.provider,
        console=stores.helpdesk_sessions,
        sessions=stores.sessions,
        accounts=stores.accounts,
        audit=stores.audit,
        secret=services.secret,
        client_id=configured.helpdesk.client_id,
        callback_url=f"{configured.issuer}/helpdesk/callback",
        needs_passkey=configured.helpdesk.passkey,
        roles=roles,
        clock=services.clock,
    )


def invitations(services: Services) -> InvitationFlow:
    """An administrator invites people."""
    stores, configured = services.stores, services.settings
    url = configured.invitations.sign_in_url or f"{configured.issuer}/account"
    return InvitationFlow(stores.invitations, stores.accounts, stores.outbox, stores.audit, url, services.clock)


def access(services: Services) -> AccessFlow:
    """What applications hold, and taking it back."""
    stores = services.stores
    return AccessFlow(
        services.provider,
        stores.sessions,
        stores.grants,
        stores.consents,
        services.ends_sign_ins,
        stores.audit,
        services.clock,
    )


def tokens(services: Services) -> TokenFlow:
    """What applications call without a person."""
    return TokenFlow(services.provider, services.clock)


def health(services: Services) -> Health:
    """What probes and graphs ask."""
    stores = services.stores
    return Health(services.database, services.federation, stores.outbox, stores.logout_notices, services.clock)


def consent(services: Services) -> ConsentFlow:
    """People agree, or not, to what an application receives."""
    stores = services.stores
    return ConsentFlow(
        provider=services.provider,
        authorizations=stores.authorizations,
        accounts=stores.accounts,
        consents=stores.consents,
        audit=stores.audit,
        periods=services.settings.affiliations.periods,
        clock=services.clock,
    )


def registration(services: Services) -> RegistrationFlow:
    """Applications register themselves."""
    return RegistrationFlow(services.registration, services.stores.grants, services.clock)


def refusals(services: Services) -> RefusalLog:
    """Refusals under the reference that a page shows."""
    return RefusalLog(services.stores.audit, services.clock)
