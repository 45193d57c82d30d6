"""Each migration on documents of the old shape, read and written afterwards by the stores of today."""

from datetime import timedelta
from pathlib import Path

from idp.domain.accounts import Account
from idp.domain.grants import Rotation
from idp.domain.messages import DeliveryState
from idp.storage import migrations
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.database import Database
from idp.storage.grants import GrantStore
from idp.storage.migrations import MIGRATIONS
from idp.storage.migrations.migration import Terms
from idp.storage.migrations.runner import Runner
from idp.storage.outbox import Outbox
from tests.audit_trail import SECRET
from tests.storage.migrations.old_shapes import NOW, old_account, old_event, old_grant, old_mail

TERMS = Terms(timedelta(days=180))


def migrate(database: Database) -> None:
    for _ in Runner(database, MIGRATIONS, TERMS, lambda: NOW).run():
        pass


def test_migrations_are_numbered_without_gaps() -> None:
    assert [one.number for one in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_every_migration_is_listed() -> None:
    modules = {file.stem for file in Path(migrations.__file__).parent.glob("m[0-9]*.py")}
    listed = {name for name in vars(migrations) if name in modules}
    assert modules == listed, f"import and list in storage/migrations/__init__.py: {sorted(modules - listed)}"
    assert len(MIGRATIONS) == len(modules), "a migration is imported in storage/migrations/__init__.py, and not listed"


def test_no_migration_selects_again_what_it_has_changed(database: Database) -> None:
    database.collection("grants").insert_one(old_grant("g"))
    database.collection("accounts").insert_one(old_account("ines"))
    database.collection("audit").insert_one(old_event("ines"))
    database.collection("outbox").insert_one(old_mail("m", "sent", "deferred", "sent"))
    runner = Runner(database, MIGRATIONS, TERMS, lambda: NOW)
    assert [progress.remaining for progress in runner.plan()] == [1] * len(MIGRATIONS)
    migrate(database)
    assert [progress.remaining for progress in runner.plan()] == [0] * len(MIGRATIONS)
    assert [progress.changed for progress in runner.plan()] == [1] * len(MIGRATIONS)


def test_001_a_grant_of_the_first_release_is_refreshed_in_one_write(database: Database) -> None:
    database.collection("grants").insert_one(old_grant("g"))
    grants, later = GrantStore(database), NOW + timedelta(minutes=1)

    def refresh() -> bool:
        rotation = Rotation("refresh-g", "next", later + timedelta(days=30))
        return bool(grants.rotate_at_once("g", "moodle", rotation, "access", later, now=NOW))

    assert not refresh()
    migrate(database)
    assert refresh()


def test_002_a_mail_of_the_first_release_is_told_as_sent_before_and_after(database: Database) -> None:
    database.collection("outbox").insert_many(
        [old_mail("m", "sent", "deferred", "sent"), old_mail("waiting", "waiting", "deferred")]
    )
    outbox = Outbox(database)
    (delivery,) = {found.delivery.state for found in outbox.history(references=["R"]) if found.message.id == "m"}
    assert delivery is DeliveryState.ACCEPTED
    migrate(database)
    assert [attempt.outcome for attempt in outbox.attempts("m")] == ["deferred", "done"]
    assert [attempt.outcome for attempt in outbox.attempts("waiting")] == ["deferred"]
    # A report that it came back finds it now.
    assert outbox.returned("m", ["ines@univ.example"], "550 5.1.1", now=NOW) is not None


def test_003_an_event_ends_as_the_settings_say_and_newer_ones_stay_as_they_are(database: Database) -> None:
    AuditTrail(database, SECRET, timedelta(days=7)).append("new", at=NOW, reference="R")
    database.collection("audit").insert_one(old_event("ines"))
    migrate(database)
    ends = {event["event"]: event["purge_at"] - NOW for event in database.collection("audit").find()}
    assert ends == {"new": timedelta(days=7), "authorization.granted": timedelta(days=180)}


def test_004_an_account_names_the_applications_that_grants_consents_and_events_know(database: Database) -> None:
    database.collection("accounts").insert_many([old_account("ines"), old_account("omar")])
    database.collection("grants").insert_many([old_grant("a", "ines", "moodle"), old_grant("b", "ines", "wiki")])
    database.collection("consents").insert_one({"_id": "ines x", "account_id": "ines", "client_id": "exams"})
    database.collection("audit").insert_one(old_event("ines", client_id="portal"))
    accounts = AccountStore(database)
    # A worker of the new release notes one before its account was brought up to date.
    database.collection("accounts").update_one({"_id": "ines"}, {"$addToSet": {"clients": "library"}})
    migrate(database)
    ines, omar = accounts.find("ines"), accounts.find("omar")
    assert ines is not None
    assert set(ines.clients) == {"moodle", "wiki", "exams", "portal", "library"}
    assert omar is not None
    assert omar.clients == ()


def test_accounts_of_today_are_left_alone(database: Database) -> None:
    AccountStore(database).create(Account("ines", "s", NOW, addresses=("ines@univ.example",)))
    plan = Runner(database, MIGRATIONS, TERMS, lambda: NOW).plan()
    assert [progress.remaining for progress in plan] == [0] * len(MIGRATIONS)
