"""What tests of the proofing journey share."""

from pathlib import Path

import pytest

from idp.storage.database import Database
from tests.saml import identity_provider as university
from tests.web import proofing_world
from tests.web.proofing_world import AUTRE, EXEMPLE, World


@pytest.fixture(scope="session")
def university_keys() -> dict[str, university.Key]:
    return {EXEMPLE: university.new_key("idp.univ-exemple.fr"), AUTRE: university.new_key("idp.autre.fr")}


@pytest.fixture(scope="session")
def university_folder(tmp_path_factory: pytest.TempPathFactory, university_keys: dict[str, university.Key]) -> Path:
    """Federation, clients and keys, made once: they say nothing about people."""
    folder = tmp_path_factory.mktemp("universities")
    proofing_world.prepare(folder, university_keys)
    return folder


@pytest.fixture
def database(indexed_database: Database) -> Database:
    """Here every test is one of the whole provider."""
    return indexed_database


@pytest.fixture(scope="session")
def _built(
    _indexed: Database, mongodb_uri: str, university_folder: Path, university_keys: dict[str, university.Key]
) -> World:
    return proofing_world.build(_indexed, mongodb_uri, university_folder, university_keys)


@pytest.fixture
def world(_built: World, database: Database) -> World:
    """The application with two universities, and nobody in it; built once, the database emptied each time."""
    return _built.from_the_beginning()
