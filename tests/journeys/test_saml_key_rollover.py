"""Keys are replaced while people sign in: the university's, by its metadata alone, and nobody is turned away."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp.demo.service_provider import fetch_from
from idp.saml.keys import add_key, every_key, mark_old, remove_key
from tests.journeys.conftest import System, wait_until_everywhere
from tests.journeys.federation_folder import replace, trusted_by_key, wait_until_found
from tests.journeys.forged_answers import Site, ask, assert_accepted
from tests.journeys.walker import Walker
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.identity_provider import Key, new_key

ENTITY_ID = "https://idp.univ-relais.example/idp"
SCOPE = "univ-relais.example"
OLD, NEW, FEDERATION = new_key("relais-1"), new_key("relais-2"), new_key("federation")
WITH_OLD, WITH_NEW = Site(ENTITY_ID, SCOPE, OLD), Site(ENTITY_ID, SCOPE, NEW)


def metadata(stage: str, keys: Iterable[Key]) -> bytes:
    """The federation's signed aggregate; the university's name says the stage, so that tests see it arrive."""
    entity = university.entity_descriptor(ENTITY_ID, tuple(keys), scopes=(SCOPE,), names={"fr": f"Relais {stage}"})
    # A newer copy is valid for longer; each has an id of its own.
    valid_until = datetime.now(UTC) + timedelta(days=9)
    return aggregates.signed(aggregates.aggregate([entity], valid_until=valid_until), FEDERATION)


@pytest.fixture(scope="module")
def published(system: System) -> Iterator[Path]:
    """The aggregate's file, with the old key alone."""
    with trusted_by_key(system, "relais.xml", FEDERATION.certificate, metadata("ancien", [OLD])) as path:
        wait_until_found(system, f"a@{SCOPE}", "Relais ancien")
        yield path


def publish(system: System, path: Path, stage: str, *keys: Key) -> None:
    replace(path, metadata(stage, keys))
    wait_until_found(system, f"a@{SCOPE}", f"Relais {stage}")


def test_the_university_replaces_its_key_and_no_sign_in_fails(system: System, published: Path) -> None:
    assert_accepted(ask(system, at=WITH_OLD))
    early = ask(system, at=WITH_NEW)
    assert early.post(early.right()).step == "error"

    publish(system, published, "double", OLD, NEW)
    assert_accepted(ask(system, at=WITH_OLD))
    assert_accepted(ask(system, at=WITH_NEW))

    # On the way to the university while its metadata changes.
    before = ask(system, at=WITH_NEW)
    publish(system, published, "nouveau", NEW)
    assert_accepted(before)
    assert_accepted(ask(system, at=WITH_NEW))
    late = ask(system, at=WITH_OLD, walker=Walker())
    assert late.post(late.right()).step == "error"


def wait_until_published(system: System, expected: int, without: bytes | None = None) -> list[bytes]:
    """The certificates in our metadata, once every worker publishes so many."""
    fetch = fetch_from(f"{system.provider}/saml/metadata")

    def is_told() -> bool:
        certificates = fetch().encryption_certificates
        return len(certificates) == expected and without not in certificates

    wait_until_everywhere(is_told)
    return list(fetch().encryption_certificates)


def assert_accepted_encrypted(system: System, certificates: Iterable[bytes]) -> None:
    for certificate in certificates:
        asked = ask(system)
        answer = asked.right()
        university.encrypt(answer, certificate)
        assert_accepted(asked, answer)


def test_we_replace_our_key_while_running_and_no_sign_in_fails(system: System) -> None:
    folder = next(path.parent for path in system.folder.rglob("saml-1") if path.is_dir())
    entity_id = f"{system.provider}/saml/metadata"
    [old] = wait_until_published(system, 1)
    before = ask(system)
    early = before.right()
    university.encrypt(early, old)

    added = add_key(folder, entity_id, now=datetime.now(UTC))
    both = wait_until_published(system, 2)
    assert both[0] == old
    assert_accepted_encrypted(system, both)

    mark_old(every_key(folder)[0], now=datetime.now(UTC))
    assert wait_until_published(system, 1, without=old) == both[1:]
    assert_accepted_encrypted(system, both)
    assert_accepted(before, early)

    remove_key(every_key(folder)[0])
    assert [key.name for key in every_key(folder)] == [added.name]
    assert_accepted_encrypted(system, both[1:])
