"""Whatever arrives at an endpoint over HTTP, no answer is a 5xx."""

import base64
import json
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from idp import app as application
from idp import settings as product_settings
from idp.storage.database import Database
from tests.fuzz_corpus import COOKIES
from tests.web.proofing_world import World

BASE = "http://localhost:5000"
NAMES = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "claims",
    "id_token_hint",
    "request",
    "request_uri",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "grant_type",
    "code",
    "code_verifier",
    "refresh_token",
    "device_code",
    "user_code",
    "token",
    "token_type_hint",
    "access_token",
    "client_assertion",
    "client_assertion_type",
    "post_logout_redirect_uri",
    "dpop_jkt",
    "code[$ne]",
]
KNOWN = [
    b"portail",
    b"portail-secret-de-developpement",
    b"http://localhost:5001/callback",
    b"code",
    b"openid offline_access",
    b"authorization_code",
    b"refresh_token",
    b"urn:ietf:params:oauth:grant-type:device_code",
    b"urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    b"urn:ietf:params:oauth:request_uri:x",
    b"S256",
    b"none",
    b"x" * 50_000,
    b'{"userinfo":' * 2_000,
]
VALUES = st.one_of(st.sampled_from(KNOWN), st.binary(max_size=30), st.text(max_size=20).map(lambda text: text.encode()))
FORMS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8).map(
    lambda pairs: "&".join(f"{name}={quote_from_bytes(value)}" for name, value in pairs).encode()
)
BODIES = st.one_of(FORMS, st.binary(max_size=100), st.dictionaries(st.sampled_from(NAMES), st.text()).map(json.dumps))
FORM = "application/x-www-form-urlencoded"
TYPES = st.sampled_from([FORM, FORM, "application/json", "multipart/form-data", "multipart/form-data; boundary=x", ""])
LINE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
HEADERS = st.one_of(
    LINE,
    LINE.map(lambda text: f"Bearer {text}"),
    LINE.map(lambda text: f"DPoP {text}"),
    st.binary(max_size=30).map(lambda raw: "Basic " + base64.b64encode(raw).decode()),
    st.just("Basic " + base64.b64encode(b"portail:portail-secret-de-developpement").decode()),
)


@pytest.fixture
def app(mongodb_uri: str, database: Database, tmp_path: Path, keys_folder: Path) -> Flask:
    configured = product_settings.load(
        {
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_MONGODB_DATABASE": database.name,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(keys_folder),
            "IDP_REGISTRATION_ENABLED": "true",
            "IDP_OPENID_IMPLICIT": "true",
        }
    )
    return application.create_app(application.build(configured, database=database))


def protocol_endpoints(app: Flask) -> list[tuple[str, str]]:
    """Every endpoint that discovery names or a program calls, with each method that it takes."""
    views = ("tokens.", "discovery.", "registration.", "authorization.authorize", "end_session.", "device.")
    return [
        (method, rule.rule.replace("<client_id>", "reg_x"))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(views) and "<" not in rule.rule.replace("<client_id>", "")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


@pytest.mark.parametrize("cookie", COOKIES.values(), ids=COOKIES.keys())
def test_no_cookie_at_the_edges_is_answered_with_a_5xx(world: World, cookie: bytes) -> None:
    for name in ("idp_session", "idp_device", "idp_account", "idp_university", "idp_language"):
        builder = EnvironBuilder("/account", base_url=BASE, headers=[("Cookie", f"{name}={cookie.decode('latin-1')}")])
        answer = world.app.test_client(use_cookies=False).open(builder)
        assert answer.status_code in (200, 303), (name, answer.get_data(as_text=True))


@settings(max_examples=400)
@given(data=st.data(), body=BODIES, query=FORMS, content_type=TYPES, authorization=HEADERS, proof=LINE)
def test_no_answer_is_a_5xx(
    app: Flask,
    data: st.DataObject,
    body: bytes | str,
    query: bytes,
    content_type: str,
    authorization: str,
    proof: str,
) -> None:
    method, path = data.draw(st.sampled_from(protocol_endpoints(app)))
    builder = EnvironBuilder(
        path,
        base_url=BASE,
        method=method,
        data=body,
        query_string=query.decode() if len(query) < 8_000 else "",
        headers=[("Authorization", authorization), ("DPoP", proof)],
        content_type=content_type,
    )
    response = app.test_client().open(builder)
    assert response.status_code < 500, (method, path, response.get_data(as_text=True))
