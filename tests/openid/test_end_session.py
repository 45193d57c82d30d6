"""Logout requests: what a hint proves, and what it does not."""

import hmac
import json
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from idp.domain.keyed import base64url
from idp.openid.end_session import EndSessionRequest
from idp.openid.keys import KeyStore
from tests.openid.world import ISSUER, LIBRARY, PORTAL, SUBJECT, World

BYE = PORTAL.post_logout_redirect_uris[0]
GOOD = {"iss": ISSUER, "sub": SUBJECT, "aud": "portail", "sid": "sid-1", "iat": 1, "exp": 2}


def signed(keys: KeyStore, claims: dict[str, Any] | None = None, **header: Any) -> str:
    chosen = {"alg": "RS256", "typ": "JWT", "kid": keys.signing().kid} | header
    return jwt.encode(chosen, GOOD if claims is None else claims, keys.signing().key, default_type=None)


def segment(content: dict[str, Any]) -> str:
    return base64url(json.dumps(content).encode())


def read(world: World, hint: str, **more: str) -> EndSessionRequest:
    return world.provider.read_end_session([("id_token_hint", hint), *more.items()])


def test_a_good_hint_names_client_person_and_sign_in_even_when_expired(reader: World, keys: KeyStore) -> None:
    request = read(reader, signed(keys), client_id="portail", post_logout_redirect_uri=BYE, state="a b")
    assert request.hint_is_valid
    assert request.client is PORTAL
    assert (request.subject, request.sid) == (SUBJECT, "sid-1")
    assert request.location == BYE + "?state=a+b"


def test_the_hint_of_a_real_sign_in_is_good(world: World) -> None:
    request = read(world, world.tokens()["id_token"])
    assert (request.hint_is_valid, request.subject, request.sid) == (True, SUBJECT, "sid-1")
    assert request.location is None


def test_o_45_without_a_hint_nothing_is_believed(reader: World) -> None:
    pairs = [("client_id", "portail"), ("post_logout_redirect_uri", BYE), ("state", "x")]
    assert reader.provider.read_end_session(pairs) == EndSessionRequest()
    assert reader.provider.read_end_session([]) == EndSessionRequest()


@pytest.mark.parametrize(
    "uri",
    ["https://evil.example/", LIBRARY.post_logout_redirect_uris[0], BYE + "/", BYE + "?x=1", "javascript:alert(1)"],
)
def test_o_45_an_address_that_is_not_this_clients_spoils_the_request(reader: World, keys: KeyStore, uri: str) -> None:
    assert read(reader, signed(keys), post_logout_redirect_uri=uri) == EndSessionRequest()


def test_o_45_a_client_id_that_the_hint_was_not_made_for_spoils_the_request(reader: World, keys: KeyStore) -> None:
    assert read(reader, signed(keys), client_id="library") == EndSessionRequest()


def test_repeated_parameters_spoil_the_request(reader: World, keys: KeyStore) -> None:
    pairs = [("id_token_hint", signed(keys)), ("state", "1"), ("state", "2")]
    assert reader.provider.read_end_session(pairs) == EndSessionRequest()


def test_o_45_alg_none_is_refused(reader: World, keys: KeyStore) -> None:
    head = segment({"alg": "none", "kid": keys.signing().kid, "typ": "JWT"})
    _, payload, signature = signed(keys).split(".")
    for forged in (f"{head}.{payload}.", f"{head}.{payload}.{signature}", f"{head}.{payload}"):
        assert not read(reader, forged).hint_is_valid


def test_o_45_hs256_with_the_public_key_is_refused(reader: World, keys: KeyStore) -> None:
    head = segment({"alg": "HS256", "kid": keys.signing().kid, "typ": "JWT"})
    signing_input = f"{head}.{segment(GOOD)}"
    pem = keys.signing().key.as_pem(private=False)
    for key in (pem, pem.strip(), json.dumps(reader.provider.jwks()["keys"][0]).encode()):
        mac = base64url(hmac.digest(key, signing_input.encode(), "sha256"))
        assert not read(reader, f"{signing_input}.{mac}").hint_is_valid


def test_o_45_a_foreign_key_or_an_unknown_kid_is_refused(reader: World, keys: KeyStore) -> None:
    foreign = RSAKey.generate_key(2048)
    for kid in (keys.signing().kid, "unknown"):
        forged = jwt.encode({"alg": "RS256", "kid": kid, "typ": "JWT"}, GOOD, foreign)
        assert not read(reader, forged).hint_is_valid
    assert not read(reader, signed(keys, kid="unknown")).hint_is_valid
    embedded = {"alg": "RS256", "typ": "JWT", "kid": "x", "jwk": foreign.as_dict(private=False)}
    assert not read(reader, jwt.encode(embedded, GOOD, foreign)).hint_is_valid


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"aud": "nobody"},
        {"aud": ["portail", "library"]},
        {"aud": None},
        {"sub": 7},
        {"sub": None},
    ],
)
def test_o_45_a_hint_with_other_claims_is_refused(reader: World, keys: KeyStore, change: dict[str, Any]) -> None:
    assert not read(reader, signed(keys, GOOD | change)).hint_is_valid


def test_o_45_a_signed_token_of_another_kind_is_refused(reader: World, keys: KeyStore) -> None:
    for kind in ("at+jwt", "logout+jwt"):
        assert not read(reader, signed(keys, typ=kind)).hint_is_valid


@pytest.mark.parametrize(
    "hint", ["", "x", "a.b.c", "..", "é.é.é", "W10.W10.W10", "ImFsZyI.e30.x", "x" * 30_000, "\ud800"]
)
def test_o_45_junk_is_refused(reader: World, hint: str) -> None:
    assert read(reader, hint, post_logout_redirect_uri=BYE) == EndSessionRequest()


def test_o_45_a_hint_that_is_too_long_is_not_even_looked_at(reader: World, keys: KeyStore) -> None:
    assert read(reader, signed(keys, GOOD | {"more": "x" * 5_000})).hint_is_valid
    assert not read(reader, signed(keys, GOOD | {"more": "x" * 8_000})).hint_is_valid


def test_the_hint_of_a_removed_client_is_refused(reader: World, keys: KeyStore) -> None:
    del reader.clients["portail"]
    assert not read(reader, signed(keys)).hint_is_valid


def test_a_return_address_keeps_its_query(reader: World, keys: KeyStore) -> None:
    reader.clients["portail"] = replace(PORTAL, post_logout_redirect_uris=("https://portail.example/?bye",))
    request = read(reader, signed(keys), post_logout_redirect_uri="https://portail.example/?bye", state="x")
    assert request.location == "https://portail.example/?bye&state=x"
