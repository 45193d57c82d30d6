"""What leads into an account beside its password, built from the services: addresses and passkeys."""

from idp.app.services import Services
from idp.flows.addresses import AddressesFlow
from idp.flows.passkeys import PasskeyFlow
from idp.flows.putting_out import PuttingOut
from idp.flows.ways_in import AccountWaysIn
from idp.passkeys.relying_party import RelyingParty


def addresses(services: Services) -> AddressesFlow:
    """A person's addresses."""
    stores = services.stores
    return AddressesFlow(
        accounts=stores.accounts,
        addresses=stores.account_addresses,
        codes=stores.codes,
        limits=stores.limits,
        merges=stores.merges,
        sessions=stores.sessions,
        mails=stores.outbox,
        audit=stores.audit,
        secret=services.secret,
        clock=services.clock,
    )


def passkeys(services: Services) -> PasskeyFlow:
    """A person's passkeys."""
    stores = services.stores
    return PasskeyFlow(
        relying_party=relying_party(services),
        accounts=stores.accounts,
        passkeys=stores.passkeys,
        sessions=stores.sessions,
        mails=stores.outbox,
        audit=stores.audit,
        secret=services.secret,
        clock=services.clock,
    )


def relying_party(services: Services) -> RelyingParty:
    """Ourselves, to authenticators."""
    return RelyingParty.at(services.settings.issuer, services.settings.web.service_name)


def beside_password(services: Services) -> AccountWaysIn:
    """All of it, where another password is chosen."""
    stores, own = services.stores, passkeys(services)
    return AccountWaysIn(
        passkeys=own.of_account,
        merges=stores.merges,
        removes_address=addresses(services).remove,
        removes_passkey=own.remove,
        clock=services.clock,
    )


def putting_out(services: Services) -> PuttingOut:
    """Whoever came in by any of it is put out."""
    stores = services.stores
    return PuttingOut(services.ends_sign_ins, stores.devices, stores.sweeps, services.clock)
