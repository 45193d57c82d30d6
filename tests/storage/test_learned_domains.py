"""Learned domains on a real database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

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


def test_sixteen_at_once_are_one_document(store: LearnedDomains, database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: note(store, NORTH, f"account-{number}"), range(16)))
    assert database.collection("learned_domains").count_documents({}) == 1
    assert store.among(["chu-nord.fr"], now=NOW) == (NORTH,)
