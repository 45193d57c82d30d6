"""The services behind the flows, built once per process from the settings."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from idp.app.federation_audit import FederationAudit, federation_folder
from idp.app.saml import service_provider
from idp.app.stores import Stores, connect
from idp.domain.accounts import Account
from idp.domain.claims import GivesClaims, claims_of
from idp.domain.grants import Lifetimes
from idp.domain.helpdesk import roles_of
from idp.domain.keyed import SecretKey
from idp.domain.measures import EveryTimes, Times, TimesHashing, Traces
from idp.domain.passwords import HashingBounds, PasswordHasher, Places
from idp.domain.sessions import ACR_VALUES
from idp.flows.browser_sessions import BrowserSessions
from idp.flows.logout_delivery import LogoutDelivery
from idp.flows.sign_outs import SignOuts
from idp.metrics.exposition import Metrics
from idp.openid.clients import ClientsFile
from idp.openid.keys import KeyStore, made_algorithms
from idp.openid.logout_calls import LogoutCalls
from idp.openid.logout_token import LogoutTokens
from idp.openid.provider import Provider
from idp.openid.registered_clients import RegisteredClients
from idp.openid.registration import RegistrationEndpoint
from idp.openid.registration_metadata import ClientMetadataReader, names_of
from idp.openid.sector_identifiers import SectorIdentifiers
from idp.outbound.safe_fetch import fetch, fetch_json, post_form
from idp.saml.federation import FederationFolder
from idp.saml.key_watch import KeyWatch
from idp.saml.service_provider import ServiceProvider
from idp.settings import Settings
from idp.storage.database import Database

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the pages and the background work need, built once per process."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    times: Times
    traces: Traces | None
    database: Database
    stores: Stores
    secret: SecretKey
    claims: GivesClaims
    hasher: PasswordHasher
    clients_file: ClientsFile
    clients: RegisteredClients
    registration: RegistrationEndpoint
    provider: Provider
    federation: FederationFolder
    service_provider: ServiceProvider
    saml_keys: KeyWatch
    ends_sign_ins: SignOuts
    browser_sessions: BrowserSessions
    logout_delivery: LogoutDelivery


def build(
    configured: Settings,
    *,
    database: Database | None = None,
    clock: Clock = utc_now,
    traces: Traces | None = None,
) -> Services:
    """Build every service; raises ConfigurationError for what an administrator has to mend."""
    metrics = Metrics()
    times = EveryTimes(metrics.times, traces) if traces else metrics.times
    database = database or connect(
        configured,
        timed=metrics.times.waited if configured.metrics.enabled else None,
        commanded=traces.commanded if traces else None,
    )
    secret = SecretKey(configured.secret_key.encode())
    stores = Stores.on(database, secret, timedelta(days=configured.retention.audit_days), metrics.counts)
    federation = federation_folder(configured, clock, FederationAudit(stores.audit, clock))
    keys, claims = signing_keys(configured, clock), _gives_claims(configured, clock)
    saml_keys = KeyWatch(configured.keys.dir, configured.saml.entity_id, clock)
    sectors = SectorIdentifiers(partial(fetch_json, allow_loopback=not configured.https))
    in_file = ClientsFile(
        configured.clients.file,
        algorithms=keys.algorithms,
        implicit=configured.openid.implicit,
        sectors=sectors.vouched,
        last_good=_last_good(configured),
    )
    metadata_reader = _metadata_reader(configured, keys, sectors, in_file)
    clients = RegisteredClients(in_file.get, stores.clients, metadata_reader)
    ends_sign_ins = SignOuts(
        accounts=stores.accounts,
        sessions=stores.sessions,
        grants=stores.grants,
        notices=stores.logout_notices,
        sweeps=stores.sweeps,
        clients=clients.get,
        clock=clock,
    )
    browser_sessions = BrowserSessions(
        sessions=stores.sessions,
        devices=stores.devices,
        secret=secret,
        clock=clock,
        lifetime=timedelta(hours=configured.sessions.lifetime_hours),
        ends_sign_ins=ends_sign_ins,
    )
    return Services(
        settings=configured,
        clock=clock,
        metrics=metrics,
        times=times,
        traces=traces,
        database=database,
        stores=stores,
        secret=secret,
        claims=claims,
        hasher=PasswordHasher(secret, configured.passwords.bcrypt_cost, _hashing(configured, times)),
        clients_file=in_file,
        clients=clients,
        registration=RegistrationEndpoint(
            issuer=configured.issuer,
            store=stores.clients,
            tokens=stores.initial_tokens,
            clients=clients,
            reader=metadata_reader,
        ),
        provider=_provider(configured, keys, clients, stores, secret, claims),
        federation=federation,
        saml_keys=saml_keys,
        service_provider=service_provider(configured, federation, clock),
        ends_sign_ins=ends_sign_ins,
        browser_sessions=browser_sessions,
        logout_delivery=LogoutDelivery(
            stores.logout_notices,
            LogoutCalls(
                LogoutTokens(configured.issuer, keys),
                clients.get,
                partial(post_form, allow_loopback=not configured.https),
            ),
            metrics.counts,
        ),
    )


def _hashing(configured: Settings, timed: TimesHashing) -> Places:
    web = configured.web
    return Places(HashingBounds.of_worker(workers=web.workers, threads=web.threads), timed)


def helpdesk_operators(configured: Settings) -> frozenset[str]:
    """The operators: nobody while the console is off. Addresses are written as accounts have them
    (``domain.addresses``)."""
    named = configured.helpdesk.operators.split() if configured.helpdesk.enabled else ()
    return frozenset(name.lower() if "@" in name else name for name in named)


def helpdesk_callback(configured: Settings) -> str:
    """The address to which the console's own client has operators sent back."""
    return f"{configured.issuer}/helpdesk/callback"


def signing_keys(configured: Settings, clock: Clock) -> KeyStore:
    """The keys that sign, as the settings want them."""
    return KeyStore(configured.keys.dir, clock=clock, algorithms=key_algorithms(configured))


def key_algorithms(configured: Settings) -> tuple[str, ...]:
    """With which algorithms tokens are signed here."""
    return made_algorithms(eddsa=configured.keys.eddsa)


def _last_good(configured: Settings) -> Path:
    """One copy for each clients file, also where two providers share a folder."""
    name = hashlib.sha256(str(configured.clients.file).encode()).hexdigest()[:16]
    return configured.var_dir / f"clients-{name}.toml"


def _metadata_reader(
    configured: Settings, keys: KeyStore, sectors: SectorIdentifiers, in_file: ClientsFile
) -> ClientMetadataReader:
    return ClientMetadataReader(
        scopes=tuple(configured.registration.scope.split()),
        algorithms=keys.algorithms,
        implicit=configured.openid.implicit,
        require_pkce=configured.registration.require_pkce,
        check=sectors.check,
        names=lambda: names_of(in_file.every()),
    )


def _gives_claims(configured: Settings, clock: Clock) -> GivesClaims:
    periods, operators = configured.affiliations.periods, helpdesk_operators(configured)

    def claims(account: Account) -> dict[str, Any]:
        roles = roles_of(account, operators)
        return claims_of(account, periods, now=clock()) | ({"roles": list(roles)} if roles else {})

    return claims


def _provider(
    configured: Settings,
    keys: KeyStore,
    clients: RegisteredClients,
    stores: Stores,
    secret: SecretKey,
    claims: GivesClaims,
) -> Provider:
    def claims_by_id(account_id: str) -> dict[str, Any] | None:
        account = stores.accounts.find(account_id)
        return None if account is None or account.disabled else claims(account)

    return Provider(
        issuer=configured.issuer,
        keys=keys,
        clients=clients.get,
        grants=stores.grants,
        claims_of=claims_by_id,
        lifetimes=Lifetimes(
            code=timedelta(seconds=configured.tokens.code_seconds),
            access_token=timedelta(seconds=configured.tokens.access_token_seconds),
            id_token=timedelta(seconds=configured.tokens.id_token_seconds),
            refresh_idle=timedelta(days=configured.tokens.refresh_idle_days),
            refresh_absolute=timedelta(days=configured.tokens.refresh_days),
            refresh_grace=timedelta(seconds=configured.tokens.refresh_grace_seconds),
        ),
        secret=secret,
        used_jtis=stores.used_jtis,
        devices=stores.device_authorizations,
        dpop_nonce=configured.tokens.dpop_nonce,
        pushed_requests=stores.pushed_requests,
        fetch_json=partial(fetch_json, allow_loopback=not configured.https),
        fetch=partial(fetch, allow_loopback=not configured.https),
        acr_values=ACR_VALUES,
        implicit=configured.openid.implicit,
        registration=configured.registration.enabled,
        latest_proof=stores.proofing_records.latest,
    )
