"""``idp work``: two copies of the background processes on one store do each thing once, and end when they are told."""

import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from benchmarks.servers import surroundings
from idp import app, settings
from idp.demo.ports import free_port
from idp.domain.accounts import Account, Invited
from idp.domain.messages import Message
from idp.storage.database import Database
from idp.storage.migrations.ledger import Ledger
from tests.mail.smtp_server import HOST, Mailbox, serving
from tests.metrics.reading import Reading
from tests.waiting import PATIENCE_SECONDS, wait_until

PROJECT = Path(__file__).parents[2]
MAILS, ACCOUNTS = 60, 12
TOKEN = "prometheus-reads-with-this"


@pytest.fixture
def environment(database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> dict[str, str]:
    (tmp_path / "federation").mkdir()
    return {
        "IDP_ISSUER": "http://localhost:5000",
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database.name,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_KEYS_DIR": str(keys_folder),
        "IDP_FEDERATION_DIR": str(tmp_path / "federation"),
        "IDP_SMTP_HOST": HOST,
        "IDP_SMTP_PORT": str(free_port()),
    }


@pytest.fixture
def mailbox(environment: dict[str, str]) -> Iterator[Mailbox]:
    made = Mailbox()
    with serving(made, int(environment["IDP_SMTP_PORT"])):
        yield made


def arrange(environment: dict[str, str]) -> None:
    """Mails that wait, invitations that have ended, and accounts whose time to be erased has come."""
    services, now = app.build(settings.load(environment)), datetime.now(UTC)
    services.database.create_indexes(app.INDEXES)
    stores, ago = services.stores, now - timedelta(minutes=1)
    for number in range(MAILS):
        to, until = f"p{number}@univ-exemple.fr", now + timedelta(minutes=10)
        stores.outbox.put(Message(f"m{number}", "sign_in_code", to, "fr", now, until, "REF", record_id=f"c{number}"))
    for number in range(ACCOUNTS):
        stores.accounts.create(Account(f"closed{number}", f"s{number}", now, addresses=(f"a{number}@x.example",)))
        stores.closed_accounts.close(f"closed{number}", reopens_until=ago)
        invited = Account(f"invited{number}", f"i{number}", now, invited=Invited("tutor", ago))
        stores.accounts.create(invited)
    services.database.close()


def work(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "idp", "work"]
    return subprocess.Popen(command, cwd=PROJECT, env=surroundings() | environment, stderr=subprocess.DEVNULL)


def accepted(place: str) -> float:
    """How many mails this copy says that it has sent; nothing is said before it listens."""
    token = {"Authorization": f"Bearer {TOKEN}"}
    try:
        answer = requests.get(f"http://{place}/metrics", headers=token, timeout=PATIENCE_SECONDS)
    except requests.ConnectionError:
        return 0
    return Reading(answer.text).value("idp_mails_total", kind="sign_in_code", outcome="accepted")


def test_two_copies_do_each_thing_once(environment: dict[str, str], mailbox: Mailbox, database: Database) -> None:
    arrange(environment)
    audit = database.collection("audit")

    def events(name: str) -> Counter[str]:
        return Counter(str(found["account_id"]) for found in audit.find({"event": name}))

    with ExitStack() as stack:
        places = [f"{HOST}:{free_port()}" for _ in range(2)]
        own = [{"IDP_METRICS_WORK_BIND": place, "IDP_METRICS_TOKEN": TOKEN} for place in places]
        copies = [stack.enter_context(work(environment | settings_of_one)) for settings_of_one in own]
        try:
            wait_until(lambda: len(mailbox.messages) >= MAILS)
            wait_until(lambda: len(events("account.erased")) + len(events("account.expired")) >= 2 * ACCOUNTS)
            wait_until(lambda: sum(accepted(place) for place in places) == MAILS)
            assert requests.get(f"http://{places[0]}/metrics", timeout=PATIENCE_SECONDS).status_code == 401
        finally:
            for copy in copies:
                copy.send_signal(signal.SIGTERM)
        assert [copy.wait(PATIENCE_SECONDS) for copy in copies] == [0, 0]
    assert sorted(mailbox.recipients) == sorted(f"p{number}@univ-exemple.fr" for number in range(MAILS))
    assert events("account.erased") == {f"closed{number}": 1 for number in range(ACCOUNTS)}
    assert events("account.expired") == {f"invited{number}": 1 for number in range(ACCOUNTS)}
    assert database.collection("accounts").count_documents({}) == ACCOUNTS


def test_pages_without_background_work_leave_it_to_others(
    environment: dict[str, str], mailbox: Mailbox, database: Database
) -> None:
    arrange(environment)
    services = app.build(settings.load(environment | {"IDP_WEB_BACKGROUND_WORK": "false"}))
    database.collection("audit_seals").insert_one({"_id": 7, "mac": "0123456789abcdef" * 4})
    background = app.background(services, works=services.settings.web.background_work)
    background.start()
    # A second in which others would have begun.
    time.sleep(1)
    background.stop()
    services.stores.audit.append("noted", at=datetime.now(UTC), reference="R")
    services.database.close()
    assert mailbox.messages == []
    assert database.collection("outbox").count_documents({"tries": 0}) == MAILS
    # Their events tell of the seals that others make.
    (event,) = database.collection("audit").find({"event": "noted"})
    assert event["proof"]["sealed"] == [7, "0123456789abcdef"]


@pytest.mark.parametrize("host", [HOST, "no-such-host.invalid"])
def test_an_address_for_metrics_that_is_not_to_be_had_is_named_with_its_setting(
    environment: dict[str, str], host: str
) -> None:
    with socket.create_server((HOST, 0)) as taken:
        bind = f"{host}:{taken.getsockname()[1]}"
        run = subprocess.run(
            [sys.executable, "-m", "idp", "work"],
            cwd=PROJECT,
            env=surroundings() | environment | {"IDP_METRICS_WORK_BIND": bind},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"metrics.work_bind = {bind!r}: ")
    assert line.endswith("(IDP_METRICS_WORK_BIND)")


@pytest.mark.parametrize("program", [("idp", "work"), ("gunicorn", "wsgi:app")])
def test_nothing_starts_on_a_database_that_only_a_newer_release_can_read(
    program: tuple[str, ...], environment: dict[str, str], database: Database
) -> None:
    Ledger(database).begin(999, 999, now=datetime.now(UTC))
    run = subprocess.run(
        [sys.executable, "-m", *program],
        cwd=PROJECT,
        env=surroundings() | environment | {"IDP_WEB_BIND": f"{HOST}:{free_port()}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert run.returncode != 0
    assert "written by a newer release" in run.stderr
    assert database.collection("accounts").index_information() == {}
