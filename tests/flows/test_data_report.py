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
    assert set(REGISTER) == written


def test_the_report_counts_what_is_there_and_tells_of_what_nobody_knows(database: Database) -> None:
    database.collection("sessions").insert_many([{"created_at": NOW}, {"created_at": NOW.replace(year=2025)}])
    database.collection("forgotten").insert_one({})
    report = DataReportFlow(Holdings(database), {}, lambda: NOW).report()
    forgotten, sessions = report.lines
    assert (sessions.holding.documents, sessions.holding.oldest) == (2, NOW.replace(year=2025))
    assert sessions.processing is REGISTER["sessions"]
    assert forgotten.processing is None
    assert forgotten.holding.oldest is not None


def test_the_report_reads_a_collection_no_further_than_until_its_documents_say_when_they_began(
    database: Database,
) -> None:
    database.collection("accounts").insert_many([{"created_at": NOW}, {"created_at": NOW}])
    with profiled(database, "accounts") as done:
        (accounts,) = Holdings(database).every()
    assert accounts.oldest == NOW
    assert [operation["command"]["filter"] for operation in done if operation["op"] == "query"] == [
        {"created_at": {"$type": "date"}}
    ]
