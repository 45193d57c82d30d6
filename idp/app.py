"""The only place that knows every layer: builds stores, provider, flows and pages from the settings."""

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from werkzeug.middleware.proxy_fix import ProxyFix

from idp import log, settings
from idp.background import Background
from idp.domain.claims import claims_of
from idp.domain.errors import ConfigurationError, Refusal
from idp.domain.grants import Lifetimes
from idp.domain.keyed import SecretKey
from idp.domain.passwords import PasswordHasher
from idp.domain.sessions import ACR_BASIC, ACR_UNIVERSITY
from idp.domain.signing_keys import ALGORITHMS
from idp.flows.access import AccessFlow
from idp.flows.account import AccountFlow
from idp.flows.administration import Administration
from idp.flows.authorization import AuthorizationFlow
from idp.flows.browser_sessions import BrowserSessions
from idp.flows.consent import ConsentFlow
from idp.flows.device import DeviceFlow
from idp.flows.end_session import EndSessionFlow
from idp.flows.health import Health
from idp.flows.logout_delivery import LogoutDelivery
from idp.flows.mail_delivery import deliver_next
from idp.flows.proofing import ProofingFlow
from idp.flows.refusals import RefusalLog
from idp.flows.registration import RegistrationFlow
from idp.flows.sign_in import SignInFlow
from idp.flows.sign_outs import SignOuts
from idp.flows.tokens import TokenFlow
from idp.mail.delivery import MailServer, SmtpDelivery
from idp.mail.messages import MessageRenderer
from idp.openid.clients import ClientsFile
from idp.openid.keys import ALWAYS, KeyStore, algorithms_of
from idp.openid.logout_calls import LogoutCalls
from idp.openid.logout_token import LogoutTokens
from idp.openid.provider import Provider
from idp.openid.registered_clients import RegisteredClients
from idp.openid.registration import RegistrationEndpoint
from idp.openid.registration_metadata import MetadataReader
from idp.openid.safe_fetch import fetch_json
from idp.openid.sector_identifiers import SectorIdentifiers
from idp.queue_worker import QueueWorker
from idp.saml import keys as saml_keys
from idp.saml.federation import FederationFolder
from idp.saml.own_metadata import ServiceDescription
from idp.saml.service_provider import ServiceProvider
from idp.settings import Settings
from idp.storage import (
    accounts,
    audit,
    authorizations,
    consents,
    device_authorizations,
    devices,
    embedded,
    grants,
    limits,
    logout_notices,
    one_time_codes,
    outbox,
    proofings,
    pushed_requests,
    sessions,
    used_jtis,
)
from idp.storage import clients as registered
from idp.storage.database import Database
from idp.web import account as account_pages
from idp.web import authorization as authorization_pages
from idp.web import consent as consent_pages
from idp.web import device as device_pages
from idp.web import discovery as discovery_pages
from idp.web import end_session as end_session_pages
from idp.web import errors, forms, headers
from idp.web import health as health_pages
from idp.web import pages as every_page
from idp.web import proofing as proofing_pages
from idp.web import registration as registration_endpoint
from idp.web import sign_in as sign_in_pages
from idp.web import tokens as token_pages
from idp.web.browser import Browser
from idp.web.pages import Pages

TRANSLATIONS = Path(__file__).parent / "translations"

Clock = Callable[[], datetime]

INDEXES = (
    accounts.INDEXES,
    audit.INDEXES,
    authorizations.INDEXES,
    consents.INDEXES,
    device_authorizations.INDEXES,
    devices.INDEXES,
    grants.INDEXES,
    registered.TOKEN_INDEXES,
    limits.INDEXES,
    logout_notices.INDEXES,
    one_time_codes.INDEXES,
    outbox.INDEXES,
    *proofings.INDEXES,
    pushed_requests.INDEXES,
    sessions.INDEXES,
    used_jtis.INDEXES,
)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Stores:
    """Every collection, on one connection."""

    accounts: accounts.AccountStore
    audit: audit.AuditTrail
    authorizations: authorizations.AuthorizationStore
    clients: registered.ClientStore
    codes: one_time_codes.OneTimeCodeStore
    consents: consents.ConsentStore
    device_authorizations: device_authorizations.DeviceAuthorizationStore
    devices: devices.DeviceStore
    grants: grants.GrantStore
    initial_tokens: registered.InitialTokenStore
    limits: limits.LimitStore
    logout_notices: logout_notices.LogoutNotices
    outbox: outbox.Outbox
    proofings: proofings.ProofingStore
    sessions: sessions.SessionStore
    pushed_requests: pushed_requests.PushedRequestStore
    used_jtis: used_jtis.UsedJtis

    @classmethod
    def on(cls, database: Database) -> "Stores":
        return cls(
            accounts=accounts.AccountStore(database),
            audit=audit.AuditTrail(database),
            authorizations=authorizations.AuthorizationStore(database),
            clients=registered.ClientStore(database),
            codes=one_time_codes.OneTimeCodeStore(database),
            consents=consents.ConsentStore(database),
            device_authorizations=device_authorizations.DeviceAuthorizationStore(database),
            devices=devices.DeviceStore(database),
            grants=grants.GrantStore(database),
            initial_tokens=registered.InitialTokenStore(database),
            limits=limits.LimitStore(database),
            logout_notices=logout_notices.LogoutNotices(database),
            outbox=outbox.Outbox(database),
            proofings=proofings.ProofingStore(database),
            sessions=sessions.SessionStore(database),
            pushed_requests=pushed_requests.PushedRequestStore(database),
            used_jtis=used_jtis.UsedJtis(database),
        )


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the pages and the background work need, built once per process."""

    settings: Settings
    clock: Clock
    database: Database
    stores: Stores
    secret: SecretKey
    hasher: PasswordHasher
    clients: RegisteredClients
    registration: RegistrationEndpoint
    provider: Provider
    federation: FederationFolder
    service_provider: ServiceProvider
    ends_sign_ins: SignOuts
    browser_sessions: BrowserSessions
    logout_delivery: LogoutDelivery


def connect(configured: Settings) -> Database:
    """The database of the settings: theirs, or the embedded one, started if nobody has."""
    uri = configured.mongodb.uri or embedded.ensure(configured.var_dir / "mongodb")
    return Database(uri, configured.mongodb.database, timeout_ms=configured.mongodb.timeout_ms)


def build(configured: Settings, *, database: Database | None = None, clock: Clock = utc_now) -> Services:
    """Build every service; raises ConfigurationError for what an administrator has to mend."""
    database = database or connect(configured)
    stores = Stores.on(database)
    secret = SecretKey(configured.secret_key.encode())
    federation = FederationFolder(configured.federation.dir, clock)
    keys = _keys(configured, clock)
    sectors = SectorIdentifiers(lambda uri: fetch_json(uri, allow_loopback=not configured.https))
    in_file = ClientsFile(
        configured.clients.file,
        algorithms=keys.algorithms,
        implicit=configured.openid.implicit,
        sectors=sectors.vouched,
    )
    metadata_reader = _metadata_reader(configured, keys, sectors)
    clients = RegisteredClients(in_file.get, stores.clients, metadata_reader)
    ends_sign_ins = SignOuts(stores.sessions, stores.grants, stores.logout_notices, clients.get, clock)
    browser_sessions = BrowserSessions(
        stores.sessions,
        stores.devices,
        secret,
        clock,
        timedelta(hours=configured.sessions.lifetime_hours),
        ends_sign_ins,
    )
    return Services(
        settings=configured,
        clock=clock,
        database=database,
        stores=stores,
        secret=secret,
        hasher=PasswordHasher(secret, configured.passwords.bcrypt_cost),
        clients=clients,
        registration=RegistrationEndpoint(
            configured.issuer, stores.clients, stores.initial_tokens, clients, metadata_reader
        ),
        provider=_provider(configured, keys, clients, stores, secret),
        federation=federation,
        service_provider=_service_provider(configured, federation, clock),
        ends_sign_ins=ends_sign_ins,
        browser_sessions=browser_sessions,
        logout_delivery=LogoutDelivery(
            stores.logout_notices,
            LogoutCalls(
                LogoutTokens(configured.issuer, keys), clients.get, allow_loopback=configured.issuer.startswith("http:")
            ),
        ),
    )


def _keys(configured: Settings, clock: Clock) -> KeyStore:
    return KeyStore(configured.keys.dir, clock=clock, algorithms=_algorithms(configured))


def _algorithms(configured: Settings) -> tuple[str, ...]:
    return ALGORITHMS if configured.keys.eddsa else ALWAYS


def _metadata_reader(configured: Settings, keys: KeyStore, sectors: SectorIdentifiers) -> MetadataReader:
    return MetadataReader(
        scopes=tuple(configured.registration.scope.split()),
        algorithms=keys.algorithms,
        implicit=configured.openid.implicit,
        require_pkce=configured.registration.require_pkce,
        check=sectors.check,
    )


def _provider(
    configured: Settings, keys: KeyStore, clients: RegisteredClients, stores: Stores, secret: SecretKey
) -> Provider:
    def claims(account_id: str) -> dict[str, object] | None:
        account = stores.accounts.find(account_id)
        return None if account is None or account.disabled else claims_of(account)

    return Provider(
        issuer=configured.issuer,
        keys=keys,
        clients=clients.get,
        grants=stores.grants,
        claims_of=claims,
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
        acr_values=(ACR_BASIC, ACR_UNIVERSITY),
        implicit=configured.openid.implicit,
        registration=configured.registration.enabled,
    )


def _service_provider(configured: Settings, federation: FederationFolder, clock: Clock) -> ServiceProvider:
    return ServiceProvider(
        entity_id=configured.saml.entity_id,
        acs_url=f"{configured.issuer}/saml/acs",
        keys=saml_keys.ensure_keys(configured.keys.dir, configured.saml.entity_id, now=clock()),
        description=_description(configured),
        metadata_source=lambda entity_id: federation.current.metadata(entity_id),
    )


def _description(configured: Settings) -> ServiceDescription:
    name, address = configured.web.service_name, configured.web.help_url
    return ServiceDescription(
        names={"fr": name, "en": name},
        descriptions={
            "fr": "Connexion unique des étudiants et enseignants aux applications du service.",
            "en": "Single sign-on of students and teachers to the applications of the service.",
        },
        information_urls={"fr": address, "en": address} if address else {},
    )


def create_app(services: Services) -> Flask:
    """The pages and endpoints over these services."""
    configured = services.settings
    app = Flask("idp.web", static_url_path="/static")
    app.config.update(
        MAX_CONTENT_LENGTH=configured.web.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=configured.web.max_body_bytes,
        SERVER_NAME=None,
        PREFERRED_URL_SCHEME="https" if configured.https else "http",
    )
    Babel(
        app,
        default_locale="fr",
        default_timezone="Europe/Paris",
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=every_page.language,
    )
    if configured.web.trusted_proxies:
        # Only the client's address is taken from the proxy: scheme and host come from the issuer.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=configured.web.trusted_proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0
        )
    browser = Browser(services.browser_sessions, secure=configured.https)
    pages = Pages(browser, configured.web.service_name, configured.web.help_url)
    _register_hooks(app, browser, configured)
    _register_pages(app, services, pages)
    return app


def _register_hooks(app: Flask, browser: Browser, configured: Settings) -> None:
    host = configured.issuer.partition("://")[2].partition("/")[0].lower()

    @app.before_request
    def before() -> ResponseReturnValue | None:
        every_page.choose_language(browser)
        # Probes come by address; everybody else names the issuer's host (CWE-640).
        if request.blueprint != "health" and request.headers.get("Host", "").lower() != host:
            raise Refusal("request.host", "unknown Host header")
        forms.refuse_strange_forms()
        return None

    app.after_request(browser.write_cookies)
    app.after_request(lambda response: headers.write_headers(response, secure=configured.https))


def _register_pages(app: Flask, services: Services, pages: Pages) -> None:
    configured, stores, clock = services.settings, services.stores, services.clock
    minimum_length = configured.passwords.minimum_length
    authorization = AuthorizationFlow(
        services.provider, stores.authorizations, stores.accounts, stores.proofings, stores.consents, clock
    )
    sign_in = SignInFlow(
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
        clock=clock,
    )
    ends_sign_ins = services.ends_sign_ins
    proofing = ProofingFlow(
        service_provider=services.service_provider,
        federation=services.federation,
        proofings=stores.proofings,
        accounts=stores.accounts,
        authorizations=stores.authorizations,
        sessions=stores.sessions,
        ends_sign_ins=ends_sign_ins,
        codes=stores.codes,
        devices=stores.devices,
        limits=stores.limits,
        mails=stores.outbox,
        audit=stores.audit,
        hasher=services.hasher,
        secret=services.secret,
        signs_in=services.browser_sessions.sign_in,
        clock=clock,
        minimum_length=minimum_length,
    )
    account = AccountFlow(
        accounts=stores.accounts,
        ends_sign_ins=ends_sign_ins,
        devices=stores.devices,
        authorizations=stores.authorizations,
        mails=stores.outbox,
        audit=stores.audit,
        federation=services.federation,
        hasher=services.hasher,
        signs_in=services.browser_sessions.sign_in,
        clock=clock,
        minimum_length=minimum_length,
    )
    end_session = EndSessionFlow(
        services.provider,
        stores.sessions,
        ends_sign_ins,
        stores.accounts,
        services.federation,
        stores.audit,
        clock,
    )
    device = DeviceFlow(services.provider, stores.accounts, stores.limits, stores.audit, services.secret, clock)
    access = AccessFlow(
        services.provider,
        stores.sessions,
        stores.grants,
        stores.consents,
        ends_sign_ins,
        stores.audit,
        clock,
    )
    tokens = TokenFlow(services.provider, clock)
    health = Health(services.database, services.federation, stores.outbox, stores.logout_notices, clock)
    for blueprint in (
        authorization_pages.blueprint(authorization, pages),
        consent_pages.blueprint(_consent_flow(services), authorization, pages),
        sign_in_pages.blueprint(sign_in, authorization, pages),
        proofing_pages.blueprint(proofing, authorization, pages),
        account_pages.blueprint(account, access, end_session, pages),
        end_session_pages.blueprint(end_session, pages),
        token_pages.blueprint(tokens),
        device_pages.blueprint(device, authorization, pages),
        discovery_pages.blueprint(tokens),
        health_pages.blueprint(health),
    ):
        app.register_blueprint(blueprint)
    if configured.registration.enabled:
        registration = RegistrationFlow(services.registration, stores.grants, clock)
        app.register_blueprint(registration_endpoint.blueprint(registration))
    errors.register(app, pages, authorization, RefusalLog(stores.audit, clock).note, clock)


def _consent_flow(services: Services) -> ConsentFlow:
    """What the page needs that asks people to agree."""
    stores = services.stores
    return ConsentFlow(
        provider=services.provider,
        authorizations=stores.authorizations,
        accounts=stores.accounts,
        consents=stores.consents,
        audit=stores.audit,
        clock=services.clock,
    )


def create_app_from_environment() -> Flask:
    """The provider as ``wsgi.py`` serves it: settings from the environment, background work started."""
    try:
        configured = settings.load(os.environ)
        log.configure(configured.log.level, configured.log.format)
        services = build(configured)
    except ConfigurationError as error:
        sys.exit("\n".join(error.faults))
    app = create_app(services)
    background(services).start()
    logging.getLogger(__name__).info("provider.started", extra={"fields": {"issuer": configured.issuer}})
    return app


def administration(configured: Settings) -> Administration:
    """What the command line needs; what is asked for is made when it is."""
    return Administration(
        lambda: ClientsFile(
            configured.clients.file,
            algorithms=algorithms_of(configured.keys.dir, _algorithms(configured)),
            implicit=configured.openid.implicit,
        ),
        FederationFolder(configured.federation.dir, utc_now),
        lambda: _keys(configured, utc_now),
        lambda: registered.InitialTokenStore(connect(configured)),
    )


def background(services: Services) -> Background:
    """What this process does beside answering."""
    configured = services.settings
    return Background(
        services.database,
        INDEXES,
        services.federation,
        (_mail_sender(services), _logout_sender(services)),
        configured.federation.refresh_seconds,
    )


def _logout_sender(services: Services) -> QueueWorker:
    # An application that keeps us waiting must not keep the others from being told.
    notices, work = services.stores.logout_notices, services.logout_delivery.deliver_next
    return QueueWorker("logout-sender", work, notices.arrivals, services.clock, threads=4)


def _mail_sender(services: Services) -> QueueWorker:
    configured = services.settings
    smtp = configured.smtp
    renderer = MessageRenderer(
        services.secret,
        configured.issuer,
        service_name=configured.web.service_name,
        help_url=configured.web.help_url,
        translations=TRANSLATIONS,
    )
    delivery = SmtpDelivery(
        MailServer(smtp.host, smtp.port, smtp.username, smtp.password, smtp.tls, smtp.timeout),
        from_address=configured.mail.from_,
        from_name=configured.mail.from_name,
    )
    outbox = services.stores.outbox
    work = partial(deliver_next, outbox, renderer, delivery)
    return QueueWorker("mail-sender", lambda worker, now: work(now, worker=worker), outbox.arrivals, services.clock)
