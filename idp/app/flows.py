"""Each journey, built from the services it needs."""

from idp.app.services import Services
from idp.flows.access import AccessFlow
from idp.flows.account import AccountFlow
from idp.flows.adoption import Adoption
from idp.flows.authorization import AuthorizationFlow
from idp.flows.consent import ConsentFlow
from idp.flows.device import DeviceFlow
from idp.flows.end_session import EndSessionFlow
from idp.flows.health import Health
from idp.flows.mailbox import MailboxFlow
from idp.flows.new_password import NewPasswordFlow
from idp.flows.refusals import RefusalLog
from idp.flows.registration import RegistrationFlow
from idp.flows.sign_in import SignInFlow
from idp.flows.tokens import TokenFlow
from idp.flows.university import UniversityFlow


def authorization(services: Services) -> AuthorizationFlow:
    """A client sends a person."""
    stores = services.stores
    return AuthorizationFlow(
        services.provider, stores.authorizations, stores.accounts, stores.proofings, stores.consents, services.clock
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
        clock=services.clock,
    )


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
        clock=services.clock,
    )


def new_password(services: Services) -> NewPasswordFlow:
    """The first time: the password."""
    stores = services.stores
    return NewPasswordFlow(
        proofings=stores.proofings,
        accounts=stores.accounts,
        audit=stores.audit,
        hasher=services.hasher,
        adopts=_adoption(services),
        signs_in=services.browser_sessions.sign_in,
        clock=services.clock,
        minimum_length=services.settings.passwords.minimum_length,
    )


def _adoption(services: Services) -> Adoption:
    stores = services.stores
    return Adoption(stores.accounts, services.ends_sign_ins, stores.devices, stores.audit, services.clock)


def account(services: Services) -> AccountFlow:
    """A person's own page."""
    stores = services.stores
    return AccountFlow(
        accounts=stores.accounts,
        ends_sign_ins=services.ends_sign_ins,
        devices=stores.devices,
        mails=stores.outbox,
        audit=stores.audit,
        federation=services.federation,
        hasher=services.hasher,
        signs_in=services.browser_sessions.sign_in,
        clock=services.clock,
        minimum_length=services.settings.passwords.minimum_length,
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
    return DeviceFlow(services.provider, stores.accounts, stores.limits, stores.audit, services.secret, services.clock)


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
        clock=services.clock,
    )


def registration(services: Services) -> RegistrationFlow:
    """Applications register themselves."""
    return RegistrationFlow(services.registration, services.stores.grants, services.clock)


def refusals(services: Services) -> RefusalLog:
    """Refusals under the reference that a page shows."""
    return RefusalLog(services.stores.audit, services.clock)
