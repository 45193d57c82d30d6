"""Clients that a test adds to the file of the running provider."""

from urllib.parse import urlencode

import requests

from tests.journeys.conftest import System, wait_until_everywhere
from tests.journeys.federation_folder import replace

SECRET = "un-secret-de-developpement"


def register(system: System, client_id: str, redirect_uri: str, *, secret: str | None = SECRET, **more: str) -> None:
    """One more client, known to every worker when this returns. more: other keys of the table, as TOML values."""
    keys = {"client_id": f'"{client_id}"', "redirect_uris": f'["{redirect_uri}"]'}
    secrets = {"client_secret": f'"{secret}"'} if secret else {}
    lines = [f"{key} = {value}" for key, value in (keys | secrets | more).items()]
    clients = system.folder / "clients.toml"
    replace(clients, "\n".join([clients.read_text(), "[[client]]", *lines, ""]).encode())
    query = {"client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code", "scope": "openid"}
    address = f"{system.provider}/authorize?{urlencode(query)}"
    # Unknown clients get a page, known ones an answer at their own address.
    wait_until_everywhere(lambda: _is_redirect(address))


def _is_redirect(address: str) -> bool:
    return requests.get(address, timeout=60, allow_redirects=False).status_code == 303
