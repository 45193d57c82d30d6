"""Agreements on a real database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.consent import Consent
from idp.storage.consents import INDEXES, ConsentStore
from idp.storage.database import Database

NOW = datetime(2050, 9, 1, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> ConsentStore:
    database.create_indexes([INDEXES])
    return ConsentStore(database)


def consent(*claims: str, client: str = "portail", account: str = "ines", at: datetime = NOW) -> Consent:
    return Consent(account, client, frozenset({"openid"}), frozenset(claims), at)


def test_an_agreement_is_remembered_and_grows(store: ConsentStore) -> None:
    assert store.find("ines", "portail") is None
    store.add(consent("email"))
    store.add(consent("name"))
    found = store.find("ines", "portail")
    assert found is not None
    assert found.covers(frozenset({"openid"}), frozenset({"email", "name"}))
    assert not found.covers(frozenset({"openid"}), frozenset({"email", "locale"}))
    assert not found.covers(frozenset({"openid", "offline_access"}), frozenset())


def test_it_is_one_person_s_with_one_client(store: ConsentStore) -> None:
    store.add(consent("email"))
    assert store.find("ines", "library") is None
    assert store.find("zoe", "portail") is None


def test_agreements_are_listed_latest_first_and_withdrawn_one_by_one(store: ConsentStore) -> None:
    store.add(consent("email", client="library"))
    store.add(consent("email", at=NOW + timedelta(days=1)))
    store.add(consent("email", account="zoe"))
    assert [found.client_id for found in store.of_account("ines")] == ["portail", "library"]
    assert store.withdraw("ines", "portail")
    assert not store.withdraw("ines", "portail")
    assert [found.client_id for found in store.of_account("ines")] == ["library"]
    store.forget_account("ines")
    assert store.of_account("ines") == ()
    assert len(store.of_account("zoe")) == 1


def test_sixteen_agreements_at_once_are_all_kept(store: ConsentStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: store.add(consent(f"claim-{number}")), range(16)))
    found = store.find("ines", "portail")
    assert found is not None
    assert len(found.claims) == 16
