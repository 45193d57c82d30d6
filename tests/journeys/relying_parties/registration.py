"""Clients that a test adds to the file of the running provider."""

import time
from urllib.parse import urlencode

import requests

from tests.journeys.conftest import System

SECRET = "un-secret-de-developpement"


def register(system: System, client_id: str, redirect_uri: str, *, secret: str | None = SECRET, **more: str) -> None:
    """One more client, known to every worker when this returns. more: other keys of the table, as TOML values."""
    keys = {"client_id": f'"{client_id}"', "redirect_uris": f'["{redirect_uri}"]'}
    secrets = {"client_secret": f'"{secret}"'} if secret else {}
    lines = [f"{key} = {value}" for key, value in (keys | secrets | more).items()]
    clients = system.folder / "clients.toml"
    clients.write_text("\n".join([clients.read_text(), "[[client]]", *lines, ""]))
    query = {"client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code", "scope": "openid"}
    address = f"{system.provider}/authorize?{urlencode(query)}"
    deadline = time.monotonic() + 15
    # Unknown clients get a page, known ones an answer at their own address; several in a row come from every worker.
    while not all(_is_redirect(address) for _ in range(8)):
        assert time.monotonic() < deadline, f"{client_id} was not taken over"
        time.sleep(0.2)


def _is_redirect(address: str) -> bool:
    return requests.get(address, timeout=10, allow_redirects=False).status_code == 303
