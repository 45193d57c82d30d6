"""What a metadata file changes is kept in the audit trail; a database that is away costs no federation."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from idp.app.federation_audit import FederationAudit
from idp.domain.federation import FileDifference
from idp.storage.database import Database
from tests.audit_trail import audit_trail

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANGED = FileDifference("fer.xml", added=("https://idp.neuve.fr",), removed=("https://idp.vieille.fr",))


@pytest.fixture
def away() -> Iterator[Database]:
    # Nobody listens on the port of "discard".
    nowhere = Database("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50&timeoutMS=50", "nowhere")
    yield nowhere
    nowhere.close()


def test_a_difference_is_kept_under_the_files_name(database: Database) -> None:
    trail = audit_trail(database)
    FederationAudit(trail, lambda: NOW)(CHANGED)
    [kept] = trail.by_reference("fer.xml")
    assert "federation.changed" in kept.values()
    told = str(kept)
    assert "1 added, 1 removed, 0 changed" in told
    assert "- https://idp.vieille.fr" in told
    assert "+ https://idp.neuve.fr" in told


def test_a_database_that_is_away_is_told_in_the_log_alone(away: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        FederationAudit(audit_trail(away), lambda: NOW)(CHANGED)
    assert "federation.change_not_kept" in caplog.text
