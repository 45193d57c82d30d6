"""Who takes part: a provider with people, a university that vouches for more of them, and a mail server."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from itertools import count
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from benchmarks.database import Mongod
from benchmarks.servers import Server
from idp import app, settings
from idp.demo import people
from idp.demo.aggregate import write_aggregate
from idp.demo.identity_provider import IdentityProvider, encoded
from idp.demo.ports import free_port
from idp.demo.service_provider import ServiceProvider, read_metadata
from idp.domain.accounts import Account, Identity

PROJECT = Path(__file__).resolve().parents[2]
WORKERS = 2
HOST = "127.0.0.1"
CLIENT_ID, CLIENT_SECRET = "bench", "a-secret-of-the-benchmark"
REDIRECT_URI = "https://bench.example/cb"
PASSWORD = "trois pommes vertes sur la table"
_UNIVERSITIES = "https://idp.exemple.test"
_MAIL_SECONDS = 60
_CLIENT = f"""
[[client]]
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
redirect_uris = ["{REDIRECT_URI}"]
"""


@dataclass(frozen=True)
class Person:
    """Somebody invented: the number makes name and address."""

    number: int
    scope: str

    @property
    def mail(self) -> str:
        return f"etu{self.number:08}@{self.scope}"


class Mails:
    """A mail server that keeps the code of the newest mail to each address."""

    def __init__(self, port: int) -> None:
        self.port = port
        # What has to be done for a mail to come, where no sender runs beside.
        self.before_waiting: Callable[[], object] = lambda: None
        self._codes: dict[str, str] = {}
        self._arrived = threading.Condition()
        self._controller = Controller(self, hostname=HOST, port=port, ready_timeout=30)

    @contextmanager
    def listening(self) -> Iterator[None]:
        self._controller.start()
        try:
            yield
        finally:
            self._controller.stop()

    def expect(self, address: str) -> Callable[[], str]:
        """A function that waits for the next mail to this address and tells its code."""
        with self._arrived:
            self._codes.pop(address, None)

        def code() -> str:
            self.before_waiting()
            with self._arrived:
                if not self._arrived.wait_for(lambda: address in self._codes, _MAIL_SECONDS):
                    raise TimeoutError(f"no mail to {address}")
                return self._codes[address]

        return code

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's
        subject = str(message_from_bytes(envelope.content, policy=policy.default)["Subject"])
        found = re.match(r"(\d{6})\b", subject)
        with self._arrived:
            self._codes[envelope.rcpt_tos[0]] = found[1] if found else ""
            self._arrived.notify_all()
        return "250 OK"


@dataclass
class World:
    """issuer: the provider's. environment: its settings. numbers: of people who have not come yet."""

    issuer: str
    environment: dict[str, str]
    mails: Mails
    universities: tuple[IdentityProvider, ...]
    numbers: Iterator[int]
    provider: ServiceProvider | None = None

    def services(self) -> app.Services:
        """The provider's own parts, in this process."""
        return app.build(settings.load(self.environment))

    def person(self, *, encrypts: bool = False) -> Person:
        """Somebody new, at a university that encrypts or does not."""
        university = next(one for one in self.universities if one.university.encrypts == encrypts)
        return Person(next(self.numbers), university.university.scope)

    def vouched(self, person: Person, request_id: str, acs_url: str) -> str:
        """The university's signed answer about this person, as the form field carries it."""
        assert self.provider is not None
        university = next(one for one in self.universities if one.university.scope == person.scope)
        known = people.Person(
            f"etu{person.number:08}", "Camille", f"Exemple {person.number}", person.mail, person.mail,
            student_number=f"{person.number:08}",
        )  # fmt: skip
        return encoded(university.response(request_id, acs_url, known, self.provider))

    def know_provider(self, services: app.Services) -> None:
        """Let the universities read the provider's metadata."""
        answer = app.create_app(services).test_client().get("/saml/metadata", base_url=self.issuer)
        self.provider = read_metadata(answer.text)

    def create_account(self, services: app.Services, person: Person, password_hash: str) -> None:
        """Somebody who came before."""
        now = datetime.now(UTC)
        services.stores.accounts.create(
            Account(
                id=f"account-{person.number:08}",
                subject=f"subject-{person.number:08}",
                created_at=now,
                identities=(Identity(f"https://idp.{person.scope}", "eppn", person.mail),),
                addresses=(person.mail,),
                password_hash=password_hash,
                attributes={"displayName": ("Camille Exemple",), "givenName": ("Camille",), "sn": ("Exemple",)},
                proved_at=now,
            )
        )

    def server(self, folder: Path) -> Server:
        """The provider under gunicorn, not started yet."""
        return Server(
            name="sign-in",
            arguments=(sys.executable, "-m", "gunicorn", "wsgi:app"),
            environment=self.environment,
            folder=PROJECT,
            log_file=folder / "sign-in.log",
            port=int(self.issuer.rpartition(":")[2]),
            ready_path="/readyz",
        )


def world(folder: Path, mongod: Mongod, *, cost: int | None = None) -> World:
    """Prepare everything but the running server. cost: of bcrypt, the product's own where None."""
    folder.mkdir(parents=True, exist_ok=True)
    port, mails = free_port(), Mails(free_port())
    issuer, federation, clients = f"http://{HOST}:{port}", folder / "federation", folder / "clients.toml"
    plain = replace(people.EXEMPLE, scope="univ-exemple.test")
    universities = (plain, replace(plain, slug="univ-chiffree", scope="univ-chiffree.test", encrypts=True))
    federation.mkdir(exist_ok=True)
    write_aggregate(federation, _UNIVERSITIES, folder / "university-keys", universities)
    clients.write_text(_CLIENT)
    mongod.drop("bench_sign_in")
    environment = {
        "IDP_ISSUER": issuer,
        "IDP_MONGODB_URI": mongod.uri,
        "IDP_MONGODB_DATABASE": "bench_sign_in",
        "IDP_CLIENTS_FILE": str(clients),
        "IDP_FEDERATION_DIR": str(federation),
        "IDP_KEYS_DIR": str(folder / "keys"),
        "IDP_VAR_DIR": str(folder),
        "IDP_WEB_WORKERS": str(WORKERS),
        "IDP_SMTP_HOST": HOST,
        "IDP_SMTP_PORT": str(mails.port),
    }
    if cost is not None:
        environment["IDP_PASSWORDS_BCRYPT_COST"] = str(cost)
    keys = folder / "university-keys"
    providers = tuple(IdentityProvider(one, _UNIVERSITIES, keys) for one in universities)
    return World(issuer, environment, mails, providers, count(1))
