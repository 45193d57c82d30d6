"""Whatever arrives, nothing but a refusal comes out."""

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.domain.errors import Refusal
from idp.openid.keys import KeyStore
from idp.storage.database import Database
from idp.storage.grants import INDEXES, GrantStore
from tests.openid.world import CALLBACK, NOW, World, asking, basic, build

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

REAL_STORE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def any_world(keys: KeyStore, database: Database) -> World:
    database.create_indexes([INDEXES])
    return build(keys, GrantStore(database))


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
    only_refuses(lambda: reader.provider.read_authorization_request(pairs))
    # With client and redirect_uri right, the later checks see the rest.
    rest = [pair for pair in pairs if pair[0] not in ("client_id", "redirect_uri")]
    replaced = {name for name, _ in rest}
    good = [pair for pair in asking() if pair[0] not in replaced]
    only_refuses(lambda: reader.provider.read_authorization_request([*good, *rest]))


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
