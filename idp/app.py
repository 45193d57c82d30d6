"""The only place that knows every layer: builds stores, provider, flows and pages from the settings."""

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from idp.flows.account import AccountFlow
from idp.flows.administration import Administration
from idp.flows.authorization import AuthorizationFlow
from idp.flows.browser_sessions import BrowserSessions
from idp.flows.end_session import EndSessionFlow
from idp.flows.health import Health
from idp.flows.mail_delivery import MailSender
from idp.flows.proofing import ProofingFlow
from idp.flows.refusals import RefusalLog
from idp.flows.sign_in import SignInFlow
from idp.flows.tokens import TokenFlow
from idp.mail.delivery import MailServer, SmtpDelivery
from idp.mail.messages import MessageRenderer
from idp.openid.clients import ClientsFile
from idp.openid.keys import KeyStore
from idp.openid.provider import Provider
from idp.saml import keys as saml_keys
from idp.saml.federation import FederationFolder
from idp.saml.own_metadata import ServiceDescription
from idp.saml.service_provider import ServiceProvider
from idp.settings import Settings
from idp.storage import (
    accounts,
    audit,
    authorizations,
    devices,
    embedded,
    grants,
    limits,
    one_time_codes,
    outbox,
    proofings,
    sessions,
)
from idp.storage.database import Database
from idp.web import account as account_pages
from idp.web import authorization as authorization_pages
from idp.web import discovery as discovery_pages
from idp.web import end_session as end_session_pages
from idp.web import errors, forms, headers
from idp.web import health as health_pages
from idp.web import pages as every_page
from idp.web import proofing as proofing_pages
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
    devices.INDEXES,
    grants.INDEXES,
    limits.INDEXES,
    one_time_codes.INDEXES,
    outbox.INDEXES,
    *proofings.INDEXES,
    sessions.INDEXES,
)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Stores:
    """Every collection, on one connection."""

    accounts: accounts.AccountStore
    audit: audit.AuditTrail
    authorizations: authorizations.AuthorizationStore
    codes: one_time_codes.OneTimeCodeStore
    devices: devices.DeviceStore
    grants: grants.GrantStore
    limits: limits.LimitStore
    outbox: outbox.Outbox
    proofings: proofings.ProofingStore
    sessions: sessions.SessionStore

    @classmethod
    def on(cls, database: Database) -> "Stores":
        return cls(
            accounts=accounts.AccountStore(database),
            audit=audit.AuditTrail(database),
            authorizations=authorizations.AuthorizationStore(database),
            codes=one_time_codes.OneTimeCodeStore(database),
            devices=devices.DeviceStore(database),
            grants=grants.GrantStore(database),
            limits=limits.LimitStore(database),
            outbox=outbox.Outbox(database),
            proofings=proofings.ProofingStore(database),
            sessions=sessions.SessionStore(database),
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
    clients: ClientsFile
    provider: Provider
    federation: FederationFolder
    service_provider: ServiceProvider
    browser_sessions: BrowserSessions


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
    clients = ClientsFile(configured.clients.file)
    browser_sessions = BrowserSessions(
        stores.sessions, stores.devices, secret, clock, timedelta(hours=configured.sessions.lifetime_hours)
    )
    return Services(
        settings=configured,
        clock=clock,
        database=database,
        stores=stores,
        secret=secret,
        hasher=PasswordHasher(secret, configured.passwords.bcrypt_cost),
        clients=clients,
        provider=_provider(configured, clients, stores),
        federation=federation,
        service_provider=_service_provider(configured, federation, clock),
        browser_sessions=browser_sessions,
    )


def _provider(configured: Settings, clients: ClientsFile, stores: Stores) -> Provider:
    def claims(account_id: str) -> dict[str, object] | None:
        account = stores.accounts.find(account_id)
        return None if account is None or account.disabled else claims_of(account)

    return Provider(
        issuer=configured.issuer,
        keys=KeyStore(configured.keys.dir),
        clients=clients.get,
        grants=stores.grants,
        claims_of=claims,
        lifetimes=Lifetimes(
            code=timedelta(seconds=configured.tokens.code_seconds),
            access_token=timedelta(seconds=configured.tokens.access_token_seconds),
            id_token=timedelta(seconds=configured.tokens.id_token_seconds),
            refresh_idle=timedelta(days=configured.tokens.refresh_idle_days),
            refresh_absolute=timedelta(days=configured.tokens.refresh_days),
        ),
        acr_values=(ACR_BASIC, ACR_UNIVERSITY),
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
        services.provider, stores.authorizations, stores.accounts, stores.proofings, clock
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
    proofing = ProofingFlow(
        service_provider=services.service_provider,
        federation=services.federation,
        proofings=stores.proofings,
        accounts=stores.accounts,
        authorizations=stores.authorizations,
        sessions=stores.sessions,
        grants=stores.grants,
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
        sessions=stores.sessions,
        grants=stores.grants,
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
        services.provider, stores.sessions, stores.grants, stores.accounts, stores.audit, clock
    )
    tokens = TokenFlow(services.provider, clock)
    health = Health(services.database, services.federation, stores.outbox, clock)
    for blueprint in (
        authorization_pages.blueprint(authorization, pages.browser),
        sign_in_pages.blueprint(sign_in, authorization, pages),
        proofing_pages.blueprint(proofing, authorization, pages),
        account_pages.blueprint(account, end_session, pages),
        end_session_pages.blueprint(end_session, pages),
        token_pages.blueprint(tokens),
        discovery_pages.blueprint(tokens),
        health_pages.blueprint(health),
    ):
        app.register_blueprint(blueprint)
    errors.register(app, pages, authorization, RefusalLog(stores.audit, clock).note, clock)


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
    """What the command line needs: no database, no keys."""
    return Administration(
        lambda: ClientsFile(configured.clients.file), FederationFolder(configured.federation.dir, utc_now)
    )


def background(services: Services) -> Background:
    """What this process does beside answering."""
    configured = services.settings
    return Background(
        services.database, INDEXES, services.federation, _mail_sender(services), configured.federation.refresh_seconds
    )


def _mail_sender(services: Services) -> MailSender:
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
    return MailSender(services.stores.outbox, renderer, delivery, services.clock)
