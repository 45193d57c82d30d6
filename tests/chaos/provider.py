"""The provider under gunicorn with two workers, and what an operator may do to its processes."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.servers import family, surroundings
from idp import app, settings
from idp.demo.ports import free_port
from idp.domain.accounts import Account, Identity
from idp.storage.audit_proofs import SETTLED, AuditProofs, EventsRead
from tests.chaos.client import Client
from tests.waiting import wait_until

PROJECT = Path(__file__).resolve().parents[2]
WORKERS = 2
REFRESH_SECONDS = 1
# More than guess passwords at a time (attackers.GUESSERS): the last one has only got one guess, or none.
PEOPLE = 60
PASSWORD = "un mot de passe de chaos assez long"
CLIENT_SECRET = "a-secret-of-the-chaos-run-alone-0123456789"
REDIRECT_URI = "http://127.0.0.1:9/callback"
PLAIN, OFFLINE = "chaos", "chaos-offline"

_CLIENTS = f"""
[[client]]
client_id = "{PLAIN}"
client_secret = "{CLIENT_SECRET}"
redirect_uris = ["{REDIRECT_URI}"]

[[client]]
client_id = "{OFFLINE}"
client_secret = "{CLIENT_SECRET}"
redirect_uris = ["{REDIRECT_URI}"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid profile email offline_access"
"""


class Provider:
    """``gunicorn wsgi:app`` on a database of its own; bcrypt is cheap, every other setting is the product's."""

    def __init__(self, folder: Path, mongodb_uri: str, settings_too: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.federation = folder / "federation_metadata"
        self.keys = folder / "keys"
        self.log_file = folder / "provider.log"
        self.environment = self._environment(mongodb_uri, f"chaos_{secrets.token_hex(6)}") | dict(settings_too or {})
        self.project = PROJECT
        self.command: tuple[str, ...] = ("-m", "gunicorn", "wsgi:app")
        self.handed_on: tuple[int, ...] = ()
        self.master: subprocess.Popen[bytes] | None = None
        self._prepare()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once people can sign in."""
        with self.log_file.open("ab") as log:
            self.master = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=self.project,
                env=surroundings() | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=self.handed_on,
                # Not a session of its own: Linux weighs sessions against each other (sched_autogroup_enabled), and
                # priorities count within one alone.
                process_group=0,
            )
        self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 90) -> None:
        """Twice as many good answers in a row as there are workers, so that each is likely to have given one."""
        wait_until(lambda: all(self._is_ready() for _ in range(2 * WORKERS)), seconds)

    def workers(self) -> list[int]:
        """Process ids of the workers, without their master."""
        assert self.master is not None
        return family(self.master.pid)[1:]

    def signal_master(self, number: signal.Signals) -> None:
        assert self.master is not None
        self.master.send_signal(number)

    def stop(self) -> None:
        if self.master is None or self.master.poll() is not None:
            return
        self.master.terminate()
        try:
            self.master.wait(25)
        except subprocess.TimeoutExpired:
            os.killpg(self.master.pid, signal.SIGKILL)
            self.master.wait()

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def administer(self, *arguments: str) -> None:
        """Run one of the administrator's commands."""
        subprocess.run(
            [sys.executable, "-m", "idp", *arguments],
            cwd=PROJECT,
            env=surroundings() | self.environment,
            check=True,
            capture_output=True,
            timeout=60,
        )

    def wait_until_everywhere(self, holds: Callable[[Client], bool]) -> None:
        """Until every worker answers so; ``holds`` asks once."""

        def by_all() -> bool:
            with ThreadPoolExecutor(4 * WORKERS) as pool:
                return all(pool.map(lambda _: holds(Client(self.port)), range(4 * WORKERS)))

        wait_until(by_all)
        # Chance may have kept one of them from being asked: it has looked at its files by then.
        pause(1.5 * REFRESH_SECONDS)

    def universities_in_use(self) -> int:
        """Those that its workers know, as their metrics tell."""
        lines = Client(self.port).get("/metrics").body.splitlines()
        numbers = [float(line.rpartition(" ")[2]) for line in lines if line.startswith("idp_federation_providers{")]
        return int(sum(numbers))

    def services(self) -> app.Services:
        """The product's services on the same database; the caller closes it."""
        return app.build(settings.load(self.environment))

    def audited(self) -> EventsRead:
        """The security log, read as if everything in it were old enough to vouch for what came before."""
        services = self.services()
        try:
            return AuditProofs(services.database, services.secret).read(now=services.clock() + SETTLED)
        finally:
            services.database.close()

    def admit(self, numbers: range) -> None:
        """Have the people with these numbers, who all chose PASSWORD."""
        services = self.services()
        password_hash = services.hasher.hash(PASSWORD)
        for number in numbers:
            services.stores.accounts.create(self._account(number, password_hash))
        services.database.close()

    def address(self, number: int) -> str:
        return f"etu{number:05}@univ-exemple.test"

    def _is_ready(self) -> bool:
        assert self.master is not None
        assert self.master.poll() is None, self.log()[-2000:]
        return Client(self.port).get("/readyz").status == 200

    def _environment(self, uri: str, database: str) -> dict[str, str]:
        return {
            "IDP_ISSUER": self.issuer,
            "IDP_MONGODB_URI": uri,
            "IDP_MONGODB_DATABASE": database,
            "IDP_CLIENTS_FILE": str(self.folder / "clients.toml"),
            "IDP_FEDERATION_DIR": str(self.federation),
            "IDP_FEDERATION_REFRESH_SECONDS": str(REFRESH_SECONDS),
            "IDP_KEYS_DIR": str(self.keys),
            "IDP_VAR_DIR": str(self.folder),
            "IDP_WEB_WORKERS": str(WORKERS),
            "IDP_PASSWORDS_BCRYPT_COST": "5",
        }

    def _prepare(self) -> None:
        self.federation.mkdir(parents=True, exist_ok=True)
        (self.folder / "clients.toml").write_text(_CLIENTS)
        services = self.services()
        services.database.create_indexes(app.INDEXES)
        services.database.close()
        self.admit(range(PEOPLE))

    def _account(self, number: int, password_hash: str) -> Account:
        now = datetime.now(UTC)
        return Account(
            id=f"account-{number:05}",
            subject=f"subject-{number:05}",
            created_at=now,
            identities=(Identity("https://idp.univ-exemple.test", "eppn", self.address(number)),),
            addresses=(self.address(number),),
            password_hash=password_hash,
            attributes={"displayName": ("Camille Exemple",), "eduPersonAffiliation": ("member", "student")},
            proved_at=now,
        )


def pause(seconds: float) -> None:
    """Let the load go on for a while."""
    time.sleep(seconds)
