"""The register for the data protection officer names every collection that the product writes to."""

from datetime import UTC, datetime

from idp import app
from idp.domain.data_protection import REGISTER
from idp.flows.data_report import DataReportFlow
from idp.storage.database import Database
from idp.storage.holdings import Holdings
from tests.profiled import profiled

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def test_every_collection_stands_in_the_register_and_nothing_else_does() -> None:
    written = {indexes.collection for indexes in app.INDEXES} | {"clients", "schema", "audit_seals"}
    lost, gone = sorted(written - set(REGISTER)), sorted(set(REGISTER) - written)
    assert not lost + gone, f"REGISTER (idp/domain/data_protection.py): tell of {lost}, and no more of {gone}"


def test_the_report_counts_what_is_there_and_tells_of_what_nobody_knows(database: Database) -> None:
    database.collection("sessions").insert_many([{"created_at": NOW}, {"created_at": NOW.replace(year=2025)}])
    database.collection("forgotten").insert_one({})
    report = DataReportFlow(Holdings(database), {}, lambda: NOW).report()
    forgotten, sessions = report.lines
    assert (sessions.holding.documents, sessions.holding.oldest) == (2, NOW.replace(year=2025))
    assert sessions.processing is REGISTER["sessions"]
    assert forgotten.processing is None
    assert forgotten.holding.oldest is not None


def test_the_report_says_of_when_the_oldest_consent_is_and_reads_each_document_once(database: Database) -> None:
    database.collection("consents").insert_many([{"given_at": NOW}, {"given_at": NOW.replace(year=2025), "at": "?"}])
    with profiled(database, "consents") as done:
        (consents,) = Holdings(database).every()
    assert consents.oldest == NOW.replace(year=2025)
    assert sum(operation.get("docsExamined", 0) for operation in done) == 2
