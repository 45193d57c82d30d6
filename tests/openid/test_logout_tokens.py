"""Logout tokens as a relying party reads them (Back-Channel Logout 1.0 section 2.6), and how they get there."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from joserfc import jwk, jws, jwt

from idp.domain.clients import Client
from idp.domain.logout import ApplicationInUse, LogoutNotice
from idp.domain.outcomes import Deferred, Outcome, Refused
from idp.openid.keys import KeyStore
from idp.openid.logout_calls import LogoutCalls, Told
from idp.openid.logout_token import EVENT, LogoutTokens
from idp.outbound.safe_fetch import post_form
from tests.openid.world import ISSUER, PAIRWISE, PORTAL, SECRET, SIGN_IN, World, basic
from tests.web_server import Silent, answering

NOW = datetime(2050, 9, 1, 8, 0, tzinfo=UTC)
NOTICE = LogoutNotice("notice-1", ApplicationInUse("portail", "sub-1", "sid-1"), NOW, NOW + timedelta(minutes=10))


def test_a_relying_party_finds_all_that_it_must_check(keys: KeyStore) -> None:
    token = LogoutTokens(ISSUER, keys).sign(NOTICE, PORTAL, now=NOW)
    header = jws.extract_compact(token.encode()).headers()
    assert (header["typ"], header["alg"]) == ("logout+jwt", "RS256")
    published = jwk.KeySet.import_key_set(keys.jwks())  # type: ignore[arg-type]
    claims = jwt.decode(token, published, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"], claims["sub"], claims["sid"]) == (ISSUER, "portail", "sub-1", "sid-1")
    assert claims["events"] == {EVENT: {}}
    assert (claims["iat"], claims["exp"]) == (int(NOW.timestamp()), int(NOW.timestamp()) + 120)
    assert claims["jti"]
    assert "nonce" not in claims


def test_a_pairwise_client_is_told_the_sid_that_it_knows(world: World, keys: KeyStore) -> None:
    world.clients["pairwise"] = replace(PAIRWISE, client_secrets=PORTAL.client_secrets)
    tokens = world.exchange(world.code(PAIRWISE), basic("pairwise", SECRET), redirect_uri=PAIRWISE.redirect_uris[0])
    known = world.id_token(tokens["id_token"])["sid"]
    notice = replace(NOTICE, application=ApplicationInUse("pairwise", "sub-1", SIGN_IN.sid))
    told = world.id_token(LogoutTokens(ISSUER, keys).sign(notice, PAIRWISE, now=NOW))["sid"]
    assert told == known != SIGN_IN.sid


def test_each_attempt_has_an_identifier_of_its_own(keys: KeyStore) -> None:
    tokens = LogoutTokens(ISSUER, keys)
    assert tokens.sign(NOTICE, PORTAL, now=NOW) != tokens.sign(NOTICE, PORTAL, now=NOW)


class _Application(Silent, BaseHTTPRequestHandler):
    """Answers with the status that its path names, and keeps the forms."""

    received: list[tuple[str, dict[str, list[str]]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.received.append((self.headers["Content-Type"], parse_qs(body)))
        self.send_response(int(self.path.strip("/")))
        self.send_header("Location", "/200")
        self.end_headers()


@pytest.fixture
def application() -> Iterator[str]:
    _Application.received = []
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), _Application)) as address:
        yield address


def sent(keys: KeyStore, uri: str, *, allow_loopback: bool = True) -> Outcome:
    client = Client("portail", ("http://localhost/cb",), backchannel_logout_uri=uri)
    calls = LogoutCalls(LogoutTokens(ISSUER, keys), lambda _: client, partial(post_form, allow_loopback=allow_loopback))
    return calls.send(NOTICE, now=NOW)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Told("200")),
        (204, Told("204")),
        (302, Refused("302")),
        (400, Refused("400")),
        (404, Refused("404")),
        (429, Deferred("429")),
        (500, Deferred("500")),
        (503, Deferred("503")),
    ],
)
def test_the_answers_status_decides(keys: KeyStore, application: str, status: int, outcome: Outcome) -> None:
    assert sent(keys, f"{application}/{status}") == outcome
    ((content_type, form),) = _Application.received
    assert content_type == "application/x-www-form-urlencoded"
    assert list(form) == ["logout_token"]


def test_an_application_that_is_away_is_tried_again(keys: KeyStore) -> None:
    assert isinstance(sent(keys, "http://127.0.0.1:1/"), Deferred)


def test_a_private_address_is_never_called_from_a_public_issuer(keys: KeyStore, application: str) -> None:
    for uri in (f"{application}/200", f"{application}/200".replace("http:", "https:")):
        assert isinstance(sent(keys, uri, allow_loopback=False), Deferred)
    assert isinstance(sent(keys, "https://10.0.0.1/"), Deferred)
    assert _Application.received == []


def test_a_client_that_was_removed_is_not_called(keys: KeyStore) -> None:
    calls = LogoutCalls(LogoutTokens(ISSUER, keys), lambda _: None, partial(post_form, allow_loopback=True))
    assert calls.send(NOTICE, now=NOW) == Refused("not registered any more")
    assert isinstance(sent(keys, ""), Refused)
