"""The universities' web site: every identity provider's sign-in page, and the list of people for who tries the demo.

An AuthnRequest is checked, remembered while the person types user name and password, and answered by a page that
posts the signed response back. Each university keeps its own short single sign-on session.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, make_response, redirect, render_template, request, url_for
from saml2 import samlp
from werkzeug.wrappers import Response as AnyResponse

from idp.demo import authentication_request
from idp.demo.authentication_request import AuthenticationRequest, RefusedRequest
from idp.demo.identity_provider import IdentityProvider, encoded
from idp.demo.memory import Memory
from idp.demo.people import UNIVERSITIES, Person, University
from idp.demo.service_provider import ServiceProvider, ServiceProviderUnknown, fetch_from
from idp.demo.web_server import WebServer

COOKIE = "universities_session"
SESSION_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in at one university."""

    slug: str
    username: str


def create_universities(
    base_url: str,
    keys_folder: Path,
    service_provider: Callable[[], ServiceProvider],
    universities: Iterable[University] = UNIVERSITIES,
) -> Flask:
    """The web application of all universities; service_provider: reads the only service that they answer."""
    app = Flask("universities", root_path=str(Path(__file__).parent))
    providers = {item.slug: IdentityProvider(item, base_url, keys_folder) for item in universities}
    site = _Site(providers, service_provider)
    app.add_url_rule("/", "index", site.index)
    app.add_url_rule("/people.json", "people", site.people)
    app.add_url_rule("/<slug>/", "home", site.home)
    app.add_url_rule("/<slug>/sso", "sign_on", site.sign_on, methods=["GET", "POST"])
    app.add_url_rule("/<slug>/sign-in", "sign_in", site.sign_in, methods=["GET", "POST"])
    app.add_url_rule("/<slug>/cancel", "cancel", site.cancel, methods=["POST"])
    app.add_url_rule("/<slug>/sign-out", "sign_out", site.sign_out, methods=["POST"])
    app.register_error_handler(RefusedRequest, _refused)
    app.register_error_handler(ServiceProviderUnknown, _refused)
    app.after_request(_never_stored)
    return app


def start_universities(port: int, provider_url: str, keys_folder: Path) -> WebServer:
    """Starts the universities on this port, for the provider at this address."""
    fetch = fetch_from(f"{provider_url}/saml/metadata")
    return WebServer(create_universities(f"http://localhost:{port}", keys_folder, fetch), port).start()


class _Site:
    def __init__(self, providers: dict[str, IdentityProvider], service_provider: Callable[[], ServiceProvider]) -> None:
        self._providers = providers
        self._service_provider = service_provider
        self._pending: Memory[AuthenticationRequest] = Memory()
        self._sessions: Memory[Session] = Memory()

    def index(self) -> str:
        return render_template("universities/index.html", providers=self._providers.values())

    def people(self) -> Response:
        return jsonify(
            [
                _account(provider, person)
                for provider in self._providers.values()
                for person in provider.university.people
            ]
        )

    def home(self, slug: str) -> str:
        provider = self._provider(slug)
        person = self._signed_in(provider)
        return render_template("universities/home.html", university=provider.university, person=person)

    def sign_on(self, slug: str) -> AnyResponse:
        provider = self._provider(slug)
        asked = self._read_request(provider)
        person = None if asked.force_authn else self._signed_in(provider)
        if person is not None:
            return self._answer(provider, asked, person)
        if asked.is_passive:
            return _posting(
                asked, provider.refusal(asked.request_id, asked.acs_url, samlp.STATUS_NO_PASSIVE, "sign-in is needed")
            )
        key = secrets.token_urlsafe(24)
        self._pending.put(key, asked)
        return redirect(url_for("sign_in", slug=slug, request=key), 303)

    def sign_in(self, slug: str) -> AnyResponse:
        provider = self._provider(slug)
        key = request.values.get("request", "")
        asked = self._waiting(key)
        if request.method == "GET":
            return make_response(_sign_in_page(provider, key))
        person = provider.university.person(request.form.get("username", "").strip())
        if person is None or request.form.get("password") != person.password:
            return make_response(_sign_in_page(provider, key, wrong=True), 401)
        self._pending.take(key)
        response = self._answer(provider, asked, person)
        token = secrets.token_urlsafe(24)
        self._sessions.put(token, Session(slug, person.username))
        response.set_cookie(COOKIE, token, max_age=SESSION_SECONDS, path=f"/{slug}/", httponly=True, samesite="Lax")
        return response

    def cancel(self, slug: str) -> AnyResponse:
        provider = self._provider(slug)
        key = request.form.get("request", "")
        asked = self._waiting(key)
        self._pending.take(key)
        text = "the person gave up"
        return _posting(asked, provider.refusal(asked.request_id, asked.acs_url, samlp.STATUS_AUTHN_FAILED, text))

    def sign_out(self, slug: str) -> AnyResponse:
        self._provider(slug)
        self._sessions.take(request.cookies.get(COOKIE, ""))
        response = redirect(url_for("home", slug=slug), 303)
        response.delete_cookie(COOKIE, path=f"/{slug}/")
        return response

    def _provider(self, slug: str) -> IdentityProvider:
        return self._providers.get(slug) or abort(404)

    def _signed_in(self, provider: IdentityProvider) -> Person | None:
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        if session is None or session.slug != provider.university.slug:
            return None
        return provider.university.person(session.username)

    def _read_request(self, provider: IdentityProvider) -> AuthenticationRequest:
        if request.method == "GET":
            query = request.query_string.decode("ascii", "replace")
            return authentication_request.read_redirect(query, self._service_provider(), provider.sign_on_url)
        form = request.form
        return authentication_request.read_post(
            form.get("SAMLRequest", ""), form.get("RelayState", ""), self._service_provider(), provider.sign_on_url
        )

    def _waiting(self, key: str) -> AuthenticationRequest:
        asked = self._pending.get(key)
        if asked is None:
            raise RefusedRequest("cette demande a déjà reçu sa réponse, ou elle est trop ancienne")
        return asked

    def _answer(self, provider: IdentityProvider, asked: AuthenticationRequest, person: Person) -> Response:
        message = provider.response(asked.request_id, asked.acs_url, person, self._service_provider())
        return _posting(asked, message)


def _account(provider: IdentityProvider, person: Person) -> dict[str, Any]:
    return {
        "entity_id": provider.entity_id,
        "university": provider.university.name,
        "name": person.display_name,
        "username": person.username,
        "password": person.password,
        "mail": person.mail,
        "typed_mail": person.typed_mail,
    }


def _sign_in_page(provider: IdentityProvider, key: str, *, wrong: bool = False) -> str:
    return render_template("universities/sign_in.html", university=provider.university, key=key, wrong=wrong)


def _posting(asked: AuthenticationRequest, message: bytes) -> Response:
    """The page that takes the response to the service (HTTP-POST binding, SAML Bindings 3.5.4)."""
    page = render_template("universities/answer.html", asked=asked, saml_response=encoded(message))
    return make_response(page)


def _refused(error: Exception) -> tuple[str, int]:
    return render_template("universities/error.html", reason=str(error)), 400


def _never_stored(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response
