"""``idp mail bounce`` as a mail server calls it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from idp.cli import main
from idp.domain.accounts import Account
from idp.domain.messages import Message
from idp.storage.accounts import AccountStore
from idp.storage.database import Database
from idp.storage.outbox import Outbox
from tests.cli.administration import administration
from tests.cli.test_commands import idp
from tests.mail.reports import report

NOW = datetime.now(UTC)
TO = "zoe@univ-exemple.fr"


def test_a_bounce_on_standard_input_flags_the_address(tmp_path: Path, database: Database) -> None:
    accounts, outbox = AccountStore(database), Outbox(database)
    accounts.create(Account("zoe", "subject", NOW, addresses=(TO,)))
    outbox.put(Message("a", "sign_in_code", TO, "fr", NOW, NOW + timedelta(minutes=10), "REF-1"))
    outbox.claim("one", now=NOW, lease=timedelta(minutes=1))
    flows = administration(tmp_path, now=NOW, database=database)
    read = CliRunner().invoke(main, ["mail", "bounce"], obj=lambda: flows, input=report("<a@example.org>", TO))
    assert (read.exit_code, read.output) == (0, "1 of our messages\n")
    account = accounts.find("zoe")
    assert account is not None
    assert [bounce.status for bounce in account.bounces] == ["5.1.1"]


def test_any_other_mail_is_taken_and_ignored(tmp_path: Path, database: Database) -> None:
    flows = administration(tmp_path, now=NOW, database=database)
    read = CliRunner().invoke(main, ["mail", "bounce"], obj=lambda: flows, input=b"Subject: holiday\n\n")
    assert (read.exit_code, read.output) == (0, "nothing about a message of ours\n")


def test_without_database_the_mail_server_keeps_the_mail(tmp_path: Path) -> None:
    flows = administration(tmp_path, now=NOW)
    read = CliRunner().invoke(main, ["mail", "bounce"], obj=lambda: flows, input=report("<a@example.org>", TO))
    assert read.exit_code == 75


def test_without_sound_settings_the_mail_server_keeps_the_mail() -> None:
    run = idp("mail", "bounce", typed="Subject: x\n\n", IDP_MONGODB_URI="mongodb://localhost/?tls=ture")
    assert run.returncode == 75
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert line.startswith("IDP_MONGODB_URI = ***")
