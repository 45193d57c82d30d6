"""The profile for the OpenID Foundation's conformance suite stays usable."""

from pathlib import Path

import pytest

from idp import app as application
from idp import settings
from idp.openid.clients import read_clients
from idp.settings import Settings
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
