"""Backup and restore on the real mongod, alone and as a replica set, also while others write."""

import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest

from idp import app
from idp.domain.accounts import Account
from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.domain.keyed import SecretKey
from idp.flows.audit_verification import AuditVerification
from idp.flows.backup import BackupFlow, EndedSince
from idp.storage import embedded
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.audit_proofs import AuditProofs
from idp.storage.audit_seal_checks import AuditSealChecks
from idp.storage.audit_seals import AuditSeals
from idp.storage.backup import archive, copying
from idp.storage.backup.policy import KEPT, SCHEMA, VOID
from idp.storage.database import Database, Document, translated
from idp.storage.migrations import MIGRATIONS
from idp.storage.migrations.ledger import Ledger
from idp.storage.migrations.schema_state import adopt_if_empty, schema_state
from tests.chaos.replica_set import Node
from tests.profiled import profiled
from tests.storage.migrations.old_shapes import old_account
from tests.waiting import PATIENCE_MS, wait_until

NOW = datetime(2050, 9, 1, tzinfo=UTC)
PHRASE = "une phrase assez longue"
SECRET_KEY = "a secret key of thirty-two letters"
SECRET = SecretKey(SECRET_KEY.encode())
AUDIT_KEPT = timedelta(days=90)


def flow(database: Database, folder: Path) -> BackupFlow:
    return BackupFlow(
        database=lambda: database,
        indexes=app.INDEXES,
        issuer="https://connexion.exemple.fr",
        keys_dir=folder / "keys",
        secret_key=SECRET_KEY,
        release="1",
        newest_migration=MIGRATIONS[-1].number,
        audit_kept=AUDIT_KEPT,
        clock=lambda: NOW,
    )


def account(name: str) -> Account:
    return Account(name, f"subject-{name}", NOW, addresses=(f"{name}@univ.example",), password_hash="h")


def every(database: Database, name: str) -> list[Document]:
    return list(database.collection(name).find().sort("_id", 1))


@pytest.fixture
def elsewhere(mongodb_uri: str) -> Iterator[Database]:
    fresh = Database(mongodb_uri, f"test_{secrets.token_hex(6)}", timeout_ms=PATIENCE_MS)
    yield fresh
    fresh.client.drop_database(fresh.name)
    fresh.close()


@pytest.fixture
def full(indexed_database: Database, tmp_path: Path) -> Database:
    """A document in every collection, and some accounts."""
    database = indexed_database
    adopt_if_empty(database, now=NOW)
    database.collection("accounts").insert_many([old_account(f"p{number:04}") for number in range(1200)])
    for number, name in enumerate((*KEPT, *VOID)):
        if name not in ("accounts", "audit", "audit_seals"):
            database.collection(name).insert_one({"_id": f"{name}-{number}", "at": NOW})
    for minutes in (10, 4):
        at = NOW - timedelta(minutes=minutes)
        AuditTrail(database, SECRET).append("sign_in.succeeded", at=at, reference="R")
        AuditSeals(database, SECRET).seal_next(now=NOW - timedelta(minutes=5))
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "pairwise.key").write_bytes(b"p" * 32)
    return database


def test_what_lasts_is_equal_elsewhere_and_what_is_under_way_is_void(
    full: Database, elsewhere: Database, tmp_path: Path
) -> None:
    file = tmp_path / "a.backup"
    report = flow(full, tmp_path).backup(file)
    assert (report.documents["accounts"], report.with_keys, report.left_out) == (1200, False, ())
    flow(elsewhere, tmp_path).restore(file)
    for name in set(KEPT) - {"audit", "audit_seals"}:
        assert every(elsewhere, name) == every(full, name), name
    assert every(elsewhere, "audit_seals")[:1] == every(full, "audit_seals")
    copied = [one for one in every(elsewhere, "audit") if one["event"] != "backup.restored"]
    written = [one for one in every(full, "audit") if one["event"] != "backup.made"]
    assert [one["mac"] for one in copied] == [one["mac"] for one in written]
    assert all(every(elsewhere, name) == [] for name in VOID)
    assert schema_state(elsewhere).problems() == ()
    ines = AccountStore(elsewhere).by_address("p0001@univ.example")
    assert ines is not None
    assert ines.subject == "subject-p0001"
    # The indexes that single use rests on are there before anybody is served.
    assert "subject_1" in elsewhere.collection("accounts").index_information()


def test_seals_which_are_large_are_read_and_written_a_few_at_a_time(
    full: Database, elsewhere: Database, tmp_path: Path
) -> None:
    full.collection("audit_seals").insert_many([{"_id": number} for number in range(-50, 0)])
    with profiled(full, "audit_seals") as reading:
        flow(full, tmp_path).backup(tmp_path / "copy")
    with profiled(elsewhere, "audit_seals") as writing:
        flow(elsewhere, tmp_path).restore(tmp_path / "copy")
    assert max(operation.get("nreturned", 0) for operation in reading) <= 21
    assert max(operation.get("ninserted", 0) for operation in writing) <= 20


def test_the_event_of_a_restore_is_kept_as_long_as_the_settings_say(
    database: Database, elsewhere: Database, tmp_path: Path
) -> None:
    flow(database, tmp_path).backup(tmp_path / "a.backup")
    flow(elsewhere, tmp_path).restore(tmp_path / "a.backup")
    [event] = every(elsewhere, "audit")
    assert (event["event"], event["purge_at"]) == ("backup.restored", NOW + AUDIT_KEPT)


@pytest.mark.parametrize(("passphrase", "contents"), [(None, "documents"), (PHRASE, "documents and keys")])
def test_the_security_log_tells_who_watches_of_each_backup(
    full: Database, tmp_path: Path, passphrase: str | None, contents: str
) -> None:
    trail = AuditTrail(full, SECRET)
    assert trail.last_backup() is None
    flow(full, tmp_path).backup(tmp_path / "a.backup", passphrase)
    assert trail.last_backup() == NOW
    [event] = [one for one in every(full, "audit") if one["event"] == "backup.made"]
    assert (event["fields"]["contents"], event["purge_at"]) == (contents, NOW + AUDIT_KEPT)


def test_a_database_that_is_only_read_is_backed_up_all_the_same(
    full: Database, elsewhere: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise ServiceUnavailable("database", "not authorized on idp to execute command")

    monkeypatch.setattr(AuditTrail, "append", refused)
    assert flow(full, tmp_path).backup(tmp_path / "a.backup").documents["accounts"] == 1200
    monkeypatch.undo()
    assert flow(elsewhere, tmp_path).restore(tmp_path / "a.backup").documents["accounts"] == 1200


@pytest.mark.parametrize("takes_keys", [False, True])
def test_the_security_log_of_a_copy_is_as_it_was_written(
    full: Database, elsewhere: Database, tmp_path: Path, takes_keys: bool
) -> None:
    """Also where the copy is made with other settings, and gets its secret key from the backup."""
    file, keys = tmp_path / "a.backup", tmp_path / "back" if takes_keys else None
    flow(full, tmp_path).backup(file, PHRASE)
    there = flow(elsewhere, tmp_path)
    if takes_keys:
        there = replace(there, secret_key="what the settings had before, and not after")
    there.restore(file, keys_to=keys, passphrase=PHRASE)
    found = AuditVerification(
        AuditProofs(elsewhere, SECRET), AuditSealChecks(elsewhere, SECRET), lambda: NOW + timedelta(minutes=2)
    ).verify()
    assert (found.proven, found.seals, found.waiting, found.findings) == (3, 2, 1, ())


def test_a_database_that_holds_documents_is_not_overwritten_unasked(
    full: Database, elsewhere: Database, tmp_path: Path
) -> None:
    file = tmp_path / "a.backup"
    flow(full, tmp_path).backup(file)
    AccountStore(elsewhere).create(account("somebody"))
    elsewhere.collection("sessions").insert_one({"_id": "theirs"})
    with pytest.raises(ConfigurationError, match="--replace"):
        flow(elsewhere, tmp_path).restore(file)
    assert elsewhere.collection("accounts").count_documents({}) == 1
    flow(elsewhere, tmp_path).restore(file, replace=True)
    assert AccountStore(elsewhere).find("somebody") is None
    assert every(elsewhere, "sessions") == []


def test_who_ended_since_is_told_before_anything_is_forgotten(full: Database, tmp_path: Path) -> None:
    """Whoever has the restore cut short then has the names, and a database that serves."""
    flow(full, tmp_path).backup(tmp_path / "a.backup")
    AuditTrail(full, SECRET).append("account.erased", at=NOW, reference="R", account_id="ines")

    def cut_short(undone: tuple[EndedSince, ...]) -> None:
        assert [(one.account_id, one.is_erased) for one in undone] == [("ines", True)]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flow(full, tmp_path).restore(tmp_path / "a.backup", replace=True, tell=cut_short)
    assert AccountStore(full).by_address("p0001@univ.example")
    assert not Ledger(full).is_being_restored()


def test_a_broken_file_changes_nothing(full: Database, elsewhere: Database, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    flow(full, tmp_path).backup(file)
    file.write_bytes(file.read_bytes()[:-20])
    AccountStore(elsewhere).create(account("somebody"))
    with pytest.raises(ConfigurationError, match="is not a whole backup"):
        flow(elsewhere, tmp_path).restore(file, replace=True)
    assert AccountStore(elsewhere).find("somebody") is not None


def test_one_that_a_newer_release_made_is_refused(full: Database, elsewhere: Database, tmp_path: Path) -> None:
    Ledger(full).begin(99, 0, now=NOW)
    Ledger(full).finish(99, now=NOW)
    file = tmp_path / "a.backup"
    flow(full, tmp_path).backup(file)
    with pytest.raises(ConfigurationError, match="newer"):
        flow(elsewhere, tmp_path).restore(file)


def test_a_restore_that_was_cut_short_serves_nobody_and_is_begun_again(
    full: Database, elsewhere: Database, tmp_path: Path
) -> None:
    file = tmp_path / "a.backup"
    flow(full, tmp_path).backup(file)
    Ledger(elsewhere).begin_restore("one", now=NOW)
    AccountStore(elsewhere).create(account("half"))
    assert not schema_state(elsewhere).serves
    flow(elsewhere, tmp_path).restore(file)
    assert schema_state(elsewhere).serves
    assert AccountStore(elsewhere).find("half") is None


def test_while_it_is_filled_nobody_serves_it_nor_after_the_filling_failed(
    full: Database, elsewhere: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, fill = tmp_path / "a.backup", copying.fill
    flow(full, tmp_path).backup(file)

    def fill_until_it_is_killed(database: Database, collection: str, content: IO[bytes]) -> int:
        if collection == SCHEMA:
            raise ServiceUnavailable("database", "gone")
        return fill(database, collection, content)

    with monkeypatch.context() as patched:
        patched.setattr(copying, "fill", fill_until_it_is_killed)
        with pytest.raises(ServiceUnavailable):
            flow(elsewhere, tmp_path).restore(file)
    assert every(elsewhere, "accounts") == every(full, "accounts")
    state = schema_state(elsewhere)
    assert (state.serves, state.is_half_restored) == (False, True)
    # Nobody has to say --replace for what only half a restore left.
    flow(elsewhere, tmp_path).restore(file)
    assert schema_state(elsewhere).problems() == ()


def test_a_file_that_holds_less_than_was_verified_leaves_a_database_that_serves_nobody(
    full: Database, elsewhere: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody exchanged the file between the two readings."""
    file, other, verify = tmp_path / "a.backup", tmp_path / "b.backup", archive.verify
    flow(full, tmp_path).backup(file)
    full.collection("accounts").delete_one({"_id": "p0007"})
    flow(full, tmp_path).backup(other)

    def verify_and_lose(path: Path) -> archive.VerifiedArchive:
        verified = verify(path)
        other.replace(path)
        return verified

    monkeypatch.setattr(archive, "verify", verify_and_lose)
    with pytest.raises(ConfigurationError, match="changed while it was read"):
        flow(elsewhere, tmp_path).restore(file)
    assert not schema_state(elsewhere).serves


def test_keys_travel_under_a_passphrase_and_a_wrong_one_changes_nothing(
    full: Database, elsewhere: Database, tmp_path: Path
) -> None:
    file, keys = tmp_path / "a.backup", tmp_path / "back"
    assert flow(full, tmp_path).backup(file, PHRASE).with_keys
    with pytest.raises(ConfigurationError, match="does not open"):
        flow(elsewhere, tmp_path).restore(file, keys_to=keys, passphrase="another phrase")
    assert copying.is_empty(elsewhere)
    report = flow(elsewhere, tmp_path).restore(file, keys_to=keys, passphrase=PHRASE)
    assert report.key_files == ("secret_key", "keys/pairwise.key")
    assert (keys / "keys/pairwise.key").read_bytes() == b"p" * 32


def test_keys_of_a_backup_without_any_are_refused(full: Database, elsewhere: Database, tmp_path: Path) -> None:
    flow(full, tmp_path).backup(tmp_path / "a.backup")
    with pytest.raises(ConfigurationError, match="holds no keys"):
        flow(elsewhere, tmp_path).restore(tmp_path / "a.backup", keys_to=tmp_path / "back", passphrase=PHRASE)


def test_what_no_release_knows_is_left_out_and_told(full: Database, tmp_path: Path) -> None:
    full.collection("notes").insert_one({})
    assert flow(full, tmp_path).backup(tmp_path / "a.backup").left_out == ("notes",)


def test_a_database_that_is_away_leaves_no_file(tmp_path: Path) -> None:
    away = Database("mongodb://127.0.0.1:1/", "idp", timeout_ms=200)
    with pytest.raises(ServiceUnavailable):
        flow(away, tmp_path).backup(tmp_path / "a.backup")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def one_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A replica set of one: it has snapshots."""
    folder = tmp_path_factory.mktemp("one-node")
    node = Node(embedded.find_mongod(folder), folder / "node")
    node.start()
    client = Database(f"mongodb://{node.address}/?directConnection=true", "admin")
    try:
        wait_until(lambda: _answers(client))
        node.ask("replSetInitiate", {"_id": "chaos", "members": [{"_id": 0, "host": node.address}]})
        wait_until(node.is_primary)
        yield f"mongodb://{node.address}/?replicaSet=chaos"
    finally:
        client.close()
        node.kill()


def _answers(database: Database) -> bool:
    try:
        with translated():
            database.client.admin.command("ping")
    except ServiceUnavailable:
        return False
    return True


def test_on_a_replica_set_everything_is_of_one_moment_while_others_write(one_node: str, tmp_path: Path) -> None:
    """Writers add a consent and, once that is acknowledged, its account: no copy may hold the second alone.

    They tell the security log, too: what was just being written is no gap in the copy.
    """
    database, copy = Database(one_node, "origin"), Database(one_node, "copy")
    database.create_indexes(app.INDEXES)
    (tmp_path / "keys").mkdir()
    stopping, written = threading.Event(), threading.Event()
    trail, earlier = AuditTrail(database, SECRET), NOW - timedelta(minutes=10)

    def write(writer: int) -> None:
        for number in range(100_000):
            if stopping.is_set():
                return
            name = f"w{writer}-{number:06}"
            database.collection("consents").insert_one({"_id": name})
            AccountStore(database).create(account(name))
            trail.append("account.created", at=earlier, reference=name)
            if number == 200:
                written.set()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in writers:
        thread.start()
    try:
        assert written.wait(60)
        report = flow(database, tmp_path).backup(tmp_path / "a.backup")
    finally:
        stopping.set()
        for thread in writers:
            thread.join()
    assert report.one_moment
    flow(copy, tmp_path).restore(tmp_path / "a.backup")
    accounts = {one["_id"] for one in every(copy, "accounts")}
    consents = {one["_id"] for one in every(copy, "consents")}
    assert len(accounts) >= 200
    assert accounts <= consents
    assert len(consents - accounts) <= len(writers)
    found = AuditVerification(AuditProofs(copy, SECRET), AuditSealChecks(copy, SECRET), lambda: NOW).verify()
    assert found.proven >= 200
    assert found.findings == ()
    database.close()
    copy.close()


def test_who_starts_while_a_restore_has_emptied_the_database_says_nothing_of_migrations(
    full: Database, elsewhere: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, clear = tmp_path / "a.backup", copying.clear
    full.collection(SCHEMA).delete_many({})  # as of the first release
    flow(full, tmp_path).backup(file)

    def clear_and_start_a_worker(database: Database) -> None:
        clear(database)
        adopt_if_empty(database, now=NOW)

    monkeypatch.setattr(copying, "clear", clear_and_start_a_worker)
    report = flow(elsewhere, tmp_path).restore(file)
    assert any("migrations due" in problem for problem in report.problems)


def test_of_two_restores_at_once_the_first_never_tells_of_a_whole_database(
    full: Database, elsewhere: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, fill = tmp_path / "a.backup", copying.fill
    flow(full, tmp_path).backup(file)

    def fill_until_another_begins(database: Database, collection: str, content: IO[bytes]) -> int:
        count = fill(database, collection, content)
        if collection == "audit":
            Ledger(database).begin_restore("another", now=NOW)
            copying.clear(database)
        return count

    monkeypatch.setattr(copying, "fill", fill_until_another_begins)
    with pytest.raises(ConfigurationError, match="another restore"):
        flow(elsewhere, tmp_path).restore(file)
    assert not schema_state(elsewhere).serves
