"""What every test may use: one real mongod for the whole run, a fresh database for each test."""

import gc
import os
import secrets
from collections.abc import Callable, Iterator
from copy import copy
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, expect, sync_playwright
from pymongo import MongoClient
from pymongo.database import Database as MongoDatabase

from idp.loading import loading
from idp.storage import embedded
from idp.storage.database import Database
from idp.web.page_templates import PageEnvironment
from tests.install_browser import find_browser
from tests.waiting import PATIENCE_MS

with loading():
    from idp import app as application

# A busy machine is no fault of the product, nor is one that stands still for some seconds. What is invented is the same
# every time, so that a run fails for what was changed: `make fuzz` is for inventing more.
settings.register_profile(
    "patient",
    deadline=None,
    derandomize="FUZZ_SEED" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("patient")
expect.set_options(timeout=30_000)


# Where tests start whole systems, and take longest; whatever is seen in a browser takes long, too.
_LONG = frozenset({"app", "benchmarks", "chaos", "cli", "deploy", "docs", "journeys"})
_TESTS = Path(__file__).parent


# Nothing of what is collected is garbage; a twentieth of the run went into looking for some in it.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, or one process would still be at it when the others are done."""
    items.sort(key=lambda item: not _is_long(item))


def _is_long(item: pytest.Item) -> bool:
    return item.path.relative_to(_TESTS).parts[0] in _LONG or "chromium" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A MongoDB to test on: TEST_MONGODB_URI where given, else an embedded mongod that ends with the run."""
    if given := os.environ.get("TEST_MONGODB_URI"):
        return given
    # One mongod serves all workers of pytest-xdist: their base folders share a parent.
    shared: Path = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    uri = embedded.ensure(shared / "mongodb")
    with MongoClient[dict[str, Any]](uri) as client:
        # Tests have a time of their own, which is past for a server that clears away what has expired.
        client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
    return uri


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> Iterator[None]:
    """What was found to be a sound key is not held against that again: it takes longer than to build a provider."""
    remembered = lru_cache(serialization.load_pem_private_key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("idp.openid.key_files.load_pem_private_key", remembered)
        # As pysaml2 asks for it.
        patch.setattr(serialization, "load_pem_private_key", remembered)
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """What a page template is compiled to depends on its text and its language, not on the application that asks."""
    compiled: dict[tuple[object, ...], CodeType] = {}
    compile_really: Callable[..., CodeType] = PageEnvironment.compile

    def remembered(self: PageEnvironment, source: str, *names: str | None) -> CodeType:
        # gettext keeps every catalogue that it has read, and what it gives are copies around the same one.
        texts = vars(self._texts) if self._texts else {}
        asked = (self._texts is None, id(texts.get("_catalog")), source, *names)
        if asked not in compiled:
            compiled[asked] = compile_really(self, source, *names)
        return compiled[asked]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PageEnvironment, "compile", remembered)
        yield


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys that the first provider makes; making them takes longer than most tests."""
    return tmp_path_factory.mktemp("keys") / "keys"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _indexed(mongodb_uri: str) -> Iterator[Database]:
    made = Database(mongodb_uri, f"test_{secrets.token_hex(6)}", timeout_ms=PATIENCE_MS)
    made.create_indexes(application.INDEXES)
    yield made
    made.client.drop_database(made.name)
    made.close()


@pytest.fixture
def indexed_database(_indexed: Database) -> Database:
    """An empty database with every index of the provider: making them takes a second, emptying it a moment."""
    everything = _indexed.client[_indexed.name]
    everything.command("profile", 0)
    everything.drop_collection("system.profile")
    for name in _filled(everything):
        everything[name].delete_many({})
    return _indexed


def _filled(database: MongoDatabase[dict[str, Any]]) -> list[str]:
    """The collections that are not empty, by one question: most are."""
    first, *others = database.list_collection_names()

    def told(name: str) -> list[dict[str, Any]]:
        return [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}]

    asked = [*told(first), *({"$unionWith": {"coll": name, "pipeline": told(name)}} for name in others)]
    return [found["name"] for found in database[first].aggregate(asked)]


@pytest.fixture
def database(_indexed: Database) -> Iterator[Database]:
    """A fresh, empty database, dropped afterwards, over the same connections: closing some takes half a second."""
    fresh = copy(_indexed)
    fresh.name, fresh._is_indexed = f"test_{secrets.token_hex(6)}", False
    yield fresh
    fresh.client.drop_database(fresh.name)
