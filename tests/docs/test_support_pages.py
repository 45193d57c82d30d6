"""The pages that say what is supported name a state for everything, and tests that exist."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
# By page: fewer rows than it has.
PAGES = {"openid-support": 30, "saml-support": 14}
STATE = re.compile(r"\*(complete|not supported|partial \(.+\))\*")


def _page(name: str) -> str:
    return (PROJECT / f"docs/{name}.md").read_text("utf-8")


def _rows(name: str) -> list[str]:
    """Of the tables of specifications; others have no column for tests."""
    rows, inside = list[str](), False
    for line in _page(name).splitlines():
        inside = line.startswith("| specification") or (inside and line.startswith("|"))
        if inside and line.startswith("| ") and not line.startswith("| specification"):
            rows.append(line)
    return rows


@pytest.mark.parametrize(("name", "fewer"), PAGES.items())
def test_every_row_has_one_of_the_three_states(name: str, fewer: int) -> None:
    assert len(_rows(name)) > fewer
    for row in _rows(name):
        assert STATE.fullmatch(row.split(" | ")[1]), row


@pytest.mark.parametrize("name", PAGES)
def test_what_is_supported_is_tested(name: str) -> None:
    for row in _rows(name):
        tests = re.findall(r"`(tests/[^`]+)`", row)
        assert bool(tests) != ("*not supported*" in row), row
    for path in re.findall(r"`(tests/[^`]+)`", _page(name)):
        assert (PROJECT / path).is_file(), path
