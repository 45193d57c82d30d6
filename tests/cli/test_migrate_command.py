"""``idp migrate`` as an administrator runs it."""

import json
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner, Result

from idp import cli
from idp.storage.database import Database
from idp.storage.migrations import MIGRATIONS
from idp.storage.migrations.ledger import Ledger
from tests.cli.administration import administration
from tests.storage.migrations.old_shapes import old_account, old_grant

NOW = datetime(2050, 9, 1, tzinfo=UTC)


def idp(folder: Path, database: Database, *arguments: str) -> Result:
    flows = administration(folder, now=NOW, database=database)
    return CliRunner().invoke(cli.main, list(arguments), obj=lambda: flows)


def test_a_dry_run_tells_what_would_change_and_changes_nothing(database: Database, tmp_path: Path) -> None:
    database.collection("grants").insert_one(old_grant("g"))
    run = idp(tmp_path, database, "migrate", "--dry-run")
    assert run.exit_code == 0
    assert "001 due: " in run.output
    assert "(grants: 0 changed, 1 to change)" in run.output
    assert "index accounts.subject_1: would be made" in run.output
    assert database.collection("grants").count_documents({"resources": {"$exists": True}}) == 0
    plan = json.loads(idp(tmp_path, database, "migrate", "--dry-run", "--json").output)
    assert plan["migrations"][0]["remaining"] == 1


def test_it_makes_indexes_and_changes_documents_once(database: Database, tmp_path: Path) -> None:
    database.collection("accounts").insert_one(old_account("ines"))
    database.collection("grants").insert_one(old_grant("g"))
    run = idp(tmp_path, database, "migrate")
    assert run.exit_code == 0, run.output
    assert "001 done since 2050-09-01T00:00:00Z" in run.output
    again = idp(tmp_path, database, "migrate", "--dry-run")
    assert "would be made" not in again.output
    assert "due" not in again.output
    database.collection("grants").insert_one(old_grant("late"))
    assert "001 late since" in idp(tmp_path, database, "migrate", "--dry-run").output
    assert [line["remaining"] for line in json.loads(idp(tmp_path, database, "migrate", "--json").stdout)] == [0] * len(
        MIGRATIONS
    )


def test_an_older_release_does_not_migrate_what_a_newer_one_has(database: Database, tmp_path: Path) -> None:
    Ledger(database).begin(99, 0, now=NOW)
    run = idp(tmp_path, database, "migrate")
    assert run.exit_code == 1
    assert "newer release" in run.output


def test_a_database_that_is_away_is_one_line(tmp_path: Path) -> None:
    away = Database("mongodb://127.0.0.1:1/", "idp", timeout_ms=200)
    run = idp(tmp_path, away, "migrate", "--dry-run")
    assert run.exit_code == 1
    assert "Traceback" not in run.output
