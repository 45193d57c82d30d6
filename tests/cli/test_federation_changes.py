"""A command that takes new metadata over tells what changed, as the provider would have done."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp import app, cli, settings
from idp.storage.database import Database
from tests.audit_trail import audit_trail
from tests.saml import identity_provider as university

AWAY = {"IDP_MONGODB_URI": "mongodb://127.0.0.1:9/", "IDP_MONGODB_TIMEOUT_MS": "100"}
SUMMARY = "one.xml: 1 added, 0 removed, 0 changed"


@pytest.fixture
def environment(mongodb_uri: str, database: Database, tmp_path: Path) -> dict[str, str]:
    """An installation into whose folder a file was just dropped."""
    metadata = university.entity_descriptor("https://idp.univ-nord.fr/idp", (university.new_key("idp"),))
    (tmp_path / "federation").mkdir()
    (tmp_path / "federation" / "one.xml").write_bytes(metadata)
    (tmp_path / "federation" / "overrides.toml").write_text(
        f'[files."one.xml"]\nsha256 = "{hashlib.sha256(metadata).hexdigest()}"\n'
    )
    return {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database.name,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_FEDERATION_DIR": str(tmp_path / "federation"),
    }


def listed(environment: dict[str, str]) -> list[str]:
    """What the command says beside its answer and its progress."""
    made = app.administration(settings.load(environment))
    result = CliRunner().invoke(cli.main, ["federation", "list"], obj=lambda: made)
    assert result.exit_code == 0, result.output
    assert "1 providers" in result.stdout
    return [line for line in result.stderr.splitlines() if not line.startswith("Reading")]


def test_a_command_that_looks_first_keeps_and_says_what_changed(
    environment: dict[str, str], database: Database
) -> None:
    assert listed(environment) == [SUMMARY]
    [kept] = audit_trail(database).events(references=("one.xml",))
    assert kept.event == "federation.changed"
    assert listed(environment) == []
    assert len(audit_trail(database).events(references=("one.xml",))) == 1


def test_without_the_database_it_answers_and_a_later_look_keeps_it(
    environment: dict[str, str], database: Database
) -> None:
    began = datetime.now(UTC)
    [said] = listed(environment | AWAY)
    assert said.startswith(f"{SUMMARY} (not in the audit trail yet")
    assert audit_trail(database).events(references=("one.xml",)) == ()
    assert listed(environment) == [SUMMARY]
    [kept] = audit_trail(database).events(references=("one.xml",))
    assert began - timedelta(milliseconds=1) < kept.at <= datetime.now(UTC)
