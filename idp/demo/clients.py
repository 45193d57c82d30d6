"""The demo's registrations at the provider: those of ``config/clients.toml``, moved along with the ports."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from idp.demo.portal import PORTAIL, SECOND
from idp.demo.provider_process import PROJECT
from idp.demo.relying_party import Registration

REGISTERED = PROJECT / "config" / "clients.toml"
REGISTERED_PORTAL = "http://localhost:5001"


@dataclass(frozen=True, slots=True)
class Clients:
    """The file that the provider reads, and the portal's two registrations in it, by name."""

    file: Path
    registrations: dict[str, Registration]


def demo_clients(folder: Path, portal_url: str, given: Path = REGISTERED) -> Clients:
    """The clients file for a portal at this address.

    The given file itself where it already registers the portal there, so that a client added to it is in use at once;
    else a copy of it in the folder, with the portal's registrations added or moved.
    """
    text = given.read_text(encoding="utf-8")
    if not _registrations(text):
        text += "\n" + REGISTERED.read_text(encoding="utf-8")
    moved = text.replace(REGISTERED_PORTAL, portal_url)
    file = given if moved == given.read_text(encoding="utf-8") else _write(folder / "clients.toml", moved)
    return Clients(file, _registrations(moved))


def _registrations(text: str) -> dict[str, Registration]:
    names = {PORTAIL.name, SECOND.name}
    tables = [table for table in tomllib.loads(text).get("client", []) if table.get("client_id") in names]
    if len(tables) < len(names):
        return {}
    return {table["client_id"]: Registration(table["client_id"], table["client_secret"]) for table in tables}


def _write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as output:
        output.write("# Written by the demo at each start from the registered clients.\n\n" + text)
    temporary.replace(file)
    return file
