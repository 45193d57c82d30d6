"""The Flask application over the flows."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from flask import Flask, Request
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.http import parse_cookie

from idp.app import assistance, first_time, flows, own_account, ways_in
from idp.app.saml import description
from idp.app.services import Services
from idp.domain.default_ports import DEFAULT_PORTS
from idp.domain.errors import Refusal
from idp.domain.languages import LANGUAGES
from idp.domain.references import under_reference
from idp.metrics.exposition import CONTENT_TYPE
from idp.metrics.state import State
from idp.settings import Settings
from idp.web import account as account_pages
from idp.web import arrival as arrival_pages
from idp.web import authorization as authorization_pages
from idp.web import confirmation_offer as confirmation_offer_pages
from idp.web import consent as consent_pages
from idp.web import device as device_pages
from idp.web import discovery as discovery_pages
from idp.web import end_session as end_session_pages
from idp.web import errors, forms, front_door, headers, issuer_path
from idp.web import health as health_pages
from idp.web import helpdesk as helpdesk_pages
from idp.web import information as information_pages
from idp.web import mailbox as mailbox_pages
from idp.web import metrics as metrics_pages
from idp.web import new_password as new_password_pages
from idp.web import pages as every_page
from idp.web import passkey_offer as passkey_offer_pages
from idp.web import passkey_sign_in as passkey_sign_in_pages
from idp.web import passkeys as passkey_pages
from idp.web import proofs as proof_pages
from idp.web import registration as registration_endpoint
from idp.web import renewed_password as renewed_password_pages
from idp.web import sign_in as sign_in_pages
from idp.web import theme as theme_files
from idp.web import tokens as token_pages
from idp.web import university as university_pages
from idp.web import university_choice as university_choice_pages
from idp.web.account_door import AccountDoor
from idp.web.browser import Browser
from idp.web.page_templates import TEMPLATES, PageEnvironment, PageTemplates
from idp.web.pages import Pages
from idp.web.this_answer import this_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TRANSLATIONS = Path(__file__).parents[1] / "translations"


class _Request(Request):
    """Flask's request, but cookies are read from their own header: Flask looks through all headers to find them."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        # Werkzeug's own reading fails where one of the cookies is not UTF-8, even one that another application of this
        # host set.
        told = self.environ.get("HTTP_COOKIE", "").encode("latin-1").decode(errors="replace")
        return cast(ImmutableMultiDict[str, str], parse_cookie(told, ImmutableMultiDict))


class _Application(Flask):
    """Flask, with what surrounds its pages, and without asking at every call whether a view is a coroutine: none is."""

    request_class = _Request
    surrounded: "WSGIApplication"

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Where Flask's extensions expect it: what wraps this later (OpenTelemetry does) is outermost."""
        return self.surrounded(environ, start_response)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(services: Services) -> Flask:
    """The pages and endpoints over these services."""
    configured = services.settings
    app = _Application("idp.web", static_url_path="/static")
    app.config.update(
        MAX_CONTENT_LENGTH=configured.web.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=configured.web.max_body_bytes,
        SERVER_NAME=None,
        PREFERRED_URL_SCHEME="https" if configured.https else "http",
    )
    # Else two slashes are redirected to one, forms included, at an address with the proxy's scheme: http.
    app.url_map.merge_slashes = False
    app.jinja_environment, app.jinja_loader = PageEnvironment, TEMPLATES
    Babel(
        app,
        date_formats={**Babel.default_date_formats, "date.long": "d MMMM yyyy"},
        default_locale="fr",
        default_timezone="Europe/Paris",
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=every_page.language,
    )
    app.surrounded = _wrapped(super(_Application, app).wsgi_app, services)
    browser = Browser(services.browser_sessions, secure=configured.https)
    look = configured.web
    theme = theme_files.read_theme(look.logo, look.brand_color, look.brand_color_dark)
    templates = PageTemplates(cast(PageEnvironment, app.jinja_env), TRANSLATIONS, LANGUAGES)
    pages = Pages(
        browser=browser,
        service_name=look.service_name,
        help_url=look.help_url,
        templates=templates,
        theme=theme,
        privacy_urls=description(configured).privacy_urls,
        conformity=configured.accessibility.conformity,
    )
    _register_hooks(app, browser, configured)
    _register_pages(app, services, pages)
    return app


def _wrapped(application: "WSGIApplication", services: Services) -> "WSGIApplication":
    """What surrounds every page, from the inside out."""
    configured = services.settings
    application = headers.with_headers(application, secure=configured.https)
    application = metrics_pages.with_times(application, services.times.answered)
    application = issuer_path.below(urlsplit(configured.issuer).path, application)
    if configured.web.trusted_proxies:
        # Only the client's address is taken from the proxy: scheme and host come from the issuer.
        application = ProxyFix(
            application, x_for=configured.web.trusted_proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0
        )
    return _within_bounds(application, services)


def _within_bounds(application: "WSGIApplication", services: Services) -> "WSGIApplication":
    """Each request waits for the database for no longer than one operation may take, and has a reference."""
    traced = services.traces.request if services.traces else nullcontext

    def handle(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if "CONTENT_LENGTH" in environ:
            # Without the flag Werkzeug counts the bytes itself: a body that was cut off is an error, not a shorter body
            # (RFC 9112 section 8).
            environ.pop("wsgi.input_terminated", None)
        with services.database.time_limit(), under_reference(), traced():
            return application(environ, start_response)

    return handle


def _register_hooks(app: Flask, browser: Browser, configured: Settings) -> None:
    hosts = _hosts(configured.issuer)

    @app.before_request
    def before() -> ResponseReturnValue | None:
        request = this_request()
        blueprint = request.blueprint
        if blueprint not in errors.PROTOCOL_BLUEPRINTS:
            every_page.choose_language(browser)
        # Health checks and metrics name the machine by its IP address; everybody else must name the issuer's host
        # (CWE-640).
        if blueprint not in ("health", "metrics") and request.environ.get("HTTP_HOST", "").lower() not in hosts:
            raise Refusal("request.host", "unknown Host header")
        forms.refuse_strange_forms(request)
        return None

    app.after_request(browser.write_cookies)


def _hosts(issuer: str) -> frozenset[str]:
    """How the Host header may name the issuer: some proxies say the port that need not be said (RFC 9110 4.2.3)."""
    url = urlsplit(issuer)
    host = url.netloc.lower()
    return frozenset({host} if url.port else {host, f"{host}:{DEFAULT_PORTS[url.scheme]}"})


def _register_pages(app: Flask, services: Services, pages: Pages) -> None:
    browser = pages.browser
    authorization, tokens = flows.authorization(services), flows.tokens(services)
    end_session, mailbox = flows.end_session(services), first_time.mailbox(services)
    university, account, proofs = first_time.university(services), flows.account(services), flows.proofs(services)
    passkeys, passkey_sign_in = ways_in.passkeys(services), flows.passkey_sign_in(services)
    door = AccountDoor(account, authorization, browser)
    offers = passkey_offer_pages.offers_passkey(passkeys, account, authorization, pages)
    sections = own_account.sections(services)
    for blueprint in (
        *own_account.blueprints(services, door, pages),
        authorization_pages.blueprint(authorization, pages),
        consent_pages.blueprint(flows.consent(services), authorization, pages),
        sign_in_pages.blueprint(flows.sign_in(services), passkey_sign_in, authorization, pages, offers),
        passkey_offer_pages.blueprint(passkeys, account, authorization, pages),
        confirmation_offer_pages.blueprint(proofs, university, authorization, pages),
        passkey_sign_in_pages.blueprint(passkey_sign_in, authorization, pages),
        passkey_pages.blueprint(passkeys, door, pages),
        university_pages.blueprint(university, browser),
        arrival_pages.blueprint(
            first_time.arrival(services), first_time.given_address(services), mailbox, university, authorization, pages
        ),
        university_choice_pages.blueprint(first_time.university_choice(services), university, authorization, pages),
        mailbox_pages.blueprint(mailbox, authorization, pages),
        new_password_pages.blueprint(first_time.new_password(services), mailbox, authorization, pages),
        renewed_password_pages.blueprint(account, authorization, pages),
        account_pages.blueprint(account, door, end_session, proofs, passkeys, pages, sections),
        proof_pages.blueprint(door, authorization, proofs, flows.export(services), university, pages),
        end_session_pages.blueprint(end_session, pages),
        token_pages.blueprint(tokens),
        device_pages.blueprint(flows.device(services), authorization, pages),
        discovery_pages.blueprint(tokens),
        health_pages.blueprint(flows.health(services)),
        information_pages.blueprint(_statement(services.settings), pages),
        front_door.blueprint(),
    ):
        app.register_blueprint(blueprint)
    app.register_blueprint(theme_files.blueprint(pages.theme))
    if services.settings.metrics.enabled:
        text = partial(services.metrics.text, State(flows.health(services)))
        app.register_blueprint(metrics_pages.blueprint(text, CONTENT_TYPE, services.settings.metrics.token))
    if services.settings.registration.enabled:
        app.register_blueprint(registration_endpoint.blueprint(flows.registration(services)))
    if services.settings.helpdesk.enabled:
        app.register_blueprint(
            helpdesk_pages.blueprint(
                assistance.helpdesk_entry(services),
                assistance.people(services),
                assistance.timeline(services),
                pages,
            )
        )
        app.register_blueprint(assistance.helpdesk_act_pages(services, pages))
    errors.register(
        app,
        pages,
        authorization,
        flows.refusals(services).note,
        services.clock,
        entity_id=services.settings.saml.entity_id,
    )


def _statement(configured: Settings) -> information_pages.Statement:
    said, web = configured.accessibility, configured.web
    return information_pages.Statement(
        said.conformity,
        said.entity or web.service_name,
        said.audited_by,
        said.audited_on,
        said.contact or web.help_url,
        said.not_accessible,
    )
