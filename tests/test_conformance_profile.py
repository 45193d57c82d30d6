"""The profile for the OpenID Foundation's conformance suite stays usable."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp import app as application
from idp import settings
from idp.domain.keyed import random_token, token_hash
from idp.domain.registrations import InitialToken
from idp.openid.clients import read_clients
from idp.settings import Settings
from idp.storage.clients import InitialTokenStore
from idp.storage.database import Database

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mongodb_uri: str) -> Settings:
    monkeypatch.chdir(PROJECT)
    return settings.load(
        {
            "IDP_CONFIG": "config/conformance.toml",
            "IDP_SECRET_KEY": "a secret key of at least 32 characters",
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(tmp_path / "keys"),
        }
    )


def test_its_clients_are_read_two_for_each_plan(profile: Settings) -> None:
    clients = read_clients(profile.clients.file, implicit=profile.openid.implicit)
    for plan in ("code", "implicit", "hybrid", "back", "front"):
        first, second = clients[f"conformance-{plan}-1"], clients[f"conformance-{plan}-2"]
        assert first.response_types == second.response_types
        assert first.redirect_uris != second.redirect_uris
    assert clients["conformance-code-post"].token_endpoint_auth_method == "client_secret_post"


def test_it_announces_what_the_plans_need(profile: Settings, database: Database) -> None:
    document = application.build(profile, database=database).provider.discovery()
    assert document["issuer"].startswith("https://")
    assert {"code", "id_token", "code id_token token"} <= set(document["response_types_supported"])
    assert {"query", "fragment", "form_post"} == set(document["response_modes_supported"])
    for endpoint in ("registration", "end_session", "pushed_authorization_request"):
        assert f"{endpoint}_endpoint" in document


def test_every_flow_can_be_registered_for_as_the_suites_do(profile: Settings, database: Database) -> None:
    """The first request of nearly every flow of the dynamic plans; they know nothing of PKCE."""
    services, now, token = application.build(profile, database=database), datetime.now(UTC), random_token()
    announced = services.provider.discovery()["response_types_supported"]
    assert len(announced) == 6
    InitialTokenStore(database).add(InitialToken(token_hash(token), len(announced), now + timedelta(days=1)))
    for response_type in announced:
        grants = {"authorization_code"} if "code" in response_type.split() else set()
        grants |= {"implicit"} if response_type != "code" else set()
        asked = {
            "application_type": "web",
            "redirect_uris": ["https://suite.example/authz_cb"],
            "contacts": ["somebody@suite.example"],
            "client_name": "OIDC test tool",
            "post_logout_redirect_uris": ["https://suite.example/logout"],
            "jwks_uri": "https://suite.example/jwks.json",
            "request_uris": ["https://suite.example/export/of-this-provider#version"],
            "token_endpoint_auth_method": "client_secret_basic",
            "response_types": [response_type],
            "grant_types": sorted(grants),
        }
        answer = services.registration.create(json.dumps(asked).encode(), f"Bearer {token}", now=now)
        client = services.registration.clients.get(answer["client_id"])
        assert client is not None
        assert (client.response_types, client.require_pkce) == ((response_type,), False)
        assert answer["request_uris"] == asked["request_uris"]
