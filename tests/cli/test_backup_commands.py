"""``idp backup`` and ``idp restore`` as an administrator runs them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp import cli
from idp.storage.database import Database
from tests.audit_trail import audit_trail
from tests.cli.administration import administration
from tests.storage.migrations.old_shapes import old_account

NOW = datetime(2050, 9, 1, tzinfo=UTC)


def idp(folder: Path, database: Database, *arguments: str, **environment: str) -> Result:
    flows = administration(folder, now=NOW, database=database)
    return CliRunner().invoke(cli.main, list(arguments), obj=lambda: flows, env=environment)


def test_a_backup_is_made_checked_and_restored(database: Database, tmp_path: Path) -> None:
    database.collection("accounts").insert_one(old_account("ines"))
    file = str(tmp_path / "a.backup")
    made = idp(tmp_path, database, "backup", file)
    assert made.exit_code == 0, made.output
    assert "accounts\t1" in made.stdout
    assert "stop the provider for an exact copy" in made.stderr
    assert "keep them apart" in made.stderr
    assert (
        json.loads(idp(tmp_path, database, "restore", file, "--check", "--json").stdout)["documents"]["accounts"] == 1
    )
    refused = idp(tmp_path, database, "restore", file)
    assert refused.exit_code == 1
    assert "--replace" in refused.output
    restored = idp(tmp_path, database, "restore", file, "--replace")
    assert restored.exit_code == 0, restored.output
    # It was a backup of an older release.
    assert "run `idp migrate`" in restored.stderr


def test_a_look_into_a_backup_tells_of_when_and_what_it_is(database: Database, tmp_path: Path) -> None:
    file = str(tmp_path / "a.backup")
    assert idp(tmp_path, database, "backup", file).exit_code == 0
    looked = idp(tmp_path, database, "restore", file, "--check")
    assert looked.stdout.splitlines()[0] == "made\t2050-09-01T00:00:00Z\thttps://connexion.exemple.fr"


def test_who_ended_since_the_backup_is_told_before_the_database_forgets_it(database: Database, tmp_path: Path) -> None:
    file, trail = str(tmp_path / "a.backup"), audit_trail(database)

    def happened(event: str, account_id: str, days: int) -> None:
        trail.append(event, at=NOW + timedelta(days=days), reference="R", account_id=account_id)

    happened("account.closed", "earlier", -1)
    assert idp(tmp_path, database, "backup", file).exit_code == 0
    for event, account_id in (
        ("account.closed", "ines"),
        ("account.closed", "zoe"),
        ("account.erased", "zoe"),
        ("account.expired", "noe"),
        ("account.closed", "lea"),
        ("account.reopened", "lea"),
    ):
        happened(event, account_id, 1)
    refused = idp(tmp_path, database, "restore", file)
    assert "idp user" not in refused.output
    restored = idp(tmp_path, database, "restore", file, "--replace")
    assert restored.exit_code == 0, restored.output
    assert [line for line in restored.stdout.splitlines() if line.startswith("idp ")] == [
        'idp user disable ines --reason "as on 2050-09-02, before the restore"',
        'idp user erase zoe --reason "as on 2050-09-02, before the restore"',
        'idp user disable noe --reason "as on 2050-09-02, before the restore"',
    ]
    again = json.loads(idp(tmp_path, database, "restore", file, "--replace", "--json").stdout)
    assert again["undone"] == []


def test_keys_go_in_and_out_with_a_passphrase_that_no_argument_shows(database: Database, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "pairwise.key").write_text("k")
    file, phrase = str(tmp_path / "a.backup"), {"BACKUP_PASSPHRASE": "une phrase assez longue"}
    assert idp(tmp_path, database, "backup", file, "--with-keys", **phrase).exit_code == 0
    restored = idp(tmp_path, database, "restore", file, "--replace", "--keys-to", str(tmp_path / "back"), **phrase)
    assert restored.exit_code == 0, restored.output
    assert "keys\tkeys/pairwise.key" in restored.stdout


@pytest.mark.parametrize(
    "command", [("backup", "--with-keys"), ("restore", "--keys-to", "back")], ids=["backup", "restore"]
)
def test_without_a_terminal_the_variable_for_the_passphrase_is_named(
    database: Database, tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "a.backup"
    if command[0] == "restore":
        file.touch()
    run = idp(tmp_path, database, *command, str(file))
    assert run.exit_code == 1
    assert run.output.splitlines()[-1].startswith("no passphrase: ")
    assert "BACKUP_PASSPHRASE" in run.output


def test_a_foreign_file_is_one_line(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "foreign"
    file.write_text("hello")
    run = idp(tmp_path, database, "restore", str(file))
    assert run.exit_code == 1
    assert "is not a whole backup" in run.output
    assert "Traceback" not in run.output
