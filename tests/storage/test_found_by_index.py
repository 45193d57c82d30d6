"""What anybody can make the database do, however many accounts there are, reads none but those that are meant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.accounts import Account, Bounce
from idp.storage.accounts import AccountStore
from idp.storage.closed_accounts import ClosedAccounts
from idp.storage.database import Database
from idp.storage.devices import DeviceStore

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ADDRESS = "a7@univ-exemple.fr"


@pytest.fixture
def crowded(indexed_database: Database) -> Database:
    accounts, devices = AccountStore(indexed_database), DeviceStore(indexed_database)
    for number in range(20):
        accounts.create(Account(f"a{number}", f"s{number}", NOW, addresses=(f"a{number}@univ-exemple.fr",)))
        devices.remember(f"cookie-{number}", f"a{number}", now=NOW)
    return indexed_database


ACTS: dict[str, Callable[[Database], object]] = {
    "by_address": lambda database: AccountStore(database).by_address(ADDRESS),
    "by_address of nobody": lambda database: AccountStore(database).by_address("nobody@univ-exemple.fr"),
    "release_address": lambda database: AccountStore(database).release_address(ADDRESS, except_account=None),
    "note_bounce": lambda database: AccountStore(database).note_bounce(Bounce(ADDRESS, NOW, "5.1.1")),
    "forget_bounce": lambda database: AccountStore(database).forget_bounce(ADDRESS),
    "claim_overdue": lambda database: ClosedAccounts(database).claim_overdue(now=NOW, lease=timedelta(minutes=1)),
    "knows": lambda database: DeviceStore(database).knows("cookie-7", "a7"),
    "forget_account": lambda database: DeviceStore(database).forget_account("a7"),
    "of_account": lambda database: DeviceStore(database).of_account("a7"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_nothing_reads_a_whole_collection(crowded: Database, act: Callable[[Database], object]) -> None:
    profiled = crowded.client[crowded.name]
    profiled.command("profile", 2)
    act(crowded)
    profiled.command("profile", 0)
    (done,) = profiled["system.profile"].find(
        {"ns": {"$in": [f"{crowded.name}.{one}" for one in ("accounts", "devices")]}}
    )
    assert "COLLSCAN" not in done["planSummary"]
    assert done["docsExamined"] <= 1
