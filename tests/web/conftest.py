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
def world(
    database: Database, mongodb_uri: str, university_folder: Path, university_keys: dict[str, university.Key]
) -> World:
    """The application with two universities, and nobody in it."""
    return proofing_world.build(database, mongodb_uri, university_folder, university_keys)
