"""``private_key_jwt``: a client proves itself by a signature, each of which counts once."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from idp.domain.errors import ProtocolError
from idp.openid.client_assertion import TYPE
from idp.openid.client_metadata import read_client
from idp.openid.client_table import Faults
from tests.openid.client_keys import JWKS, KEYS, STRANGERS_KEY, assertion_claims, signed
from tests.openid.test_refresh import refused
from tests.openid.world import CALLBACK, ISSUER, NOW, PORTAL, VERIFIER, World, basic

SIGNER = replace(PORTAL, client_id="signer", client_secrets=(), token_endpoint_auth_method="private_key_jwt", jwks=JWKS)
SECONDS = int(NOW.timestamp())


@pytest.fixture(autouse=True)
def _registered(world: World) -> None:
    world.clients["signer"] = SIGNER


def ask(world: World, assertion: str, authorization: str | None = None, **more: str) -> dict[str, Any]:
    """Introspection of nothing: the cheapest request that needs an authenticated client."""
    form = {"token": "x", "client_assertion": assertion, "client_assertion_type": TYPE} | more
    return world.provider.introspection.answer(list(form.items()), authorization, now=NOW)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
def test_each_algorithm_is_taken(world: World, algorithm: str) -> None:
    assert ask(world, signed(assertion_claims("signer"), algorithm)) == {"active": False}


def test_a_code_is_exchanged_with_an_assertion(world: World) -> None:
    code = world.code(SIGNER)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_assertion_type": TYPE,
        "client_assertion": signed(assertion_claims("signer", aud=ISSUER + "/token")),
    }
    assert world.provider.token(list(form.items()), None, now=NOW)["access_token"]


@pytest.mark.parametrize("audience", [ISSUER, ISSUER + "/token", ISSUER + "/introspect", [ISSUER]])
def test_issuer_and_endpoints_are_audiences(world: World, audience: Any) -> None:
    assert ask(world, signed(assertion_claims("signer", aud=audience)))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "portail"},
        {"iss": None},
        {"sub": "portail"},
        {"sub": None},
        {"sub": 7},
        {"aud": None},
        {"aud": []},
        {"aud": "https://other.example"},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": {"x": 1}},
        {"exp": None},
        {"exp": SECONDS},
        {"exp": SECONDS + 3721},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e300},
        {"iat": SECONDS + 121},
        {"nbf": SECONDS + 121},
        {"nbf": []},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": "x" * 513},
    ],
    ids=str,
)
def test_every_claim_counts(world: World, changes: dict[str, Any]) -> None:
    with refused("invalid_client", 401):
        ask(world, signed(assertion_claims("signer", **changes)))


def test_what_authlib_sends_unasked_is_taken(world: World) -> None:
    """Its assertions last an hour where nobody says otherwise; pyoidc's ten minutes."""
    pem = KEYS["ES256"].as_pem(private=True)
    assertion = private_key_jwt_sign(pem, "signer", ISSUER + "/token", alg="ES256")
    form = {"token": "x", "client_assertion": assertion, "client_assertion_type": TYPE}
    present = datetime.now(UTC)
    assert world.provider.introspection.answer(list(form.items()), None, now=present) == {"active": False}
    with refused("invalid_client", 401):
        world.provider.introspection.answer(list(form.items()), None, now=present + timedelta(minutes=59))


@pytest.mark.parametrize(
    "changes",
    [{"exp": SECONDS + 3720}, {"iat": SECONDS + 120}, {"nbf": SECONDS + 120}, {"jti": "x"}, {"jti": "x" * 512}],
)
def test_clocks_may_differ_by_two_minutes(world: World, changes: dict[str, Any]) -> None:
    assert ask(world, signed(assertion_claims("signer", **changes)))


def test_an_assertion_counts_once(world: World) -> None:
    assertion = signed(assertion_claims("signer"))
    assert ask(world, assertion)
    with refused("invalid_client", 401):
        ask(world, assertion)


def test_of_sixteen_uses_of_one_assertion_over_two_workers_one_wins(world: World, another_worker: World) -> None:
    another_worker.clients["signer"] = SIGNER
    assertion, workers = signed(assertion_claims("signer")), [world, another_worker]

    def attempt(number: int) -> bool:
        try:
            return bool(ask(workers[number % 2], assertion))
        except ProtocolError:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_a_refused_assertion_uses_nothing_up(world: World) -> None:
    claims = assertion_claims("signer")
    for bad in (signed(claims, key=STRANGERS_KEY), signed(claims | {"aud": "https://other.example"})):
        with refused("invalid_client", 401):
            ask(world, bad)
    assert ask(world, signed(claims))


def test_strange_signatures_are_refused(world: World) -> None:
    claims = assertion_claims("signer")
    modulus = json.dumps(KEYS["RS256"].as_dict(private=False)).encode()
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    good = signed(claims)
    strange = [
        signed(claims, key=STRANGERS_KEY),
        jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(modulus), ["HS256"]),
        f"{header}.{good.split('.')[1]}.",
        good[:-4] + "AAAA",
        signed(claims, kid="unknown"),
        signed(claims, crit=["b64"], b64=True),
        "",
        "a.b.c",
        "é",
        "x" * 100_000,
    ]
    for assertion in strange:
        with refused("invalid_client", 401):
            ask(world, assertion)


@pytest.mark.parametrize("named", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
def test_a_key_on_ed25519_has_two_names(world: World, named: str, algorithm: str) -> None:
    """RFC 9864: who published a key under the old one may hold a library that signs under the new one."""
    published = KEYS["EdDSA"].as_dict(private=False) | {"alg": named}
    world.clients["signer"] = replace(SIGNER, jwks=json.dumps({"keys": [published]}))
    assert ask(world, signed(assertion_claims("signer"), algorithm))


def test_the_registered_algorithm_is_the_only_one(world: World) -> None:
    world.clients["signer"] = replace(SIGNER, token_endpoint_auth_signing_alg="EdDSA")
    with refused("invalid_client", 401):
        ask(world, signed(assertion_claims("signer"), "ES256"))
    assert ask(world, signed(assertion_claims("signer"), "EdDSA"))


def test_each_client_keeps_to_its_method(world: World) -> None:
    with refused("invalid_client", 401):
        world.provider.introspection.answer([("token", "x")], basic("signer", ""), now=NOW)
    # A client with a secret may have keys as well, for its request objects.
    world.clients["portail"] = replace(PORTAL, jwks=JWKS)
    for other in ("portail", "nobody"):
        with refused("invalid_client", 401):
            ask(world, signed(assertion_claims(other)))
    with refused("invalid_client", 401):
        ask(world, signed(assertion_claims("signer")), client_id="portail")
    with refused("invalid_client", 401):
        ask(world, signed(assertion_claims("signer")), client_assertion_type="saml")


def test_never_two_methods_at_once(world: World) -> None:
    for half in ("client_assertion", "client_assertion_type"):
        with refused("invalid_request"):
            world.provider.introspection.answer([("token", "x"), (half, "x")], basic(), now=NOW)
    with refused("invalid_request"):
        ask(world, signed(assertion_claims("signer")), basic())
    with refused("invalid_request"):
        ask(world, signed(assertion_claims("signer")), client_secret="x")


def test_keys_are_fetched_once_and_outlive_an_outage(world: World, published: dict[str, Any]) -> None:
    world.clients["signer"] = replace(SIGNER, jwks="", jwks_uri=published["uri"])
    assert ask(world, signed(assertion_claims("signer")))
    published["body"] = ""
    assert ask(world, signed(assertion_claims("signer"), "RS256"))
    assert published["asked"] == 1
    for _ in range(3):
        with refused("invalid_client", 401):
            ask(world, signed(assertion_claims("signer"), kid="unknown"))
    assert published["asked"] == 2, "a key that is not known may be a new one, once in a while"
    assert ask(world, signed(assertion_claims("signer"), "RS256"))


@pytest.mark.parametrize("body", ["", "[]", '{"keys": 1}', '{"keys": [1, {}, {"kty": "EC"}]}', "[" * 5000])
def test_bad_key_sets_verify_nothing(world: World, published: dict[str, Any], body: str) -> None:
    published["body"] = body
    world.clients["signer"] = replace(SIGNER, jwks="", jwks_uri=published["uri"])
    with refused("invalid_client", 401):
        ask(world, signed(assertion_claims("signer")))


def faults(**metadata: Any) -> list[str]:
    noted = Faults("file")
    table = {"client_id": "x", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt"}
    read_client(table | metadata, noted)
    return noted.lines


def test_keys_are_registered_one_way_and_are_public_and_strong() -> None:
    public = json.loads(JWKS)
    assert faults(jwks=public) == faults(jwks_uri="https://client.example/jwks") == []
    assert faults(jwks=public, jwks_uri="https://client.example/jwks")
    assert faults()
    assert faults(jwks_uri="http://client.example/jwks")
    assert faults(jwks={"keys": [KEYS["ES256"].as_dict(private=True)]})
    assert faults(jwks={"keys": []})
    assert faults(jwks="text")
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024).as_dict(private=False)
    assert faults(jwks={"keys": [short]})
    private = KEYS["ES256"].as_dict(private=True)
    assert not any(str(private["d"]) in line for line in faults(jwks={"keys": [private]}))


def test_it_is_announced_and_a_shared_secret_is_not(world: World) -> None:
    document = world.provider.discovery()
    for endpoint in ("token", "revocation", "introspection"):
        methods = document[f"{endpoint}_endpoint_auth_methods_supported"]
        assert "private_key_jwt" in methods
        assert "client_secret_jwt" not in methods
        algorithms = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert algorithms == ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
