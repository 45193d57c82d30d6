"""O-12: answers that are made to exhaust the provider; refused, and the workers stay as small as they were."""

import base64
import re
import zlib
from functools import cache
from pathlib import Path

import pytest

from tests.journeys.conftest import System
from tests.journeys.forged_answers import ask, assert_accepted, assert_refused
from tests.journeys.walker import Walker

NAMES = ("doctype", "xxe", "laughs", "nested", "not xml", "empty", "comment", "deflate", "nested, larger")


@cache
def bombs() -> dict[str, str]:
    """Form values that a careless reader would expand, by name; not made by processes that only collect tests."""
    laughs = "<!DOCTYPE a [<!ENTITY a 'ha'>" + "".join(
        f"<!ENTITY {chr(98 + n)} '{'&' + chr(97 + n) + ';' * 10}'>" for n in range(9)
    )
    texts = {
        "doctype": "<!DOCTYPE a><a/>",
        "xxe": "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><a>&x;</a>",
        "laughs": laughs + "]><a>&j;</a>",
        "nested": "<a>" * 25_000 + "</a>" * 25_000,
        "not xml": "bonjour",
        "empty": "",
        "comment": "<!-- x --><a/>",
    }
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    return encoded | {"deflate": _deflated(200), "nested, larger": "PGE+" * 50_000}


def _deflated(megabytes: int) -> str:
    """As HTTP-Redirect carries messages; the POST binding inflates nothing."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [compressor.compress(b" " * 1_000_000) for _ in range(megabytes)]
    return base64.b64encode(b"".join(parts) + compressor.flush()).decode()


def test_every_bomb_is_thrown() -> None:
    assert tuple(bombs()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_o_12_bombs_are_refused(system: System, name: str) -> None:
    assert_refused(ask(system), bombs()[name], "saml.")


def test_o_12_ten_megabytes_are_refused(system: System) -> None:
    assert assert_refused(ask(system), "A" * 10_000_000, "request.too_large").status == 413


def test_o_12_memory_stays_whatever_is_sent(system: System) -> None:
    acs_url = f"{system.provider}/saml/acs"
    for _ in range(4):  # both workers have read an answer
        assert_accepted(ask(system))
    before = _workers_memory(system)
    for value in [*bombs().values(), *["A" * 10_000_000] * 4]:
        page = Walker().post(acs_url, {"SAMLResponse": value})
        assert page.status == 413 if len(value) > 1_000_000 else 400 <= page.status < 500
    assert _workers_memory(system) - before < 50_000


def _workers_memory(system: System) -> int:
    """Resident kilobytes of the provider's processes."""
    marker = f"IDP_ISSUER={system.provider}\0"
    folders = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    total = sum(_resident(folder) for folder in folders if marker in _read(folder / "environ"))
    assert total
    return total


def _resident(folder: Path) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", _read(folder / "status"))
    return int(found[1]) if found and "gunicorn" in _read(folder / "cmdline") else 0


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
