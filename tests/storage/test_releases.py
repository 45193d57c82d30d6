"""What applications received, on the real store: one entry for each, which grows and never loses anything."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.accounts import Account
from idp.domain.releases import Release
from idp.storage.accounts import AccountStore
from idp.storage.database import Database
from idp.storage.releases import ReleaseStore

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
THREADS = 16


@pytest.fixture
def database(indexed_database: Database) -> Database:
    return indexed_database


@pytest.fixture
def releases(database: Database) -> ReleaseStore:
    AccountStore(database).create(Account("ines", "subject", NOW))
    return ReleaseStore(database)


def ines(database: Database) -> Account:
    found = AccountStore(database).find("ines")
    assert found
    return found


@pytest.mark.parametrize("client_id", ["library", "https://app.example/$where", "$claims", "a.b"])
def test_an_application_has_one_entry_that_grows(releases: ReleaseStore, database: Database, client_id: str) -> None:
    later = NOW + timedelta(days=1)
    releases.note("ines", Release("other", frozenset({"sub"}), NOW))
    releases.note("ines", Release(client_id, frozenset({"name", "$x"}), NOW))
    releases.note("ines", Release(client_id, frozenset({"email"}), later))
    found = {release.client_id: release for release in ines(database).releases}
    assert found[client_id] == Release(client_id, frozenset({"name", "$x", "email"}), later)
    assert found["other"].claims == {"sub"}
    assert set(ines(database).clients) == {"other", client_id}


def test_nothing_gets_lost_however_many_are_noted_at_once(releases: ReleaseStore, database: Database) -> None:
    def note(number: int) -> None:
        releases.note("ines", Release(f"client-{number % 2}", frozenset({f"claim-{number}"}), NOW))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(note, range(THREADS)))
    found = ines(database).releases
    assert len(found) == 2
    assert frozenset().union(*(release.claims for release in found)) == {f"claim-{n}" for n in range(THREADS)}


def test_what_is_taken_back_goes_and_the_subject_stays_known(releases: ReleaseStore, database: Database) -> None:
    for client_id in ("library", "survey"):
        releases.note("ines", Release(client_id, frozenset({"name"}), NOW))
    releases.forget("ines", "library")
    assert [release.client_id for release in ines(database).releases] == ["survey"]
    assert set(ines(database).clients) == {"library", "survey"}
