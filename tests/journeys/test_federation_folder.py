"""An administrator edits the federation's folder while people sign in."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.walker import Walker

CAMILLE = "camille.exemple@etu.univ-exemple.fr"


@pytest.fixture
def aggregate(system: System) -> Iterator[Path]:
    """The demo's metadata file, once every worker has read it; put back afterwards."""
    assert seen(system, lambda problems: not problems)
    path = system.folder / "federation_metadata" / "demo.xml"
    good = path.read_bytes()
    yield path
    path.write_bytes(good)
    assert seen(system, lambda problems: not problems)


def problems(system: System) -> list[str]:
    found: list[str] = requests.get(f"{system.provider}/readyz", timeout=10).json()["problems"]
    return found


def seen(system: System, expected: object, seconds: float = 60) -> bool:
    """Whether every worker came to see the folder this way within a minute."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # Several probes in a row reach both workers.
        if all(expected(problems(system)) for _ in range(8)):  # type: ignore[operator]
            return True
        time.sleep(0.5)
    return False


@pytest.mark.parametrize("content", [b"", b"<html>maintenance</html>", b"<md:EntitiesDescriptor", b"\xff\xfe\x00"])
def test_a_broken_file_is_told_and_the_last_good_one_stays_in_use(
    system: System, aggregate: Path, content: bytes
) -> None:
    aggregate.write_bytes(content)
    assert seen(system, lambda problems: any("demo.xml" in line for line in problems))
    assert "demo.xml" in system.log()
    assert steps.prove(Walker(), system, CAMILLE).step == "check-mailbox"


def test_a_tampered_file_is_told_as_such(system: System, aggregate: Path) -> None:
    aggregate.write_bytes(aggregate.read_bytes().replace(b"univ-exemple.fr", b"univ-pirate.fr"))
    assert seen(system, lambda problems: any("signed" in line or "signature" in line for line in problems))
    page = steps.give_address(Walker(), system, "a@univ-pirate.fr").submit("Continuer")
    assert page.step == "choose-university"


def test_a_file_that_goes_away_takes_its_universities_with_it(system: System, aggregate: Path) -> None:
    aggregate.unlink()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pages = [steps.give_address(Walker(), system, CAMILLE) for _ in range(4)]
        if all("Université d" not in page.main_text for page in pages):
            break
        time.sleep(0.5)
    else:
        raise AssertionError("still offered")
