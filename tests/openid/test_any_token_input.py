"""Whatever arrives at the endpoints for applications, signed or not, nothing but a refusal comes out."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws

from idp.domain.errors import Refusal
from idp.domain.keyed import base64url
from idp.openid.client_assertion import TYPE
from idp.openid.device_codes import GRANT_TYPE
from idp.openid.keys import KeyStore
from idp.openid.userinfo import UserinfoCall
from idp.storage.database import Database
from tests.openid.client_keys import JWKS, KEYS
from tests.openid.test_any_input import HEADERS, JSON, PAIRS, REAL_STORE, VALUES
from tests.openid.world import ISSUER, NOW, PORTAL, World, asking, basic, build

Pairs = list[tuple[str, str]]

NAMES = st.sampled_from(
    ["token", "token_type_hint", "resource", "dpop_jkt", "device_code", "scope", "client_id", "client_assertion"]
)
FORMS = st.one_of(PAIRS, st.lists(st.tuples(NAMES, VALUES), max_size=6))
GRANTS = st.sampled_from(["authorization_code", "refresh_token", GRANT_TYPE, "", "x"])
KEY = KEYS["ES256"]
# Headers and claims that look like ours, with anything in them.
HEADER_MEMBERS = st.dictionaries(st.sampled_from(["alg", "typ", "jwk", "kid", "crit", "b64", "x5c", "cty"]), JSON)
CLAIMS = st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "htm", "htu", "ath"]), JSON)
KEY_MEMBERS = st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "k", "use", "kid", "alg"]), JSON)


@pytest.fixture
def any_world(keys: KeyStore, database: Database) -> World:
    world = build(keys, database)
    world.clients["portail"] = replace(
        PORTAL, resources=("https://api.example/",), grant_types=(*PORTAL.grant_types, GRANT_TYPE)
    )
    world.clients["signer"] = replace(
        PORTAL, client_id="signer", client_secrets=(), token_endpoint_auth_method="private_key_jwt", jwks=JWKS
    )
    return world


def only_refuses(call: Any) -> None:
    status = 200
    try:
        call()
    except Refusal as refusal:
        # Most are protocol errors; what is no text at all is refused before anything is known of the client.
        status = refusal.status
    assert status in (200, 302, 400, 401)


def unsigned(header: dict[str, Any], claims: Any) -> str:
    return f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(claims).encode())}.AAAA"


def signed(claims: Any, **header: Any) -> str:
    return jws.serialize_compact({"alg": "ES256", **header}, json.dumps(claims), KEY, algorithms=["ES256"])


@REAL_STORE
@given(form=FORMS, authorization=HEADERS)
def test_any_revocation_introspection_and_device_request_is_answered_or_refused(
    any_world: World, form: Pairs, authorization: str | None
) -> None:
    provider = any_world.provider
    for endpoint in (provider.revocation, provider.introspection, provider.device_endpoint):
        only_refuses(lambda endpoint=endpoint: endpoint.answer(form, authorization, now=NOW))
        only_refuses(lambda endpoint=endpoint: endpoint.answer(form, basic(), now=NOW))


@REAL_STORE
@given(form=FORMS, grant_type=GRANTS, proofs=st.lists(VALUES, max_size=2))
def test_any_token_request_is_refused(any_world: World, form: Pairs, grant_type: str, proofs: list[str]) -> None:
    rest = [pair for pair in form if pair[0] not in ("grant_type", "client_id", "client_secret")]
    pairs = [("grant_type", grant_type), *rest]
    only_refuses(lambda: any_world.provider.token(pairs, basic(), proofs, now=NOW))


@REAL_STORE
@given(form=FORMS, typed=VALUES)
def test_any_resource_key_and_user_code_is_read_or_refused(any_world: World, form: Pairs, typed: str) -> None:
    rest = [pair for pair in form if pair[0] in ("resource", "dpop_jkt")]
    only_refuses(lambda: any_world.provider.read_authorization_request([*asking(), *rest], now=NOW))
    assert any_world.provider.device_answers.find(typed, now=NOW) is None


@REAL_STORE
@given(header=HEADER_MEMBERS, claims=CLAIMS | JSON, key=KEY_MEMBERS)
def test_any_proof_is_refused(any_world: World, header: dict[str, Any], claims: Any, key: dict[str, Any]) -> None:
    like_ours = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False) | key}
    right = {"htm": "POST", "htu": f"{ISSUER}/token", "iat": int(NOW.timestamp()), "jti": "x"}
    proofs = [unsigned(like_ours | header, claims), unsigned(header, claims)]
    public = KEY.as_dict(private=False)
    if isinstance(claims, dict):
        proofs.append(signed(right | claims, typ="dpop+jwt", jwk=public))
    proofs.append(signed(claims, typ="dpop+jwt", jwk=public))
    form = [("grant_type", "authorization_code"), ("code", "x")]
    for proof in proofs:
        only_refuses(lambda proof=proof: any_world.provider.token(form, basic(), [proof], now=NOW))
        call = UserinfoCall("GET", [proof])
        only_refuses(lambda call=call: any_world.provider.userinfo("DPoP x", (), call, now=NOW))


@REAL_STORE
@given(header=HEADER_MEMBERS, claims=CLAIMS | JSON)
def test_any_client_assertion_is_refused(any_world: World, header: dict[str, Any], claims: Any) -> None:
    ours = {"iss": "signer", "sub": "signer", "aud": ISSUER, "exp": int(NOW.timestamp()) + 60, "jti": "x"}
    assertions = [unsigned({"alg": "ES256"} | header, claims), signed(claims)]
    if isinstance(claims, dict):
        assertions += [unsigned({"alg": "ES256"} | header, ours | claims), signed(ours | claims)]
    for assertion in assertions:
        form = [("token", "x"), ("client_assertion", assertion), ("client_assertion_type", TYPE)]
        only_refuses(lambda form=form: any_world.provider.introspection.answer(form, None, now=NOW))
