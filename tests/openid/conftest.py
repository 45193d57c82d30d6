"""Keys are made once for the whole run: 2048 bits of RSA cost more than a test."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from idp.openid.keys import KeyStore
from idp.storage.database import Database
from tests.openid.client_keys import JWKS
from tests.openid.world import World, build
from tests.waiting import PATIENCE_MS
from tests.web_server import Silent, answering


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def database(indexed_database: Database) -> Database:
    """Here every test is one of the provider."""
    return indexed_database


@pytest.fixture
def world(keys: KeyStore, database: Database) -> World:
    """A provider over a real database."""
    return build(keys, database)


@pytest.fixture
def another_worker(keys: KeyStore, mongodb_uri: str, database: Database) -> Iterator[World]:
    """A second provider over the same database, with connections of its own."""
    connection = Database(mongodb_uri, database.name, timeout_ms=PATIENCE_MS)
    yield build(keys, connection)
    connection.close()


@pytest.fixture
def reader(keys: KeyStore) -> World:
    """The same, for what never touches the database: nothing listens at its address."""
    return build(keys, Database("mongodb://127.0.0.1:1/", "unused", timeout_ms=100))


@pytest.fixture
def published() -> Iterator[dict[str, Any]]:
    """A client's own web server: what stands at ``uri``, and how often it was asked for."""
    state: dict[str, Any] = {"body": JWKS, "asked": 0}

    class Document(Silent, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state["asked"] += 1
            self.send_response(200 if state["body"] else 500)
            self.end_headers()
            self.wfile.write(state["body"].encode())

    with answering(HTTPServer(("127.0.0.1", 0), Document)) as address:
        state["uri"] = f"{address}/jwks"
        yield state
