"""Signed request objects (RFC 9101)."""

import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from idp.domain.clients import Client
from idp.domain.errors import AuthorizationError, NotFetched, ProtocolError, Refusal
from idp.domain.keyed import base64url
from idp.openid import authorization_request
from idp.openid.client_keys import ClientKeys
from idp.openid.parameters import UNDERSTOOD
from idp.openid.request_objects import RequestObjects
from tests.openid.world import ISSUER, NOW, PORTAL, World, asking, basic

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
KEYS: dict[str, RSAKey | ECKey | OKPKey] = {
    "RS256": RSA,
    "PS256": RSA,
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "okp"}),
}
KEYS["Ed25519"] = KEYS["EdDSA"]
JWKS = json.dumps({"keys": [key.as_dict(private=False) for key in (RSA, KEYS["ES256"], KEYS["EdDSA"])]})
SIGNING = replace(PORTAL, jwks=JWKS)
PRESENT = int(NOW.timestamp())


@pytest.fixture
def signing(reader: World) -> World:
    reader.clients["portail"] = SIGNING
    return reader


def signed(algorithm: str = "RS256", header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A good request object, with members changed, or left out where None."""
    members: dict[str, Any] = {
        "iss": "portail",
        "aud": ISSUER,
        "exp": PRESENT + 300,
        **dict(asking()),
        "state": "signed",
        "max_age": 600,
        "claims": {"userinfo": {"email": None}},
    } | changes
    claims = {name: value for name, value in members.items() if value is not None}
    key = KEYS[algorithm]
    head = {"alg": algorithm, "typ": "oauth-authz-req+jwt", "kid": key.kid} | (header or {})
    return jwt.encode(head, claims, key, algorithms=[algorithm], default_type=None)


def beside(request: str, **more: str) -> list[tuple[str, str]]:
    return [("client_id", "portail"), ("request", request), *more.items()]


def error_of(world: World, pairs: list[tuple[str, str]]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        world.provider.read_authorization_request(pairs, now=NOW)
    return caught.value


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_what_is_signed_counts_and_nothing_beside_it(signing: World, algorithm: str) -> None:
    pairs = beside(
        signed(algorithm), state="beside", scope="openid", redirect_uri="https://evil.example/", prompt="login"
    )
    request = signing.provider.read_authorization_request(pairs, now=NOW)
    assert (request.state, request.max_age, request.prompt) == ("signed", 600, ())
    assert request.redirect_uri == PORTAL.redirect_uris[0]
    assert "email" in request.claims["userinfo"]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "library"},
        {"iss": None},
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"exp": None},
        {"exp": PRESENT},
        {"exp": PRESENT + 100_000},
        {"exp": "tomorrow"},
        {"nbf": PRESENT + 121},
        {"client_id": "library"},
        {"client_id": None},
        {"sub": "portail"},
        {"request": "e30.e30."},
        {"request_uri": "https://portail.example/r"},
        {"scope": ["openid"]},
        {"max_age": True},
        {"state": {"a": 1}},
    ],
)
def test_an_object_for_somebody_else_another_time_or_another_purpose_is_refused(
    signing: World, changes: dict[str, Any]
) -> None:
    assert error_of(signing, beside(signed(**changes))).reason == "oauth.invalid_request_object"


def test_the_clock_of_an_application_may_be_two_minutes_ahead(signing: World) -> None:
    pairs = beside(signed(nbf=PRESENT + 120, iat=PRESENT + 120))
    assert signing.provider.read_authorization_request(pairs, now=NOW).state == "signed"


@pytest.mark.parametrize(
    "changes", [{"authorization_details": [{"type": "x"}]}, {"legacy": True}, {"ratio": 0.5}, {"client_metadata": {}}]
)
def test_a_member_that_nobody_here_understands_is_ignored_whatever_its_form(
    signing: World, changes: dict[str, Any]
) -> None:
    """RFC 6749 section 3.1; extensions bring members that are no texts (RFC 9396 section 2)."""
    request = signing.provider.read_authorization_request(beside(signed(**changes)), now=NOW)
    assert (request.state, request.max_age) == ("signed", 600)


@pytest.mark.parametrize("name", sorted(UNDERSTOOD))
def test_what_is_understood_has_its_form(signing: World, name: str) -> None:
    wrong: dict[str, Any] = {name: [["x"]]}
    assert error_of(signing, beside(signed(**wrong))).reason == "oauth.invalid_request_object"


def test_everything_that_is_kept_of_a_request_is_understood() -> None:
    assert set(authorization_request._REMEMBERED) < UNDERSTOOD


def test_the_registration_of_a_self_issued_client_is_told_as_such(signing: World) -> None:
    """In a request object it is an object (OpenID Connect Core section 7.2.1)."""
    pairs = beside(signed(registration={"client_name": "x"}))
    assert error_of(signing, pairs).reason == "oauth.registration_not_supported"


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "logout+jwt"])
def test_a_statement_of_another_type_is_refused(signing: World, typ: str) -> None:
    assert error_of(signing, beside(signed(header={"typ": typ}))).reason == "oauth.invalid_request_object"


def test_unsigned_forged_and_mangled_objects_are_refused(signing: World) -> None:
    good = signed()
    head, body, _ = good.split(".")
    unsigned = jws.serialize_compact({"alg": "none"}, b"{}", OctKey.generate_key(), algorithms=["none"])
    other = RSAKey.generate_key(2048)
    foreign = jwt.encode({"alg": "RS256", "kid": "rsa"}, {"iss": "portail"}, other, algorithms=["RS256"])
    # What a library that trusts `alg` would take: a MAC under the public key. joserfc itself refuses to make it.
    mac_head = base64url(json.dumps({"alg": "HS256", "kid": "rsa"}).encode())
    mac_body = f"{mac_head}.{body}"
    mac = mac_body + "." + base64url(hmac.digest(RSA.as_pem(private=False), mac_body.encode(), "sha256"))
    for text in (unsigned, unsigned.split(".")[0] + f".{body}.", foreign, mac, f"{head}.{body}.", good[:-2], "x", "é"):
        assert error_of(signing, beside(text)).reason == "oauth.invalid_request_object"


def test_an_error_goes_to_the_redirect_uri_beside_the_object_only_where_it_is_the_client_s(signing: World) -> None:
    told = error_of(signing, beside("junk", redirect_uri=PORTAL.redirect_uris[0], state="s"))
    assert isinstance(told, AuthorizationError)
    assert (told.error, told.state) == ("invalid_request_object", "s")
    page = error_of(signing, beside("junk", redirect_uri="https://evil.example/"))
    assert not isinstance(page, AuthorizationError)


def test_the_registered_algorithm_is_the_only_one(signing: World) -> None:
    signing.clients["portail"] = replace(SIGNING, request_object_signing_alg="ES256")
    signing.provider.read_authorization_request(beside(signed("ES256")), now=NOW)
    assert error_of(signing, beside(signed("RS256"))).reason == "oauth.invalid_request_object"


def test_a_client_that_must_sign_cannot_ask_in_the_address(signing: World) -> None:
    signing.clients["portail"] = replace(SIGNING, require_signed_request_object=True)
    told = error_of(signing, asking())
    assert isinstance(told, AuthorizationError)
    assert told.error == "invalid_request"
    signing.provider.read_authorization_request(beside(signed()), now=NOW)


def test_a_signed_object_may_be_pushed(world: World) -> None:
    world.clients["portail"] = replace(SIGNING, require_signed_request_object=True)
    with pytest.raises(ProtocolError):
        world.provider.pushing.answer(asking(), basic(), now=NOW)
    answer = world.provider.pushing.answer(beside(signed()), basic(), now=NOW)
    pairs = [("client_id", "portail"), ("request_uri", answer["request_uri"])]
    assert world.provider.read_authorization_request(pairs, now=NOW).state == "signed"


def test_both_ways_at_once_are_refused(signing: World) -> None:
    pairs = beside(signed(), request_uri="https://portail.example/r")
    assert error_of(signing, pairs).reason == "oauth.invalid_request"
    assert error_of(signing, [*beside(signed()), ("request", signed())]).reason == "oauth.invalid_request"


def objects(fetch: Callable[[str], bytes]) -> RequestObjects:
    return RequestObjects(ISSUER, ClientKeys(lambda _: None), fetch)


def by_reference(client: Client, fetch: Callable[[str], bytes], uri: str = "https://portail.example/r.jwt") -> str:
    try:
        return dict(objects(fetch).by_reference(uri, client, now=NOW))["state"]
    except ProtocolError as error:
        return error.error


def test_only_registered_addresses_are_fetched(signing: World) -> None:
    asked: list[str] = []

    def fetch(uri: str) -> bytes:
        asked.append(uri)
        return signed().encode() + b"\n"

    client = replace(SIGNING, request_uris=("https://portail.example/r.jwt",))
    assert by_reference(client, fetch) == "signed"
    assert by_reference(client, fetch, "https://portail.example/r.jwt#version") == "signed"
    assert by_reference(client, fetch, "https://portail.example/r.jwt?x") == "invalid_request_uri"
    assert asked == 2 * ["https://portail.example/r.jwt"]
    signing.clients["portail"] = client
    told = error_of(signing, [("client_id", "portail"), ("request_uri", "http://169.254.169.254/latest")])
    assert told.reason == "oauth.invalid_request_uri"


def test_what_lies_at_the_client_s_own_address_needs_no_end() -> None:
    """The suite's oidcc-request-uri-signed-rs256 sends none; an end that is told counts all the same."""
    client = replace(SIGNING, request_uris=("https://portail.example/r.jwt",))

    def lying_there(**changes: Any) -> str:
        return by_reference(client, lambda _: signed(**changes).encode())

    assert lying_there(exp=None) == "signed"
    assert lying_there(exp=PRESENT) == "invalid_request_object"
    assert lying_there(exp=PRESENT + 100_000) == "invalid_request_object"
    assert lying_there(exp=None, nbf=PRESENT + 600) == "invalid_request_object"


def test_what_cannot_be_fetched_or_read_is_refused() -> None:
    def away(_: str) -> bytes:
        raise NotFetched("status 500")

    client = replace(SIGNING, request_uris=("https://portail.example/r.jwt",))
    assert by_reference(client, away) == "invalid_request_uri"
    assert by_reference(client, lambda _: b"\xff") == "invalid_request_uri"
    assert by_reference(client, lambda _: b"junk") == "invalid_request_object"
