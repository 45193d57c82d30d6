"""Each journey, built from the services it needs."""

from idp.app import first_time, ways_in
from idp.app.services import Services
from idp.flows.access import AccessFlow
from idp.flows.account import AccountFlow
from idp.flows.admission import Admission
from idp.flows.authorization import AuthorizationFlow
from idp.flows.consent import ConsentFlow
from idp.flows.device import DeviceFlow
from idp.flows.end_session import EndSessionFlow
from idp.flows.export import ExportFlow
from idp.flows.health import Health
from idp.flows.passkey_sign_in import PasskeySignInFlow
from idp.flows.proofs import ProofsFlow
from idp.flows.refusals import RefusalLog
from idp.flows.registration import RegistrationFlow
from idp.flows.sign_in import SignInFlow
from idp.flows.tokens import TokenFlow


def authorization(services: Services) -> AuthorizationFlow:
    """A client sends a person."""
    stores = services.stores
    return AuthorizationFlow(
        provider=services.provider,
        authorizations=stores.authorizations,
        accounts=stores.accounts,
        proofings=stores.proofings,
        consents=stores.consents,
        releases=stores.releases,
        ends_sign_ins=services.ends_sign_ins,
        audit=stores.audit,
        claims=services.claims,
        is_confirmation_due=proofs(services).is_confirmation_due,
        clock=services.clock,
        heard=services.metrics.counts,
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
        routes=first_time.routing(services),
        admits=Admission(stores.invitations, stores.accounts, stores.audit),
        clock=services.clock,
    )


def passkey_sign_in(services: Services) -> PasskeySignInFlow:
    """Every other time: a passkey."""
    stores = services.stores
    return PasskeySignInFlow(
        relying_party=ways_in.relying_party(services),
        passkeys=stores.passkeys,
        accounts=stores.accounts,
        authorizations=stores.authorizations,
        limits=stores.limits,
        mails=stores.outbox,
        audit=stores.audit,
        secret=services.secret,
        signs_in=services.browser_sessions.sign_in,
        clock=services.clock,
    )


def account(services: Services) -> AccountFlow:
    """A person's own page."""
    stores = services.stores
    return AccountFlow(
        accounts=stores.accounts,
        ends_sign_ins=services.ends_sign_ins,
        devices=stores.devices,
        under_way=stores.under_way,
        sessions=stores.sessions,
        sweeps=stores.sweeps,
        mails=stores.outbox,
        audit=stores.audit,
        hasher=services.hasher,
        ways_in=ways_in.beside_password(services),
        signs_in=services.browser_sessions.sign_in,
        clock=services.clock,
        minimum_length=services.settings.passwords.minimum_length,
        service_name=services.settings.web.service_name,
    )


def proofs(services: Services) -> ProofsFlow:
    """Who vouched for a person."""
    return ProofsFlow(
        records=services.stores.proofing_records,
        federation=services.federation,
        periods=services.settings.affiliations.periods,
        clock=services.clock,
    )


def export(services: Services) -> ExportFlow:
    """A person's data to take along."""
    stores = services.stores
    return ExportFlow(
        records=stores.proofing_records,
        sessions=stores.sessions,
        grants=stores.grants,
        consents=stores.consents,
        passkeys=stores.passkeys,
        merges=stores.merges,
        devices=stores.devices,
        outbox=stores.outbox,
        audit=stores.audit,
        periods=services.settings.affiliations.periods,
        clock=services.clock,
    )


def end_session(services: Services) -> EndSessionFlow:
    """Signing out."""
    stores = services.stores
    return EndSessionFlow(
        provider=services.provider,
        sessions=stores.sessions,
        ends_sign_ins=services.ends_sign_ins,
        accounts=stores.accounts,
        federation=services.federation,
        audit=stores.audit,
        clock=services.clock,
    )


def device(services: Services) -> DeviceFlow:
    """A device without a keyboard is allowed."""
    stores = services.stores
    return DeviceFlow(
        provider=services.provider,
        accounts=stores.accounts,
        limits=stores.limits,
        releases=stores.releases,
        audit=stores.audit,
        secret=services.secret,
        claims=services.claims,
        clock=services.clock,
    )


def access(services: Services) -> AccessFlow:
    """What applications hold, and taking it back."""
    stores = services.stores
    return AccessFlow(
        provider=services.provider,
        sessions=stores.sessions,
        grants=stores.grants,
        consents=stores.consents,
        releases=stores.releases,
        ends_sign_ins=services.ends_sign_ins,
        mails=stores.outbox,
        audit=stores.audit,
        clock=services.clock,
    )


def tokens(services: Services) -> TokenFlow:
    """What applications call without a person."""
    return TokenFlow(services.provider, services.clock, services.metrics.counts)


def health(services: Services) -> Health:
    """What probes and graphs ask."""
    stores = services.stores
    return Health(
        database=services.database,
        federation=services.federation,
        outbox=stores.outbox,
        logout_notices=stores.logout_notices,
        clients_problems=services.clients_file.problems,
        clock=services.clock,
        inactive=stores.inactivity.counted,
        backed_up=stores.audit.last_backup,
    )


def consent(services: Services) -> ConsentFlow:
    """People agree, or not, to what an application receives."""
    stores = services.stores
    return ConsentFlow(
        provider=services.provider,
        authorizations=stores.authorizations,
        accounts=stores.accounts,
        consents=stores.consents,
        audit=stores.audit,
        claims=services.claims,
        clock=services.clock,
    )


def registration(services: Services) -> RegistrationFlow:
    """Applications register themselves."""
    return RegistrationFlow(services.registration, services.stores.grants, services.clock)


def refusals(services: Services) -> RefusalLog:
    """Refusals under the reference that a page shows."""
    return RefusalLog(services.stores.audit, services.clock)
