"""The portal is told that a sign-in ended: only a good logout token ends a session there."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import time
from typing import Any

import pytest
from flask import Flask, jsonify
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey

from idp.demo.portal import create_portal
from idp.demo.ports import free_port
from idp.demo.relying_party import LOGOUT_EVENT, Registration
from idp.demo.web_server import WebServer

REGISTRATIONS = {name: Registration(name, "secret-of-" + name) for name in ("portail", "second")}


@dataclass(frozen=True)
class Signer:
    """A provider that knows discovery and its keys alone."""

    issuer: str
    key: RSAKey
    portal: FlaskClient

    def token(self, key: RSAKey | None = None, **changes: Any) -> str:
        now = int(time())
        claims = {
            "iss": self.issuer,
            "aud": "portail",
            "iat": now,
            "exp": now + 120,
            "jti": "one",
            "sid": "sid-1",
            "events": {LOGOUT_EVENT: {}},
        } | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "k", "typ": "logout+jwt"}, kept, key or self.key)

    def post(self, token: str, path: str = "/backchannel-logout") -> int:
        return self.portal.post(path, data={"logout_token": token}).status_code


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k", "use": "sig", "alg": "RS256"})


@pytest.fixture
def signer(key: RSAKey) -> Iterator[Signer]:
    issuer = f"http://localhost:{(port := free_port())}"
    app = Flask("provider")
    metadata = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    app.add_url_rule("/.well-known/openid-configuration", "discovery", lambda: jsonify(metadata))
    app.add_url_rule("/jwks", "jwks", lambda: jsonify(keys=[key.as_dict(private=False)]))
    server = WebServer(app, port).start()
    yield Signer(issuer, key, create_portal(issuer, "http://localhost:5001", REGISTRATIONS).test_client())
    server.stop()


def test_a_good_token_is_taken_once(signer: Signer) -> None:
    token = signer.token()
    assert signer.post(token) == 200
    assert signer.post(token) == 400


def test_each_application_takes_its_own_tokens(signer: Signer) -> None:
    assert signer.post(signer.token(), "/second/backchannel-logout") == 400
    assert signer.post(signer.token(aud="second"), "/second/backchannel-logout") == 200


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": None},
        {"iat": None},
        {"exp": 1},
        {"exp": None},
        {"jti": None},
        {"sid": None},
        {"events": None},
        {"events": {"urn:other": {}}},
        {"events": "x"},
        {"nonce": "n"},
    ],
)
def test_a_token_that_says_something_else_is_refused(signer: Signer, change: dict[str, Any]) -> None:
    assert signer.post(signer.token(**change)) == 400


def test_junk_and_foreign_keys_are_refused(signer: Signer) -> None:
    foreign = RSAKey.generate_key(2048)
    for token in ("", "x", "a.b.c", signer.token(foreign), signer.token() + "x"):
        assert signer.post(token) == 400
    assert signer.portal.get("/backchannel-logout").status_code == 405


def test_while_the_provider_is_away_it_is_asked_to_come_back(key: RSAKey) -> None:
    issuer = f"http://localhost:{free_port()}"
    portal = create_portal(issuer, "http://localhost:5001", REGISTRATIONS).test_client()
    assert Signer(issuer, key, portal).post("a.b.c") == 503
