"""A relying party in the hands of a test: the portal's registration, every request made by hand."""

import base64
import hashlib
import secrets
import tomllib
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from tests.journeys.conftest import System
from tests.journeys.walker import Walker


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Answer:
    """What came back to the redirect_uri, or the page that stayed at the provider."""

    parameters: dict[str, str]
    status: int
    location: str
    text: str


class RelyingParty:
    """The portal's client (or the second one), spoken for by the test."""

    def __init__(self, system: System, index: int = 0) -> None:
        self.provider = system.provider
        self.registered = registered = tomllib.loads((system.folder / "clients.toml").read_text())["client"][index]
        self.client_id: str = registered["client_id"]
        self.secret: str = registered["client_secret"]
        self.redirect_uri: str = registered["redirect_uris"][0]
        self.discovery: dict[str, Any] = requests.get(
            f"{system.provider}/.well-known/openid-configuration", timeout=10
        ).json()

    def request(self, verifier: str, **changes: str | None) -> dict[str, str]:
        good: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile email",
            "state": "un état",
            "nonce": "n-1",
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def authorize(self, walker: Walker, parameters: Any) -> Answer:
        """Follow redirects within the provider, agree where asked; stop at the door of the redirect_uri."""
        answer = walker.session.get(
            self.discovery["authorization_endpoint"], params=parameters, allow_redirects=False, timeout=20
        )
        for _ in range(9):
            location = urljoin(answer.url, answer.headers.get("Location", ""))
            if not answer.is_redirect or not location.startswith(self.provider + "/"):
                break
            answer = walker.session.get(location, allow_redirects=False, timeout=20)
        location = answer.headers.get("Location", "")
        parts = urlsplit(location)
        return Answer(dict(parse_qsl(parts.fragment or parts.query)), answer.status_code, location, answer.text)

    def token(
        self, form: Any, *, auth: tuple[str, str] | Literal["own"] | None = "own", **more: Any
    ) -> requests.Response:
        credentials = (self.client_id, self.secret) if auth == "own" else auth
        return requests.post(
            self.discovery["token_endpoint"],
            data=form,
            auth=credentials,
            timeout=20,
            **more,
        )

    def exchange(self, code: str, verifier: str, **changes: str) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        return self.token(form | changes)

    def userinfo(self, access_token: str) -> requests.Response:
        return requests.get(
            self.discovery["userinfo_endpoint"], headers={"Authorization": f"Bearer {access_token}"}, timeout=20
        )

    def sign_in(self, walker: Walker, **changes: str | None) -> tuple[str, str]:
        """A fresh code and its verifier, for a browser that is signed in."""
        verifier = secrets.token_urlsafe(40)
        answer = self.authorize(walker, self.request(verifier, **changes))
        assert "code" in answer.parameters, (answer.status, answer.location, answer.text[:500])
        return answer.parameters["code"], verifier
