"""Starts every party on one machine, says where each answers, and stops everything together."""

import fcntl
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from idp.demo.aggregate import AggregateRefresher, copy_federation, write_aggregate
from idp.demo.clients import REGISTERED, ClientsUnusable, demo_clients
from idp.demo.mailbox import Mailbox, create_mailbox
from idp.demo.people import EXEMPLE
from idp.demo.portal import start_portal
from idp.demo.ports import HOST
from idp.demo.provider_process import PROJECT, ProviderFailed, ProviderProcess
from idp.demo.registration import metadata_settings
from idp.demo.universities import start_universities
from idp.demo.web_server import WebServer

DEFAULT_BASE = 5000
FEDERATION = PROJECT / "federation_metadata"
DATABASE_STOP_SECONDS = 30


class DemoFailed(Exception):
    """The demo cannot start or go on; the text is one line for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parties listen, all moved together by ``IDP_DEMO_PORT_BASE``."""

    base: int = DEFAULT_BASE

    @classmethod
    def from_text(cls, text: str) -> "Ports":
        """The ports for this value of the variable; empty: the default."""
        if not text:
            return cls()
        if not text.isdecimal() or not 1024 <= int(text) <= 65000:
            raise DemoFailed(f"IDP_DEMO_PORT_BASE = {text!r} : un nombre entre 1024 et 65000 est attendu")
        return cls(int(text))

    @property
    def by_party(self) -> dict[str, int]:
        """Every port, by the French name of the party."""
        offsets = {"fournisseur": 0, "portail": 1, "universités": 2, "boîte aux lettres": 3, "SMTP": 25}
        return {party: self.base + offset for party, offset in offsets.items()}

    def url(self, party: str) -> str:
        """The party's address."""
        return f"http://localhost:{self.by_party[party]}"

    def check_free(self) -> None:
        """Raises for the first port that another program holds."""
        for party, port in self.by_party.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError as error:
                    raise DemoFailed(
                        f"Le port {port} ({party}) est déjà pris : arrêtez le programme qui l'occupe, "
                        f"ou changez de ports avec IDP_DEMO_PORT_BASE=6000 make demo"
                    ) from error


class Demo:
    """Everything that ``make demo`` runs.

    folder: where the demo keeps keys, database and logs. federation: the folder into which the universities publish
    their metadata; where there is an original, a copy of that, made at the start. clients: the registered relying
    parties. say: prints one line.
    """

    def __init__(
        self,
        ports: Ports,
        folder: Path,
        say: Callable[[str], None],
        *,
        federation: Path | None = None,
        original: Path | None = None,
        clients: Path = REGISTERED,
    ) -> None:
        self._ports = ports
        self._folder = folder
        self._federation = federation or folder / "federation_metadata"
        self._original = original
        self._clients = demo_clients(folder, ports.url("portail"), clients)
        self._say = say
        self._running = ExitStack()
        self._provider = ProviderProcess(ports.url("fournisseur"), self.environment(), self._log("provider"))

    def run(self, stopping: threading.Event) -> None:
        """Starts everything and returns once ``stopping`` is set and everything has stopped. Raises DemoFailed."""
        self._ports.check_free()
        with self._running:
            try:
                if self._start(stopping):
                    self._say(_try_this(self._ports, self._clients.file, self._federation))
                while not stopping.wait(0.5):
                    self._provider.check()
                self._say("\nArrêt…")
            except (ProviderFailed, OSError) as failure:
                raise DemoFailed(str(failure)) from failure

    def _start(self, stopping: threading.Event) -> bool:
        ports, keys = self._ports, self._folder / "keys"
        _log_to(self._log("parties"))
        if self._original is not None:
            copy_federation(self._original, self._federation)
        federation = (self._federation, ports.url("universités"), keys)
        write_aggregate(*federation)
        # Stopped in the reverse order: the provider first, so that its last mails still find the mailbox.
        refresher = AggregateRefresher(*federation)
        refresher.start()
        self._running.callback(refresher.stop)
        mailbox = Mailbox(ports.by_party["SMTP"]).start()
        self._running.callback(mailbox.stop)
        self._serve(
            "boîte aux lettres", WebServer(create_mailbox(mailbox), ports.by_party["boîte aux lettres"]).start()
        )
        provider_url = ports.url("fournisseur")
        self._serve("universités", start_universities(ports.by_party["universités"], provider_url, keys))
        self._serve("portail", start_portal(ports.by_party["portail"], provider_url, self._clients.registrations))
        self._running.callback(_wait_for_lock, self._folder / "provider" / "mongodb" / "supervisor.lock")
        self._running.callback(self._provider.stop)
        self._provider.start()
        if not self._provider.wait_until_ready(stopping.wait):
            return False
        self._announce("fournisseur")
        return True

    def _serve(self, party: str, server: WebServer) -> None:
        self._running.callback(server.stop)
        self._announce(party)

    def _announce(self, party: str) -> None:
        self._say(f"  {party:<20}{self._ports.url(party)}")

    def environment(self) -> dict[str, str]:
        """The provider's settings; a given IDP_MONGODB_URI is left as it is."""
        provider = self._folder / "provider"
        return {
            "IDP_ISSUER": self._ports.url("fournisseur"),
            "IDP_VAR_DIR": str(provider),
            "IDP_KEYS_DIR": str(provider / "keys"),
            "IDP_FEDERATION_DIR": str(self._federation),
            "IDP_CLIENTS_FILE": str(self._clients.file),
            "IDP_SMTP_HOST": "localhost",
            "IDP_SMTP_PORT": str(self._ports.by_party["SMTP"]),
            "IDP_SMTP_TLS": "none",
            "IDP_SMTP_USERNAME": "",
            "IDP_SMTP_PASSWORD": "",
            "IDP_MAIL_FROM": "ne-pas-repondre@localhost",
            **metadata_settings(self._ports.url("portail")),
        }

    def _log(self, name: str) -> Path:
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        return logs / f"{name}.log"


def demo_from_environment(say: Callable[[str], None]) -> Demo:
    """The demo for ``IDP_DEMO_PORT_BASE``; each base keeps its own files under ``var/``. Raises DemoFailed.

    IDP_FEDERATION_DIR and IDP_CLIENTS_FILE are those of the provider, as are their defaults: what an administrator
    adds there is in use in the demo, too. On other ports the default folder is copied, since the universities publish
    into it: two demos would take each other's away.
    """
    ports = Ports.from_text(os.environ.get("IDP_DEMO_PORT_BASE", ""))
    is_usual, given = ports.base == DEFAULT_BASE, os.environ.get("IDP_FEDERATION_DIR")
    folder = PROJECT / "var" / ("demo" if is_usual else f"demo-{ports.base}")
    clients = Path(os.environ.get("IDP_CLIENTS_FILE") or REGISTERED).resolve()
    try:
        if given or is_usual:
            return Demo(ports, folder, say, federation=Path(given or FEDERATION).resolve(), clients=clients)
        return Demo(ports, folder, say, original=FEDERATION, clients=clients)
    except ClientsUnusable as problem:
        raise DemoFailed(f"IDP_CLIENTS_FILE = {str(clients)!r} : {problem}") from problem


def _wait_for_lock(file: Path) -> None:
    """The embedded database ends by itself a few seconds after its last user; it holds this file locked until then."""
    deadline = time.monotonic() + DATABASE_STOP_SECONDS
    while file.is_file() and _is_locked(file) and time.monotonic() < deadline:
        time.sleep(0.1)


def _is_locked(file: Path) -> bool:
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _log_to(file: Path) -> None:
    """Sends what the parties' libraries log to a file: the terminal shows addresses only."""
    handler = logging.FileHandler(file, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def _try_this(ports: Ports, clients: Path, federation: Path) -> str:
    person = EXEMPLE.people[0]
    return f"""
À essayer
  1. Ouvrez {ports.url("portail")} et cliquez sur « Connectez-vous ».
  2. Tapez l’adresse {person.typed_mail}, « Se connecter », puis « Continuer ».
  3. À l’université : identifiant {person.username}, mot de passe {person.password}.
  4. Le message arrive sur {ports.url("boîte aux lettres")} : ouvrez le lien ou tapez le code.
  5. Choisissez un mot de passe : vous voilà dans le portail.
D’autres personnes à essayer : {ports.url("universités")}
Pour ajouter une application : {clients}
Pour ajouter une université : {federation}
Ctrl-C arrête tout."""
