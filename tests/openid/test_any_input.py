"""Whatever arrives, nothing but a refusal comes out."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from idp.domain.authorization import begins_at_university, can_be_met, needs_sign_in
from idp.domain.claims import SCOPES
from idp.domain.errors import AuthorizationError, Refusal
from idp.domain.keyed import base64url, random_token, token_hash
from idp.domain.registrations import PREFIX, InitialToken
from idp.domain.sessions import ACR_BASIC, ACR_UNIVERSITY
from idp.openid.authorization_checks import PROMPTS
from idp.openid.client_metadata import REGISTRABLE
from idp.openid.keys import KeyStore
from idp.openid.registered_clients import RegisteredClients
from idp.openid.registration import RegistrationEndpoint
from idp.openid.registration_metadata import ClientMetadataReader
from idp.openid.request_sources import PUSHED_PREFIX
from idp.openid.responses import response_types
from idp.storage.clients import ClientStore, InitialTokenStore
from idp.storage.database import Database
from tests.fuzz_corpus import REDIRECT_URIS
from tests.openid.world import (
    ACCOUNT,
    APP,
    CALLBACK,
    ISSUER,
    NOW,
    PORTAL,
    SIGN_IN,
    SUBJECT,
    World,
    answered,
    asking,
    basic,
    build,
)

NAMES = st.sampled_from(
    [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "claims",
        "id_token_hint",
        "ui_locales",
        "login_hint",
        "acr_values",
        "request",
        "request_uri",
        "registration",
        "grant_type",
        "code",
        "code_verifier",
        "refresh_token",
        "client_secret",
        "client_assertion",
        "access_token",
        "post_logout_redirect_uri",
        "code[$ne]",
    ]
)
VALUES = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=10),
    st.sampled_from(
        ["portail", "library", "app", CALLBACK, "code", "openid", "authorization_code", "refresh_token", "none", "S256"]
    ),
    st.integers().map(str),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=10,
    ).map(lambda value: json.dumps(value)),
    st.binary(max_size=40).map(lambda raw: ".".join([raw.hex(), raw.decode("latin-1"), ""])),
)
PAIRS = st.lists(st.tuples(st.one_of(NAMES, st.text(max_size=8)), VALUES), max_size=8)
HEADERS = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.binary(max_size=40).map(lambda raw: "Basic " + base64.b64encode(raw).decode()),
    st.text(max_size=40).map(lambda text: "Bearer " + text),
    st.just(basic()),
)

SIGNER = ECKey.generate_key("P-256")

REAL_STORE = settings(max_examples=150)


@pytest.fixture
def any_world(keys: KeyStore, database: Database) -> World:
    return build(keys, database)


def only_refuses(call: Any) -> None:
    status = 200
    try:
        call()
    except Refusal as refusal:
        status = refusal.status
    assert status in (200, 302, 400, 401)


@REAL_STORE
@given(pairs=PAIRS)
def test_any_authorization_request_is_read_or_refused(reader: World, pairs: list[tuple[str, str]]) -> None:
    only_refuses(lambda: reader.provider.read_authorization_request(pairs, now=NOW))
    # With client and redirect_uri right, the later checks see the rest.
    rest = [pair for pair in pairs if pair[0] not in ("client_id", "redirect_uri")]
    replaced = {name for name, _ in rest}
    good = [pair for pair in asking() if pair[0] not in replaced]
    only_refuses(lambda: reader.provider.read_authorization_request([*good, *rest], now=NOW))


@pytest.mark.parametrize("uri", REDIRECT_URIS.values(), ids=REDIRECT_URIS.keys())
def test_no_browser_is_sent_to_an_address_at_the_edges_unless_it_is_one(reader: World, uri: str) -> None:
    assert reader.read(APP, redirect_uri="http://127.0.0.1:65535/cb")
    for client in (APP, PORTAL):
        if (client, uri) != (APP, REDIRECT_URIS["the last port"]):
            with pytest.raises(Refusal) as refused:
                reader.read(client, redirect_uri=uri)
            assert not isinstance(refused.value, AuthorizationError), "told on a page, not there"


@REAL_STORE
@given(pairs=PAIRS, authorization=HEADERS, grant_type=st.sampled_from(["authorization_code", "refresh_token"]))
def test_any_token_request_is_refused(
    any_world: World, pairs: list[tuple[str, str]], authorization: str | None, grant_type: str
) -> None:
    only_refuses(lambda: any_world.provider.token(pairs, authorization, now=NOW))
    rest = [pair for pair in pairs if pair[0] not in ("grant_type", "client_id", "client_secret")]
    only_refuses(lambda: any_world.provider.token([("grant_type", grant_type), *rest], basic(), now=NOW))


@REAL_STORE
@given(pairs=PAIRS, authorization=HEADERS)
def test_any_userinfo_request_is_refused(
    any_world: World, pairs: list[tuple[str, str]], authorization: str | None
) -> None:
    only_refuses(lambda: any_world.provider.userinfo(authorization, pairs, now=NOW))


@REAL_STORE
@given(pairs=PAIRS, hint=st.one_of(VALUES, st.binary(max_size=200).map(lambda raw: raw.decode("latin-1"))))
def test_any_logout_request_is_read_as_an_anonymous_one(reader: World, pairs: list[tuple[str, str]], hint: str) -> None:
    for request in (pairs, [("id_token_hint", hint), *pairs]):
        assert not reader.provider.read_end_session(request).hint_is_valid


@REAL_STORE
@given(pairs=PAIRS, authorization=HEADERS, handle=st.text(max_size=20))
def test_any_pushed_request_is_kept_or_refused(
    any_world: World, pairs: list[tuple[str, str]], authorization: str | None, handle: str
) -> None:
    only_refuses(lambda: any_world.provider.pushing.answer(pairs, authorization, now=NOW))
    rest = [pair for pair in pairs if pair[0] not in ("client_id", "redirect_uri", "client_secret")]
    replaced = {name for name, _ in rest}
    good = [pair for pair in asking() if pair[0] not in replaced]
    only_refuses(lambda: any_world.provider.pushing.answer([*good, *rest], basic(), now=NOW))
    pushed = [("client_id", "portail"), ("request_uri", PUSHED_PREFIX + handle), *rest]
    only_refuses(lambda: any_world.provider.read_authorization_request(pushed, now=NOW))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@REAL_STORE
@given(members=st.dictionaries(st.sampled_from(["iss", "aud", "exp", "nbf", "client_id", "scope", "claims"]), JSON))
def test_any_signed_request_object_is_read_or_refused(reader: World, members: dict[str, Any]) -> None:
    reader.clients["portail"] = replace(PORTAL, jwks=json.dumps({"keys": [SIGNER.as_dict(private=False)]}))
    good = {**dict(asking()), "iss": "portail", "aud": ISSUER, "exp": int(NOW.timestamp()) + 60}
    for claims in (members, good | members):
        header = base64url(json.dumps({"alg": "ES256"}).encode())
        body = base64url(json.dumps(claims).encode())
        text = jws.serialize_compact({"alg": "ES256"}, json.dumps(claims), SIGNER, algorithms=["ES256"])
        for request in (text, f"{header}.{body}."):
            pairs = [("client_id", "portail"), ("request", request)]
            only_refuses(lambda pairs=pairs: reader.provider.read_authorization_request(pairs, now=NOW))


@REAL_STORE
@given(
    body=st.one_of(
        st.binary(max_size=60),
        JSON.map(lambda value: json.dumps(value).encode()),
        st.dictionaries(st.sampled_from([*REGISTRABLE, "client_id", "client_secret", "client_name#fr"]), JSON).map(
            lambda value: json.dumps({"redirect_uris": [CALLBACK]} | value).encode()
        ),
    ),
    authorization=HEADERS,
    client_id=st.text(max_size=10),
)
def test_any_registration_is_taken_or_refused(
    any_world: World, database: Database, body: bytes, authorization: str | None, client_id: str
) -> None:
    store, tokens, reader = (
        ClientStore(database),
        InitialTokenStore(database),
        ClientMetadataReader(("openid", "email")),
    )
    clients = RegisteredClients(lambda _: None, store, reader)
    endpoint = RegistrationEndpoint(ISSUER, store, tokens, clients, reader)
    token = random_token()
    tokens.add(InitialToken(token_hash(token), 2, NOW + timedelta(days=1)))
    for presented in (authorization, f"Bearer {token}"):
        only_refuses(lambda presented=presented: endpoint.create(body, presented, now=NOW))
    for name in (client_id, PREFIX + client_id):
        only_refuses(lambda name=name: endpoint.read(name, authorization))
        only_refuses(lambda name=name: endpoint.update(name, body, authorization))
        only_refuses(lambda name=name: endpoint.delete(name, authorization))
        only_refuses(lambda name=name: clients.get(name))
    made = endpoint.create(json.dumps({"redirect_uris": [CALLBACK]}).encode(), _fresh(tokens), now=NOW)
    only_refuses(lambda: endpoint.update(made["client_id"], body, f"Bearer {made['registration_access_token']}"))


def _fresh(tokens: InitialTokenStore) -> str:
    token = random_token()
    tokens.add(InitialToken(token_hash(token), 1, NOW + timedelta(days=1)))
    return f"Bearer {token}"


WISHES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "essential": st.booleans() | st.integers(),
        "value": st.text(max_size=5) | st.integers() | st.sampled_from(["subject-of-ines", ACR_BASIC, ACR_UNIVERSITY]),
        "values": st.lists(st.text(max_size=3) | st.sampled_from([ACR_BASIC, ACR_UNIVERSITY]), max_size=3),
        "other": st.none(),
    },
)
CLAIMS_REQUESTS = st.dictionaries(
    st.sampled_from(["id_token", "userinfo", "other"]),
    st.none() | st.dictionaries(st.sampled_from(["sub", "acr", "email", "voperson_id", "a.b", "$c"]), WISHES),
    max_size=3,
).map(lambda value: json.dumps(value))
WORDS = st.lists(st.sampled_from(["code", "id_token", "token", "none", ""]), max_size=4).map(
    lambda words: " ".join(words)
)
WHAT_A_CLIENT_ASKS = st.fixed_dictionaries(
    {},
    optional={
        "response_type": WORDS,
        "response_mode": st.sampled_from(["query", "fragment", "form_post", "jwt", "query ", ""]),
        "prompt": st.lists(st.sampled_from([*PROMPTS, "x"]), max_size=3).map(lambda words: " ".join(words)),
        "max_age": st.integers().map(str) | st.text(max_size=4),
        "acr_values": st.lists(st.sampled_from([ACR_BASIC, ACR_UNIVERSITY, "\0"]), max_size=3).map(" ".join),
        "claims": CLAIMS_REQUESTS | VALUES,
        "ui_locales": st.text(max_size=20),
        "login_hint": VALUES,
        "state": VALUES,
        "nonce": st.none() | VALUES,
        "scope": st.lists(st.sampled_from([*SCOPES, "x"]), max_size=6).map(lambda words: " ".join(["openid", *words])),
        "id_token_hint": VALUES,
    },
)


@pytest.fixture
def hybrid_world(keys: KeyStore, database: Database) -> World:
    world = build(keys, database, implicit=True)
    world.clients["portail"] = replace(
        PORTAL, response_types=response_types(implicit=True), grant_types=("authorization_code", "implicit")
    )
    return world


@REAL_STORE
@given(asked=WHAT_A_CLIENT_ASKS, at=st.datetimes(min_value=datetime(2049, 1, 1)))
def test_whatever_a_client_asks_is_answered_where_it_asked_or_refused(
    hybrid_world: World, asked: dict[str, str], at: datetime
) -> None:
    provider = hybrid_world.provider
    sign_in = replace(SIGN_IN, at=min(at, datetime(2050, 1, 1)).replace(tzinfo=UTC), acr=ACR_BASIC)
    try:
        request = provider.read_authorization_request(asking(**asked), now=NOW)
        assert isinstance(needs_sign_in(request, sign_in, now=NOW, asked_at=NOW), bool)
        assert can_be_met(request) or not begins_at_university(request)
        response = provider.authorize(request, ACCOUNT, SUBJECT, sign_in, now=NOW)
    except AuthorizationError as error:
        response = provider.error_response(error)
    except Refusal:  # a page, while nothing is known of the client
        return
    assert response.location.startswith(CALLBACK)
    assert not {"\r", "\n", "\0"} & set(response.location)
    assert answered(response)["iss"] == ISSUER
