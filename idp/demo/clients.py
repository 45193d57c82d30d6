"""The demo's registrations at the provider: those of ``config/clients.toml``, moved along with the ports."""

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.demo.portal import PORTAIL, SECOND
from idp.demo.provider_process import PROJECT
from idp.demo.relying_party import Registration

REGISTERED = PROJECT / "config" / "clients.toml"
REGISTERED_PORTAL = "http://localhost:5001"
_NAMES = frozenset((PORTAIL.name, SECOND.name))
_TABLE = re.compile(r"^(?=\[\[client\]\]$)", re.MULTILINE)


class ClientsUnusable(Exception):
    """The given file cannot be read or lacks something; the text is one line, the rest of a sentence on the file."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The file that the provider reads, and the portal's two registrations in it, by name."""

    file: Path
    registrations: dict[str, Registration]


def demo_clients(folder: Path, portal_url: str, given: Path = REGISTERED) -> Clients:
    """The clients file for a portal at this address.

    The given file itself where it already registers the portal there, so that a client added to it is in use at once;
    else a copy of it in the folder, with the portal's registrations added or moved. Raises ClientsUnusable.
    """
    text = _read(given)
    there = _tables(text)
    own = [table for table in _TABLE.split(_read(REGISTERED)) if _NAMES & _tables(table).keys() - there.keys()]
    moved = "\n".join([text, *own]).replace(REGISTERED_PORTAL, portal_url)
    file = given if moved == text else _write(folder / "clients.toml", moved)
    return Clients(file, {name: _registration(table) for name, table in _tables(moved).items() if name in _NAMES})


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as problem:
        raise ClientsUnusable(str(problem.strerror)) from problem
    except ValueError as problem:
        raise ClientsUnusable("UTF-8 est attendu") from problem


def _tables(text: str) -> dict[str, dict[str, Any]]:
    """The file's clients by name; what else is wrong with one, the provider tells."""
    try:
        tables = tomllib.loads(text).get("client", [])
    except tomllib.TOMLDecodeError as problem:
        raise ClientsUnusable(f"TOML est attendu : {problem}") from problem
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ClientsUnusable("des tables [[client]] sont attendues")
    return {str(table.get("client_id")): table for table in tables}


def _registration(table: dict[str, Any]) -> Registration:
    if not isinstance(table.get("client_secret"), str):
        raise ClientsUnusable(f"le portail a besoin du client_secret en clair de « {table['client_id']} »")
    return Registration(table["client_id"], table["client_secret"])


def _write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as output:
        output.write("# Written by the demo at each start from the registered clients.\n\n" + text)
    temporary.replace(file)
    return file
