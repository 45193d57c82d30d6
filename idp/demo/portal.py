"""The portal: two relying parties in one web site, « portail » at ``/`` and « second » at ``/second/``.

Each signs people in and out by itself, as two applications of a university would; only the provider's own session
makes the second one ask nothing.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flask import Flask, Response, jsonify, redirect, render_template, request, session
from werkzeug.wrappers import Response as AnyResponse

from idp.demo.memory import Memory
from idp.demo.relying_party import Registration, RelyingParty, SignedIn, SignInFailed, create_oauth
from idp.demo.web_server import WebServer

COOKIE = "portal_session"


@dataclass(frozen=True, slots=True)
class Application:
    """One of the two: ``path`` ends with a slash."""

    name: str
    path: str
    title: str
    other: str


PORTAIL = Application("portail", "/", "Portail des études", "/second/")
SECOND = Application("second", "/second/", "Ma bibliothèque", "/")
# Where the provider's pages lead those who ask what becomes of their data; by path, with the language.
PRIVACY_PAGES = {"/donnees-personnelles": "fr", "/privacy": "en"}


def create_portal(issuer: str, base_url: str, registrations: Mapping[str, Registration]) -> Flask:
    """The web application. registrations: by name, « portail » and « second »; base_url: the portal's own address."""
    app = Flask("portal", root_path=str(Path(__file__).parent))
    app.secret_key = secrets.token_bytes(32)
    app.config.update(SESSION_COOKIE_NAME=COOKIE, SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    oauth = create_oauth(app)
    for application in (PORTAIL, SECOND):
        party = RelyingParty(oauth, application.name, issuer, registrations[application.name])
        _Views(application, party, base_url).register(app)
    for path, language in PRIVACY_PAGES.items():
        app.add_url_rule(path, f"privacy.{language}", partial(_privacy, language))
    app.after_request(_never_stored)
    return app


def start_portal(port: int, issuer: str, registrations: Mapping[str, Registration]) -> WebServer:
    """Starts the portal on this port; it needs no provider until somebody signs in."""
    return WebServer(create_portal(issuer, f"http://localhost:{port}", registrations), port).start()


def _privacy(language: str) -> str:
    return render_template("portal/privacy.html", application=PORTAIL, language=language)


class _Views:
    def __init__(self, application: Application, party: RelyingParty, base_url: str) -> None:
        self._application = application
        self._party = party
        self._home = f"{base_url}{application.path}"
        self._signed_in: Memory[SignedIn] = Memory()

    def register(self, app: Flask) -> None:
        path, name = self._application.path, self._application.name
        app.add_url_rule(path, f"{name}.home", self.home)
        app.add_url_rule(f"{path}sign-in", f"{name}.sign_in", self.sign_in)
        app.add_url_rule(f"{path}callback", f"{name}.callback", self.callback)
        app.add_url_rule(f"{path}sign-out", f"{name}.sign_out", self.sign_out, methods=["POST"])
        app.add_url_rule(f"{path}me.json", f"{name}.me", self.me)
        endpoint = f"{path}backchannel-logout"
        app.add_url_rule(endpoint, f"{name}.backchannel_logout", self.backchannel_logout, methods=["POST"])

    def home(self) -> str:
        person = self._person()
        if person is not None:
            return self._page("signed_in", claims=person.claims)
        signed_out = self._returned_from_sign_out()
        return self._page("home", signed_out=signed_out)

    def sign_in(self) -> AnyResponse:
        try:
            return self._party.begin(f"{self._home}callback")
        except SignInFailed as failure:
            return self._failure(failure)

    def callback(self) -> AnyResponse:
        try:
            person = self._party.finish()
        except SignInFailed as failure:
            return self._failure(failure)
        self._forget()
        session[self._key] = secrets.token_urlsafe(24)
        self._signed_in.put(session[self._key], person)
        return redirect(self._home, 303)

    def sign_out(self) -> AnyResponse:
        person = self._person()
        self._forget()
        if person is None:
            return redirect(self._home, 303)
        state = session[f"{self._key}_sign_out"] = secrets.token_urlsafe(16)
        try:
            return redirect(self._party.end_session_url(person.id_token, self._home, state), 303)
        except SignInFailed as failure:
            return self._failure(failure)

    def me(self) -> AnyResponse:
        person = self._person()
        if person is None:
            answer = jsonify(error="signed_out")
            answer.status_code = 401
            return answer
        return jsonify(person.claims)

    def backchannel_logout(self) -> AnyResponse:
        """The provider says that a sign-in ended: the session that came from it ends here (Back-Channel Logout 2.8)."""
        try:
            sid = self._party.ended_sign_in(request.form.get("logout_token", ""))
        except SignInFailed as failure:
            answer = jsonify(error=failure.code, error_description=failure.description)
            answer.status_code = 503 if failure.code in _UNREACHABLE else 400
            return answer
        self._signed_in.drop(lambda person: person.claims.get("sid") == sid)
        return Response(status=200)

    @property
    def _key(self) -> str:
        return f"person_{self._application.name}"

    def _person(self) -> SignedIn | None:
        return self._signed_in.get(session.get(self._key, ""))

    def _forget(self) -> None:
        self._signed_in.take(session.pop(self._key, ""))

    def _returned_from_sign_out(self) -> bool:
        """RP-Initiated Logout 3: the state comes back unchanged."""
        state = request.args.get("state")
        return state is not None and state == session.pop(f"{self._key}_sign_out", None)

    def _failure(self, failure: SignInFailed) -> Response:
        if failure.code == _GIVEN_UP:
            return Response(self._page("given_up"))
        sentence = _SENTENCES.get(failure.code, _REFUSED)
        page = self._page("error", failure=failure, sentence=sentence)
        return Response(page, 502 if failure.code in _UNREACHABLE else 400)

    def _page(self, name: str, **context: object) -> str:
        return render_template(f"portal/{name}.html", application=self._application, **context)


_UNREACHABLE = ("temporarily_unavailable", "server_error")
# The person went back, or did not agree (OpenID Connect Core 3.1.2.6): nothing failed.
_GIVEN_UP = "access_denied"
_REFUSED = "Le fournisseur d’identité n’a pas accepté la demande de connexion de cette application."
_NEEDS_THE_PERSON = "Pour vous connecter, le fournisseur d’identité doit d’abord vous montrer une page."
_UNTRUSTED = "La réponse reçue n’a pas pu être vérifiée. Par sécurité, elle n’est pas utilisée."
# By OAuth's error code, or ours; the provider's own words are for developers, and in English.
_SENTENCES = {
    "temporarily_unavailable": "Le fournisseur d’identité ne répond pas. Réessayez dans un instant.",
    "server_error": "Le fournisseur d’identité a rencontré un problème. Réessayez dans un instant.",
    "login_required": _NEEDS_THE_PERSON,
    "interaction_required": _NEEDS_THE_PERSON,
    "consent_required": _NEEDS_THE_PERSON,
    "account_selection_required": _NEEDS_THE_PERSON,
    "invalid_grant": "Cette connexion a déjà servi, ou elle a trop attendu.",
    "mismatching_state": "Cette réponse ne correspond à aucune connexion en cours dans ce navigateur.",
    "invalid_issuer": _UNTRUSTED,
    "invalid_token": _UNTRUSTED,
}


def _never_stored(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault(
        "Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
    )
    return response
