"""``idp audit verify``."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from idp import cli
from idp.storage.audit_seals import AuditSeals
from idp.storage.database import Database
from tests.audit_trail import SECRET, audit_trail
from tests.cli.administration import administration

NOW = datetime(2050, 9, 1, 8, 0, tzinfo=UTC)


def test_it_tells_what_was_verified_and_fails_where_an_event_was_changed(
    indexed_database: Database, tmp_path: Path
) -> None:
    trail = audit_trail(indexed_database)
    for number in range(3):
        trail.append("sign_in.succeeded", at=NOW - timedelta(minutes=5), reference=f"REF-{number}")
    seals = AuditSeals(indexed_database, SECRET)
    assert seals.seal_next(now=NOW)
    made = administration(tmp_path, now=NOW, database=indexed_database)

    def verify(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.main, ["audit", "verify", *options], obj=lambda: made, prog_name="idp")
        return done.exit_code, done.output

    code, output = verify()
    assert code == 0
    assert "1 seals, 3 events verified" in output
    indexed_database.collection("audit").update_one({"reference": "REF-1"}, {"$set": {"event": "sign_in.failed"}})
    code, output = verify("--json")
    assert code == 1
    (finding,) = json.loads(output)["findings"]
    assert (finding["seal"], finding["kind"]) == (1, "changed")


def test_it_says_what_a_finding_means(indexed_database: Database, tmp_path: Path) -> None:
    trail = audit_trail(indexed_database)
    for number in range(3):
        trail.append("sign_in.succeeded", at=NOW - timedelta(hours=1), reference=f"REF-{number}")
    indexed_database.collection("audit").delete_one({"reference": "REF-1"})
    made = administration(tmp_path, now=NOW, database=indexed_database)
    done = CliRunner().invoke(cli.main, ["audit", "verify"], obj=lambda: made, prog_name="idp")
    assert done.exit_code == 1
    assert "numbers 2 to 2 of writer" in done.output
    assert "events were removed" in done.output
    assert "2 events, the oldest of 2050-09-01T07:00:00Z are in no seal" in done.output
    assert "a restored copy" in done.output
