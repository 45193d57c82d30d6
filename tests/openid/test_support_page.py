"""The page that says what is supported names a state for everything, and tests that exist."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/openid-support.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| specification")]
STATE = re.compile(r"\*(complete|not supported|partial \(.+\))\*")


def test_every_row_has_one_of_the_three_states() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        assert STATE.fullmatch(row.split(" | ")[1]), row


def test_what_is_supported_is_tested() -> None:
    for row in ROWS:
        tests = re.findall(r"`(tests/[^`]+)`", row)
        assert bool(tests) != ("*not supported*" in row), row
    for path in re.findall(r"`(tests/[^`]+)`", PAGE):
        assert (PROJECT / path).is_file(), path
