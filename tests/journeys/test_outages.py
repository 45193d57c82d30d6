"""What people see while the database or the mail server is away, and that it mends itself."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from idp import app as application
from idp import settings
from idp.app import Services
from idp.demo.ports import free_port
from idp.domain.errors import ServiceUnavailable
from idp.domain.keyed import random_id
from idp.domain.messages import Message
from idp.storage import embedded
from idp.storage.database import Database
from tests.mail.smtp_server import Mailbox, serving
from tests.waiting import wait_until

HOST = {"Host": "localhost:5000"}


class Mongod:
    """A mongod of this test's own, which it may kill."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    def start(self) -> None:
        (self._folder / "data").mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [
                str(embedded.find_mongod(self._folder)),
                *("--dbpath", str(self._folder / "data"), "--port", str(self.port)),
                *("--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"),
            ],
            stdout=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Mongod]:
    own = Mongod(tmp_path)
    own.start()
    yield own
    own.kill()


def services(mongodb_uri: str, folder: Path, *, smtp_port: int = 1, database: str = "idp") -> Services:
    environment = {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database,
        "IDP_MONGODB_TIMEOUT_MS": "2000",
        "IDP_VAR_DIR": str(folder / "var"),
        "IDP_KEYS_DIR": str(folder / "keys"),
        "IDP_PASSWORDS_BCRYPT_COST": "4",
        "IDP_SMTP_HOST": "127.0.0.1",
        "IDP_SMTP_PORT": str(smtp_port),
    }
    return application.build(settings.load(environment))


def has_indexes(built: Services) -> bool:
    """Make them, as the background work does."""
    try:
        built.database.create_indexes(application.INDEXES)
    except ServiceUnavailable:
        return False
    return True


def test_without_the_database_people_are_asked_to_try_again_and_it_mends_itself(mongod: Mongod, tmp_path: Path) -> None:
    built = services(mongod.uri, tmp_path)
    built.federation.refresh()
    client: FlaskClient = application.create_app(built).test_client()
    wait_until(lambda: has_indexes(built))
    wait_until(lambda: client.get("/readyz").status_code == 200)

    mongod.kill()
    for path in ("/account", "/sign-in/unknown"):
        page = client.get(path, headers=HOST)
        assert page.status_code == 503
        assert page.headers["Retry-After"]
        assert 'data-step="error"' in page.text
        assert "data-reference=" in page.text
    token = client.post("/token", headers=HOST, data={"grant_type": "authorization_code", "code": "x"})
    assert token.status_code in (400, 401, 503)
    assert client.get("/readyz").status_code == 503
    assert "database" in client.get("/readyz").text
    assert client.get("/healthz").status_code == 200
    assert client.get("/.well-known/openid-configuration", headers=HOST).status_code == 200
    assert client.get("/jwks", headers=HOST).status_code == 200
    assert client.get("/saml/metadata", headers=HOST).status_code == 200
    assert "idp_database_up 0.0" in client.get("/metrics").text

    mongod.start()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    assert client.get("/account", headers=HOST).status_code == 303


def test_a_start_without_the_database_waits_for_it(mongod: Mongod, tmp_path: Path) -> None:
    mongod.kill()
    built = services(mongod.uri, tmp_path)
    background = application.background(built)
    background.start()
    client = application.create_app(built).test_client()
    assert client.get("/readyz").status_code == 503
    mongod.start()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    wait_until(lambda: len(built.database.collection("accounts").index_information()) > 1)
    background.stop()


def test_mail_waits_for_its_server_and_pages_do_not(database: Database, mongodb_uri: str, tmp_path: Path) -> None:
    port = free_port()
    built = services(mongodb_uri, tmp_path, smtp_port=port, database=database.name)
    database.create_indexes(application.INDEXES)
    background = application.background(built)
    background.start()
    now = built.clock()
    built.stores.outbox.put(
        Message(random_id(), "password_changed", "a@univ-exemple.fr", "fr", now, now + timedelta(hours=1), "ABCD-EFGH")
    )
    outbox = database.collection("outbox")
    wait_until(lambda: bool(next(iter(outbox.find()))["attempts"]))
    outbox.update_many({}, {"$set": {"due_at": now}})
    mailbox = Mailbox()
    with serving(mailbox, port):
        wait_until(lambda: len(mailbox.messages) == 1)
    background.stop()


def test_a_broken_setting_stops_the_start_with_one_line_each() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        env={"IDP_SMTP_PORT": "abc", "IDP_MONGODB_URL": "x", "IDP_ISSUER": "ftp://x"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert run.returncode != 0
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 3, run.stderr
    assert any("IDP_SMTP_PORT" in line and "abc" in line for line in lines)
    assert any("IDP_MONGODB_URL" in line for line in lines)
    assert any("IDP_ISSUER" in line and "https" in line for line in lines)
