"""Our provider under gunicorn, with accounts and people who are signed in, made through its own services."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks.database import Mongod
from benchmarks.openid.target import CLIENT_SECRET, DISCOVERY_PATH, FLOW_CLIENT, OFFLINE_CLIENT, REDIRECT_URI
from benchmarks.servers import Server
from idp import app, settings
from idp.demo.ports import free_port
from idp.domain.accounts import Account, Identity
from idp.domain.sessions import ACR_BASIC

PROJECT = Path(__file__).resolve().parents[2]
WORKERS = 2
_BATCH = 5_000

_CLIENTS = """
[[client]]
client_id = "{flow}"
client_secret = "{secret}"
redirect_uris = ["{redirect_uri}"]

[[client]]
client_id = "{offline}"
client_secret = "{secret}"
redirect_uris = ["{redirect_uri}"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid profile email offline_access"
"""


@dataclass(frozen=True)
class OurProvider:
    """A provider that is not started yet, and the Cookie headers of the people signed in to it."""

    server: Server
    cookies: tuple[str, ...]


def our_provider(folder: Path, mongod: Mongod, *, name: str, accounts: int, people: int) -> OurProvider:
    """Prepare a provider on a database of its own, with so many accounts, ``people`` of them signed in."""
    database, port = f"bench_{name}", free_port()
    mongod.drop(database)
    environment = _environment(folder, mongod.uri, database, port)
    services = app.build(settings.load(environment))
    services.database.create_indexes(app.INDEXES)
    _fill(services, accounts)
    cookies = tuple(_sign_in(services, number) for number in range(min(people, accounts)))
    services.database.close()
    server = Server(
        name=name,
        arguments=(sys.executable, "-m", "gunicorn", "wsgi:app"),
        environment=environment,
        folder=PROJECT,
        log_file=folder / f"{name}.log",
        port=port,
        ready_path=DISCOVERY_PATH,
    )
    return OurProvider(server, cookies)


def _environment(folder: Path, uri: str, database: str, port: int) -> dict[str, str]:
    """Every setting that is not the product's default."""
    federation, clients = folder / "federation_metadata", folder / "clients.toml"
    federation.mkdir(parents=True, exist_ok=True)
    clients.write_text(
        _CLIENTS.format(flow=FLOW_CLIENT, offline=OFFLINE_CLIENT, secret=CLIENT_SECRET, redirect_uri=REDIRECT_URI)
    )
    return {
        "IDP_ISSUER": f"http://127.0.0.1:{port}",
        "IDP_MONGODB_URI": uri,
        "IDP_MONGODB_DATABASE": database,
        "IDP_CLIENTS_FILE": str(clients),
        "IDP_FEDERATION_DIR": str(federation),
        "IDP_KEYS_DIR": str(folder / "keys"),
        "IDP_VAR_DIR": str(folder),
        "IDP_WEB_WORKERS": str(WORKERS),
    }


def _fill(services: app.Services, accounts: int) -> None:
    """The first account through the store, the others in bulk after its image."""
    services.stores.accounts.create(_account(0))
    collection = services.database.collection("accounts")
    (image,) = collection.find({"_id": _account(0).id})

    def documents() -> Iterator[dict[str, object]]:
        for number in range(1, accounts):
            account = _account(number)
            identity = {**image["identities"][0], "value": account.identities[0].value}
            identity["key"] = image["identities"][0]["key"].replace(_account(0).identities[0].value, identity["value"])
            yield image | {
                "_id": account.id,
                "subject": account.subject,
                "addresses": list(account.addresses),
                "identities": [identity],
            }

    waiting = documents()
    while batch := list(islice(waiting, _BATCH)):
        collection.insert_many(batch, ordered=False)


def _account(number: int) -> Account:
    """An invented student of an invented university."""
    now = datetime.now(UTC)
    return Account(
        id=f"account-{number:08}",
        subject=f"subject-{number:08}",
        created_at=now,
        identities=(Identity("https://idp.univ-exemple.test", "eppn", f"etu{number:08}@univ-exemple.test"),),
        addresses=(f"etu{number:08}@univ-exemple.test",),
        attributes={
            "displayName": ("Camille Exemple",),
            "givenName": ("Camille",),
            "sn": ("Exemple",),
            "eduPersonAffiliation": ("member", "student"),
        },
        proved_at=now,
    )


def _sign_in(services: app.Services, number: int) -> str:
    """The Cookie header of a browser in which this account has just signed in with its password."""
    _, session = services.browser_sessions.open()
    signed_in = services.browser_sessions.sign_in(
        session, account_id=_account(number).id, methods=("pwd",), acr=ACR_BASIC, device=None, now=services.clock()
    )
    return f"idp_session={signed_in.session_cookie}"
