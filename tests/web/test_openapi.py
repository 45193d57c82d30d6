"""The OpenAPI description tells the truth: every endpoint for programs, with whatever arrives, answers as described."""

import base64
import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from openapi_spec_validator import validate
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from idp import app as application
from idp import settings as product_settings
from idp.app import Services
from idp.domain.keyed import random_token, token_hash
from idp.domain.registrations import InitialToken
from idp.storage.database import Database
from tests.waiting import PATIENCE_MS
from tests.web.visitor import HOST

# `make fuzz` looks longer, each time elsewhere; `make test` looks at the same examples every time.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
SEED = int(os.environ.get("FUZZ_SEED", "20261124"))
# Who calls, the test says itself; which grants and keys exist, a description cannot say.
NOT_CHECKED = [ignored_auth, positive_data_acceptance]
PORTAL = "Basic " + base64.b64encode(b"portail:portail-secret-de-developpement").decode()


@pytest.fixture(scope="module")
def services(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("openapi")
    configured = product_settings.load(
        {
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_MONGODB_DATABASE": "test_openapi",
            "IDP_VAR_DIR": str(folder / "var"),
            "IDP_KEYS_DIR": str(folder / "keys"),
            "IDP_REGISTRATION_ENABLED": "true",
        }
    )
    database = Database(mongodb_uri, f"test_openapi_{os.getpid()}", timeout_ms=PATIENCE_MS)
    database.create_indexes(application.INDEXES)
    yield application.build(configured, database=database)
    database.client.drop_database(database.name)
    database.close()


@pytest.fixture(scope="module")
def app(services: Services) -> Flask:
    return application.create_app(services)


@pytest.fixture(scope="module")
def authorizations(services: Services) -> tuple[str, ...]:
    """A client's, and one that may register clients."""
    token = random_token()
    until = services.clock() + timedelta(hours=1)
    services.stores.initial_tokens.add(InitialToken(token_hash(token), 1_000_000, until))
    return PORTAL, f"Bearer {token}"


@pytest.fixture(scope="module")
def described(app: Flask) -> Any:
    # A copy: schemathesis writes its own User-Agent into what it is given.
    return schemathesis.openapi.from_wsgi("/openapi.json", app, headers=dict(HOST))


def test_the_description_is_one_and_may_be_kept_for_a_while(app: Flask) -> None:
    response = app.test_client().get("/openapi.json", headers=HOST)
    assert response.headers["Cache-Control"].startswith("public, max-age=")
    validate(response.get_json())


def test_every_endpoint_for_programs_is_described(app: Flask) -> None:
    paths = app.test_client().get("/openapi.json", headers=HOST).get_json()["paths"]
    views = ("tokens.", "discovery.", "registration.", "health.healthz", "health.readyz")
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(views):
            methods = {method.lower() for method in rule.methods or ()} - {"head", "options"}
            assert methods <= paths[rule.rule.replace("<client_id>", "{client_id}")].keys(), rule.rule


def test_registration_is_described_where_it_is_open(
    database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path
) -> None:
    configured = product_settings.load(
        {
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(keys_folder),
        }
    )
    closed = application.create_app(application.build(configured, database=database)).test_client()
    assert "/register" not in closed.get("/openapi.json", headers=HOST).get_json()["paths"]


def test_every_answer_is_as_described(described: Any, authorizations: tuple[str, ...]) -> None:
    for found in described.get_all_operations():
        operation = found.ok()
        # No federation is loaded here, and readiness says so: its 503 is described.
        if operation.path == "/readyz":
            continue
        tried(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), authorizations)
        # What takes nothing cannot be called wrongly.
        with contextlib.suppress(Unsatisfiable):
            tried(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), authorizations)


def tried(cases: SearchStrategy[Case[Any]], authorizations: tuple[str, ...]) -> None:
    """Whatever a caller makes of the description, right or wrong, the answer is as described."""

    @seed(SEED)
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def answered_as_described(case: Case[Any]) -> None:
        case.call_and_validate(headers=dict(HOST), excluded_checks=NOT_CHECKED)
        for authorization in authorizations:
            case.call_and_validate(headers=HOST | {"Authorization": authorization}, excluded_checks=NOT_CHECKED)

    answered_as_described()
