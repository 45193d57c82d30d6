"""The page on people's data says of cookies and collections what the code does."""

import re
from pathlib import Path

import pytest

from docs.site import reference
from idp.domain.data_protection import REGISTER
from idp.flows import helpdesk_entry
from idp.web import browser, helpdesk_console, passkey_section, university_choice

PRIVACY = (Path(__file__).resolve().parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
DAY = 24 * 3600
SECONDS = {
    "device": browser.DEVICE_LIFETIME,
    "account": browser.DEVICE_LIFETIME,
    "language": browser.LANGUAGE_LIFETIME,
    university_choice._REMEMBERED: university_choice._REMEMBERED_SECONDS,
    passkey_section.NOT_NOW: passkey_section.NOT_NOW_SECONDS,
    helpdesk_console.COOKIE: int(helpdesk_entry.LIFETIME.total_seconds()),
}


def told() -> dict[str, str]:
    """How long each cookie lasts, in words."""
    return dict(re.findall(r"^\| `idp_(\w+)` \|.*\| ([^|]+) \|$", PRIVACY, re.MULTILINE))


def test_every_cookie_stands_there() -> None:
    assert told().keys() == SECONDS.keys() | {"session"}
    written = {
        name
        for file in Path(browser.__file__).parent.glob("*.py")
        for name in re.findall(r"\bremember\(\s*(\"?\w+\"?),", file.read_text(encoding="utf-8"))
    }
    assert written - {"self"} == {'"device"', '"account"', '"language"', "name", "_REMEMBERED", "NOT_NOW", "COOKIE"}


@pytest.mark.parametrize("name", SECONDS)
def test_a_cookie_lasts_as_long_as_it_says(name: str) -> None:
    seconds = SECONDS[name]
    words = f"{seconds // DAY} days" if seconds >= DAY else f"{seconds // 60} minutes"
    assert told()[name].startswith(words)


def test_the_reference_names_every_collection() -> None:
    page = reference.pages()["data"]
    assert all(f"| `{name}` |" in page for name in REGISTER)
