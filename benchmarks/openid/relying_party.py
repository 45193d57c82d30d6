"""A relying party: what it sends to a provider, and the least that an answer must hold."""

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from benchmarks.connection import Answer, Connection, UnexpectedAnswer
from benchmarks.openid.target import CLIENT_SECRET, OFFLINE_CLIENT, REDIRECT_URI, SCOPES, Target, get, post


class RelyingParty:
    """One client on one connection; verifier, state and nonce are fresh per connection, not per flow."""

    def __init__(self, target: Target, connection: Connection, client_id: str) -> None:
        self._target = target
        self._connection = connection
        credentials = f"{quote(client_id)}:{quote(CLIENT_SECRET)}".encode()
        self._basic = f"Authorization: Basic {base64.b64encode(credentials).decode()}\r\n"
        self._expected = ("refresh_token",) if client_id == OFFLINE_CLIENT else ()
        self._verifier = secrets.token_urlsafe(32)
        self._query = urlencode(_authentication_request(client_id, self._verifier))

    def flow(self, cookie: str) -> dict[str, Any]:
        """A complete code flow; the token response."""
        tokens = self.exchange(self.authorize(cookie))
        self.userinfo(tokens["access_token"])
        return tokens

    def authorize(self, cookie: str) -> str:
        """The code that the provider gives a browser in which somebody is signed in."""
        target = self._target
        path = f"{target.authorization}?{self._query}"
        answer = self._connection.exchange(get(target.port, path, f"Cookie: {cookie}\r\n"))
        code = parse_qs(urlsplit(answer.location).query).get("code")
        if not code:
            raise UnexpectedAnswer(f"no code but {answer.location[:300]}")
        return code[0]

    def exchange(self, code: str) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        tokens = self._post(self._target.token, {**form, "code_verifier": self._verifier})
        return _having(tokens, "access_token", "id_token", *self._expected)

    def userinfo(self, access_token: str) -> dict[str, Any]:
        header = f"Authorization: Bearer {access_token}\r\n"
        answer = self._connection.exchange(get(self._target.port, self._target.userinfo, header))
        return _having(_json(answer), "sub", "name", "email")

    def refresh(self, refresh_token: str, scope: str | None = None) -> dict[str, Any]:
        """The token response; a narrower scope without ``openid`` asks for no ID token."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        tokens = self._post(self._target.token, {**form, "scope": scope} if scope else form)
        return _having(tokens, "access_token", "refresh_token")

    def introspect(self, access_token: str) -> None:
        answer = self._post(self._target.introspection or "", {"token": access_token})
        if answer.get("active") is not True:
            raise UnexpectedAnswer(f"introspection: {answer}")

    def fetch(self, path: str) -> None:
        _json(self._connection.exchange(get(self._target.port, path)))

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        return _json(self._connection.exchange(post(self._target.port, path, urlencode(form), self._basic)))


def _authentication_request(client_id: str, verifier: str) -> dict[str, str]:
    digest = hashlib.sha256(verifier.encode()).digest()
    return {
        "client_id": client_id,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": SCOPES[client_id],
        "state": secrets.token_urlsafe(16),
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }


def _json(answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        raise UnexpectedAnswer(f"{answer.status}: {answer.body[:300]!r}")
    content: dict[str, Any] = json.loads(answer.body)
    return content


def _having(content: dict[str, Any], *names: str) -> dict[str, Any]:
    if missing := [name for name in names if name not in content]:
        raise UnexpectedAnswer(f"no {', '.join(missing)} in {sorted(content)}")
    return content
