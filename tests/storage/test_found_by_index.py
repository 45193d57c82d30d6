"""What anybody can make the database do, however many accounts there are, reads none but those that are meant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.accounts import Account, Bounce, Identity
from idp.domain.invitations import Invitation, InvitationState, Invitee
from idp.storage.accounts import AccountStore
from idp.storage.closed_accounts import ClosedAccounts
from idp.storage.database import Database
from idp.storage.devices import DeviceStore
from idp.storage.invitations import InvitationStore
from idp.storage.merges import MergeStore
from idp.storage.passkeys import PasskeyStore
from idp.storage.proofing_records import ProofingRecordStore
from tests.profiled import profiled

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ADDRESS = "a7@univ-exemple.fr"

READ = ("accounts", "devices", "invitations", "merges", "passkeys", "proofing_records")


@pytest.fixture
def crowded(indexed_database: Database) -> Database:
    accounts, devices = AccountStore(indexed_database), DeviceStore(indexed_database)
    invitations = InvitationStore(indexed_database)
    for number in range(20):
        named = (Identity("https://idp.univ-exemple.fr", "eppn", f"a{number}"),)
        accounts.create(Account(f"a{number}", f"s{number}", NOW, named, (f"a{number}@univ-exemple.fr",)))
        devices.remember(f"cookie-{number}", f"a{number}", now=NOW)
        invitee = Invitee(f"a{number}@exemple.org", "Ada", "Exemple", "", NOW)
        invited = Invitation(f"i{number}", f"a{number}", invitee, "root", "REFE-RENC", NOW, InvitationState.OPEN)
        invitations.put(invited, anew=True)
    return indexed_database


ACTS: dict[str, Callable[[Database], object]] = {
    "by_address": lambda database: AccountStore(database).by_address(ADDRESS),
    "by_address of nobody": lambda database: AccountStore(database).by_address("nobody@univ-exemple.fr"),
    "release_address": lambda database: AccountStore(database).release_address(ADDRESS, except_account=None, now=NOW),
    "note_bounce": lambda database: AccountStore(database).note_bounce(Bounce(ADDRESS, NOW, "5.1.1")),
    "forget_bounce": lambda database: AccountStore(database).forget_bounce(ADDRESS),
    "claim_overdue": lambda database: ClosedAccounts(database).claim_overdue(now=NOW, lease=timedelta(minutes=1)),
    "knows": lambda database: DeviceStore(database).knows("cookie-7", "a7"),
    "forget_account": lambda database: DeviceStore(database).forget_account("a7"),
    "unlink": lambda database: AccountStore(database).unlink("a7", "a7"),
    "separate records": lambda database: ProofingRecordStore(database).separate("merge", "a7"),
    "separate passkeys": lambda database: PasskeyStore(database).separate("merge", "a7"),
    "overdue merges": lambda database: MergeStore(database).overdue(now=NOW),
    "claim_unfinished merges": lambda database: MergeStore(database).claim_unfinished(now=NOW),
    "forget invitations": lambda database: InvitationStore(database).forget_account("a7"),
    "of_account": lambda database: DeviceStore(database).of_account("a7"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_nothing_reads_a_whole_collection(crowded: Database, act: Callable[[Database], object]) -> None:
    with profiled(crowded, *READ) as done:
        act(crowded)
    assert done
    for operation in done:
        assert "COLLSCAN" not in operation["planSummary"]
        assert operation["docsExamined"] <= 1
