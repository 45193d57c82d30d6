"""Learned domains on a real database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.routing import LearnedDomain
from idp.storage.database import Database
from idp.storage.learned_domains import INDEXES, MEMORY, LearnedDomains

NOW = datetime(2050, 9, 1, tzinfo=UTC)
NORTH = LearnedDomain("chu-nord.fr", "https://idp.univ-nord.fr/idp")
WEST = LearnedDomain("chu-nord.fr", "$west")


@pytest.fixture
def store(database: Database) -> LearnedDomains:
    database.create_indexes([INDEXES])
    return LearnedDomains(database)


def note(store: LearnedDomains, learned: LearnedDomain, *accounts: str) -> None:
    for account in accounts:
        store.note(learned, account, now=NOW)


def test_three_accounts_make_a_domain_known_and_two_do_not(store: LearnedDomains) -> None:
    note(store, NORTH, "$a", "b")
    assert store.among(["chu-nord.fr"], now=NOW) == ()
    note(store, NORTH, "c")
    assert store.among(["x.chu-nord.fr", "chu-nord.fr"], now=NOW) == (NORTH,)
    assert store.among(["x.chu-nord.fr"], now=NOW) == ()


def test_the_same_account_counts_once(store: LearnedDomains) -> None:
    note(store, NORTH, "a", "a", "b", "a")
    assert store.among(["chu-nord.fr"], now=NOW) == ()


def test_accounts_are_counted_for_each_university(store: LearnedDomains) -> None:
    note(store, NORTH, "a", "b")
    note(store, WEST, "c", "d", "e")
    assert store.among(["chu-nord.fr"], now=NOW) == (WEST,)


def test_no_more_accounts_are_kept_than_are_needed(store: LearnedDomains, database: Database) -> None:
    note(store, NORTH, *"abcdefgh")
    (document,) = database.collection("learned_domains").find()
    assert len(document["accounts"]) == 3


def test_what_nobody_confirmed_for_long_is_forgotten(store: LearnedDomains) -> None:
    note(store, NORTH, "a", "b", "c")
    assert store.among(["chu-nord.fr"], now=NOW + MEMORY) == ()


def test_what_an_administrator_refused_is_not_learned_again(store: LearnedDomains) -> None:
    note(store, NORTH, "a", "b", "c")
    note(store, WEST, "a", "b", "c")
    store.refuse(WEST, now=NOW)
    assert store.among(["chu-nord.fr"], now=NOW) == (NORTH,)
    note(store, WEST, *"defg")
    store.forget(WEST, "d")
    assert store.among(["chu-nord.fr"], now=NOW) == (NORTH,)
    note(store, WEST, *"hijk")
    assert store.among(["chu-nord.fr"], now=NOW) == (NORTH,)


def test_sixteen_at_once_are_one_document(store: LearnedDomains, database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: note(store, NORTH, f"account-{number}"), range(16)))
    assert database.collection("learned_domains").count_documents({}) == 1
    assert store.among(["chu-nord.fr"], now=NOW) == (NORTH,)


def test_an_erased_account_takes_back_what_it_taught_of_this_domain_and_university_alone(
    store: LearnedDomains, database: Database
) -> None:
    other = LearnedDomain("chu-sud.fr", NORTH.entity_id)
    for learned in (WEST, other, NORTH):
        note(store, learned, "a")
    note(store, NORTH, "b")

    def kept() -> dict[str, list[str]]:
        return {one["_id"]: one["accounts"] for one in database.collection("learned_domains").find()}

    west, south, north = (f"{learned.domain} {learned.entity_id}" for learned in (WEST, other, NORTH))
    store.forget(NORTH, "nobody's")
    assert kept() == {west: ["a"], south: ["a"], north: ["a", "b"]}
    store.forget(NORTH, "a")
    assert kept() == {west: ["a"], south: ["a"], north: ["b"]}
    store.forget(NORTH, "b")
    assert kept() == {west: ["a"], south: ["a"]}


def test_what_enough_people_taught_stays_whoever_goes(store: LearnedDomains) -> None:
    note(store, NORTH, "a", "b", "c")
    store.forget(NORTH, "a")
    note(store, NORTH, "a")
    assert store.among(["chu-nord.fr"], now=NOW) == (NORTH,)


def test_whoever_comes_from_a_domain_prolongs_what_is_known_of_it(store: LearnedDomains) -> None:
    note(store, NORTH, "a", "b", "c")
    later = NOW + MEMORY - timedelta(days=1)
    assert store.among(["chu-nord.fr"], now=later) == (NORTH,)
    store.note(NORTH, "d", now=later)
    assert store.among(["chu-nord.fr"], now=NOW + MEMORY) == (NORTH,)
