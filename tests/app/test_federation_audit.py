"""What a metadata file changes is kept in the audit trail, by the server and by commands."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from idp.app.federation_audit import CommandAudit, FederationAudit
from idp.domain.errors import ServiceUnavailable
from idp.domain.federation import FileDifference
from idp.storage.database import Database
from tests.audit_trail import audit_trail

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANGED = FileDifference("fer.xml", added=("https://idp.neuve.fr",), removed=("https://idp.vieille.fr",))


@pytest.fixture
def away() -> Iterator[Database]:
    # Nobody listens on the port of "discard".
    nowhere = Database("mongodb://127.0.0.1:9/", "nowhere", timeout_ms=100)
    yield nowhere
    nowhere.close()


def test_a_difference_is_kept_under_the_files_name(database: Database) -> None:
    trail = audit_trail(database)
    FederationAudit(trail, lambda: NOW)(CHANGED)
    [kept] = trail.events(references=("fer.xml",))
    assert kept.event == "federation.changed"
    told = str(kept)
    assert "1 added, 1 removed, 0 changed" in told
    assert "- https://idp.vieille.fr" in told
    assert "+ https://idp.neuve.fr" in told


@pytest.mark.parametrize("by_command", [False, True])
def test_a_database_that_is_away_leaves_it_to_a_later_look(
    away: Database, capsys: pytest.CaptureFixture[str], by_command: bool
) -> None:
    trail = audit_trail(away)
    keep = CommandAudit(lambda: trail, lambda: NOW) if by_command else FederationAudit(trail, lambda: NOW)
    with pytest.raises(ServiceUnavailable):
        keep(CHANGED)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == by_command
