"""The demo's registrations at the provider: a clients file with the two relying parties of the portal."""

import json
import os
import secrets
import tomllib
from pathlib import Path

from idp.demo.portal import PORTAIL, SECOND, Application
from idp.demo.relying_party import SCOPE, Registration

_ENGLISH = {PORTAIL.name: "Study portal", SECOND.name: "My library"}


def write_clients(file: Path, portal_url: str) -> dict[str, Registration]:
    """Writes the clients file for a portal at this address and returns the registrations by name.

    Secrets are random and kept from one run to the next.
    """
    known = _secrets(file)
    registrations = {
        application.name: Registration(application.name, known.get(application.name) or secrets.token_urlsafe(32))
        for application in (PORTAIL, SECOND)
    }
    tables = [_table(application, registrations[application.name], portal_url) for application in (PORTAIL, SECOND)]
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as output:
        output.write("# Written by the demo at each start.\n\n" + "\n\n".join(tables) + "\n")
    temporary.replace(file)
    return registrations


def _secrets(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    tables = tomllib.loads(file.read_text(encoding="utf-8")).get("client", [])
    return {table["client_id"]: table["client_secret"] for table in tables}


def _table(application: Application, registration: Registration, portal_url: str) -> str:
    home = f"{portal_url}{application.path}"
    keys: dict[str, str | list[str]] = {
        "client_id": registration.client_id,
        "client_secret": registration.client_secret,
        "client_name": application.title,
        "client_name#en": _ENGLISH[application.name],
        "redirect_uris": [f"{home}callback"],
        "post_logout_redirect_uris": [home],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "scope": SCOPE,
    }
    # JSON texts and lists of texts are TOML as they stand.
    lines = [f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
    return "\n".join(["[[client]]", *lines])
