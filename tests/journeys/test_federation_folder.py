"""An administrator edits the federation's folder while people sign in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.journeys import steps
from tests.journeys.conftest import System, wait_until_everywhere
from tests.journeys.walker import Walker

CAMILLE = "camille.exemple@etu.univ-exemple.fr"


@pytest.fixture
def aggregate(system: System) -> Iterator[Path]:
    """The demo's metadata file, once every worker has read it; put back afterwards."""
    wait_until_told(system, lambda problems: not problems)
    path = system.folder / "federation_metadata" / "demo.xml"
    good = path.read_bytes()
    yield path
    path.write_bytes(good)
    wait_until_told(system, lambda problems: not problems)


def problems(system: System) -> list[str]:
    found: list[str] = requests.get(f"{system.provider}/readyz", timeout=60).json()["problems"]
    return found


def wait_until_told(system: System, expected: Callable[[list[str]], bool]) -> None:
    """Until every worker sees the folder this way."""
    wait_until_everywhere(lambda: expected(problems(system)))


@pytest.mark.parametrize("content", [b"", b"<html>maintenance</html>", b"<md:EntitiesDescriptor", b"\xff\xfe\x00"])
def test_a_broken_file_is_told_and_the_last_good_one_stays_in_use(
    system: System, aggregate: Path, content: bytes
) -> None:
    aggregate.write_bytes(content)
    wait_until_told(system, lambda problems: any("demo.xml" in line for line in problems))
    assert "demo.xml" in system.log()
    assert steps.prove(Walker(), system, CAMILLE).step == "check-mailbox"


def test_a_tampered_file_is_told_as_such(system: System, aggregate: Path) -> None:
    aggregate.write_bytes(aggregate.read_bytes().replace(b"univ-exemple.fr", b"univ-pirate.fr"))
    wait_until_told(system, lambda problems: any("signed" in line or "signature" in line for line in problems))
    page = steps.give_address(Walker(), system, "a@univ-pirate.fr").submit("Continuer")
    assert page.step == "choose-university"


def test_a_file_that_goes_away_takes_its_universities_with_it(system: System, aggregate: Path) -> None:
    aggregate.unlink()
    wait_until_everywhere(lambda: "Université d" not in steps.give_address(Walker(), system, CAMILLE).main_text)
