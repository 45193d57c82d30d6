"""What people change of their own accounts, on the real store: of many at once one decides, and nothing gets lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.accounts import Account, Identity, Invited
from idp.domain.merging import Merge, MergeState
from idp.domain.releases import Release
from idp.storage.account_addresses import AccountAddresses
from idp.storage.accounts import AccountStore
from idp.storage.closed_accounts import ClosedAccounts
from idp.storage.database import AlreadyExists, Database
from idp.storage.merged_accounts import MergedAccounts
from idp.storage.merges import LEASE, MergeStore
from idp.storage.releases import ReleaseStore

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
THREADS = 16


@pytest.fixture
def database(indexed_database: Database) -> Database:
    return indexed_database


@pytest.fixture
def accounts(database: Database) -> AccountStore:
    store = AccountStore(database)
    for name in ("a", "b", "c"):
        identity = Identity("https://idp.example", "eppn", f"{name}@u.example")
        store.create(Account(name, f"subject-{name}", NOW, (identity,), (f"{name}@u.example",)))
    return store


def at_once(work: Callable[[int], object]) -> list[object]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(THREADS)))


def account(accounts: AccountStore, name: str) -> Account:
    found = accounts.find(name)
    assert found
    return found


def merge(survivor: str = "a", other: str = "b", name: str = "") -> Merge:
    until = NOW + timedelta(minutes=10)
    return Merge(name or f"{survivor}-{other}", survivor, other, f"{other}@u.example", NOW, until)


def begun(database: Database, wanted: Merge) -> bool:
    store = MergeStore(database)
    store.offer(wanted, "browser")
    return store.begin(wanted, (), until=NOW + timedelta(days=30), now=NOW)


def test_the_last_address_stays_however_many_are_removed_at_once(database: Database, accounts: AccountStore) -> None:
    book = AccountAddresses(database)
    mine = ["a@u.example", *(f"a{number}@u.example" for number in range(THREADS))][:10]
    for address in mine[1:]:
        assert book.add("a", address)
    at_once(lambda number: book.remove("a", mine[number % len(mine)]))
    assert len(account(accounts, "a").addresses) == 1


def test_one_of_many_accounts_gets_an_address(database: Database, accounts: AccountStore) -> None:
    book = AccountAddresses(database)

    def add(number: int) -> bool:
        try:
            return book.add("abc"[number % 3], "new@u.example")
        except AlreadyExists:
            return False

    at_once(add)
    assert sum("new@u.example" in account(accounts, name).addresses for name in "abc") == 1


def test_another_primary_address_loses_none(database: Database, accounts: AccountStore) -> None:
    book = AccountAddresses(database)
    every = {"a@u.example", "x@u.example", "y@u.example"}
    for address in sorted(every - {"a@u.example"}):
        book.add("a", address)
    at_once(lambda number: book.make_primary("a", sorted(every)[number % 3]))
    found = account(accounts, "a").addresses
    assert (set(found), len(found)) == (every, 3)
    assert not book.make_primary("a", "b@u.example"), "somebody else's"


def test_an_account_is_either_opened_again_or_erased(database: Database, accounts: AccountStore) -> None:
    closed = ClosedAccounts(database)
    assert closed.close("a", reopens_until=NOW)
    claims = at_once(lambda _: closed.claim_overdue(now=NOW, lease=timedelta(minutes=5)))
    assert sum(claim is not None for claim in claims) == 1
    assert not closed.reopen("a", now=NOW)
    assert not closed.reopen("a", now=NOW - timedelta(seconds=1)), "being erased"
    # Whoever claimed it was killed.
    assert closed.claim_overdue(now=NOW + timedelta(minutes=6), lease=timedelta(minutes=5))


def test_one_of_many_opens_it_again(database: Database, accounts: AccountStore) -> None:
    closed = ClosedAccounts(database)
    assert at_once(lambda _: closed.close("a", reopens_until=NOW + timedelta(days=1))).count(True) == 1
    assert at_once(lambda _: closed.reopen("a", now=NOW)).count(True) == 1
    assert closed.claim_overdue(now=NOW + timedelta(days=2), lease=timedelta(minutes=5)) is None


def test_one_offer_is_accepted_once(database: Database, accounts: AccountStore) -> None:
    store = MergeStore(database)
    store.offer(merge(), "browser")
    taken = at_once(lambda _: store.begin(merge(), (), until=NOW + timedelta(days=30), now=NOW))
    assert taken.count(True) == 1


def test_two_accounts_that_swallow_each_other_at_once_do_not_both_go(
    database: Database, accounts: AccountStore
) -> None:
    pairs = [merge(*(("a", "b") if number % 2 else ("b", "a")), name=f"m{number}") for number in range(THREADS)]
    assert at_once(lambda number: begun(database, pairs[number])).count(True) == 1


def test_an_account_takes_part_in_one_merge_at_a_time(database: Database, accounts: AccountStore) -> None:
    assert begun(database, merge("a", "b"))
    assert not begun(database, merge("c", "b"))
    assert not begun(database, merge("b", "c"))
    MergeStore(database).settle(merge("a", "b"), MergeState.DONE)
    assert begun(database, merge("a", "c"))


def test_a_proof_at_the_same_moment_finds_no_account_to_write_to(database: Database, accounts: AccountStore) -> None:
    seen = account(accounts, "b")
    moved = MergedAccounts(database)
    assert moved.leave(merge())
    with pytest.raises(AlreadyExists):
        accounts.record_proof(
            seen, identities=seen.identities, address="b@u.example", attributes={}, locale="fr", now=NOW
        )
    with pytest.raises(AlreadyExists):
        accounts.renew_proof(seen, identities=seen.identities, attributes={}, now=NOW)
    moved.join(merge())
    assert account(accounts, "a").addresses == ("a@u.example", "b@u.example")


def test_nothing_is_merged_where_the_proven_address_has_gone(database: Database, accounts: AccountStore) -> None:
    accounts.release_address("b@u.example", except_account="c", now=NOW)
    assert not MergedAccounts(database).leave(merge())
    assert not account(accounts, "b").disabled


def test_every_step_may_be_done_again(database: Database, accounts: AccountStore) -> None:
    moved, before = MergedAccounts(database), account(accounts, "b")
    for _ in range(2):
        assert moved.leave(merge())
        moved.join(merge())
    merged = account(accounts, "a")
    assert merged.addresses == ("a@u.example", "b@u.example")
    assert [former.subject for former in merged.former_subjects] == ["subject-b"]
    for _ in range(2):
        assert moved.give_back(merge())
    for _ in range(2):
        moved.restore(merge())
    back = account(accounts, "b")
    assert (back.addresses, back.identities, back.disabled) == (before.addresses, before.identities, False)
    assert account(accounts, "a").addresses == ("a@u.example",)


def test_what_applications_received_comes_along_and_goes_back(database: Database, accounts: AccountStore) -> None:
    moved, releases = MergedAccounts(database), ReleaseStore(database)
    releases.note("a", Release("both", frozenset({"name"}), NOW))
    for client_id in ("both", "$other", "used.since"):
        releases.note("b", Release(client_id, frozenset({"email"}), NOW))
    assert moved.leave(merge())
    for _ in range(2):
        moved.join(merge())
    assert {one.client_id: one.claims for one in account(accounts, "a").releases} == {
        "both": {"name"},
        "$other": {"email"},
        "used.since": {"email"},
    }
    releases.note("a", Release("used.since", frozenset({"name"}), NOW))
    assert moved.give_back(merge())
    moved.restore(merge())
    assert {one.client_id for one in account(accounts, "a").releases} == {"both", "used.since"}
    assert {one.client_id for one in account(accounts, "b").releases} == {"both", "$other", "used.since"}


def test_what_a_killed_worker_left_is_taken_over_by_one(database: Database, accounts: AccountStore) -> None:
    assert begun(database, merge())
    store = MergeStore(database)
    assert store.claim_unfinished(now=NOW) is None
    later = NOW + LEASE
    assert sum(found is not None for found in at_once(lambda _: store.claim_unfinished(now=later))) == 1


def test_what_somebody_took_in_between_stays_theirs(database: Database, accounts: AccountStore) -> None:
    moved = MergedAccounts(database)
    assert moved.leave(merge())
    assert AccountAddresses(database).add("c", "b@u.example")
    moved.join(merge())
    assert account(accounts, "a").addresses == ("a@u.example",)
    assert account(accounts, "c").addresses == ("c@u.example", "b@u.example")


def test_former_subjects_of_former_accounts_come_along(database: Database, accounts: AccountStore) -> None:
    moved = MergedAccounts(database)
    for one in (merge("b", "c"), merge("a", "b")):
        assert moved.leave(one)
        moved.join(one)
    assert {former.subject for former in account(accounts, "a").former_subjects} == {"subject-b", "subject-c"}


def proven(accounts: AccountStore, seen: Account, mailbox: str = "") -> None:
    """A proof by whoever read the account a moment ago, with or without the mailbox."""
    mine = (Identity("https://new.example", "eppn", f"{seen.id}@new.example"),)
    if mailbox:
        accounts.record_proof(seen, identities=mine, address=mailbox, attributes={}, locale="fr", now=NOW)
    else:
        accounts.renew_proof(seen, identities=mine, attributes={}, now=NOW)


@pytest.mark.parametrize("mailbox", ["a@u.example", ""])
def test_a_proof_keeps_what_changed_since_the_account_was_read(
    database: Database, accounts: AccountStore, mailbox: str
) -> None:
    seen = account(accounts, "a")
    assert AccountAddresses(database).add("a", "added@u.example")
    assert accounts.unlink("a", "a@u.example")
    proven(accounts, seen, mailbox)
    after = account(accounts, "a")
    assert after.addresses == ("a@u.example", "added@u.example")
    # The helpdesk has just said that it is somebody else's.
    assert [identity.value for identity in after.identities] == ["a@new.example"]


@pytest.mark.parametrize("mailbox", ["guest@u.example", ""])
def test_a_proof_opens_no_account_that_was_disabled_by_hand_meanwhile(accounts: AccountStore, mailbox: str) -> None:
    invited = Invited("teacher", NOW - timedelta(days=1))
    accounts.create(Account("guest", "subject-guest", NOW, addresses=("guest@u.example",), invited=invited))
    assert accounts.expire("guest", now=NOW)
    seen = account(accounts, "guest")
    assert accounts.set_disabled("guest", disabled=True)
    proven(accounts, seen, mailbox)
    assert account(accounts, "guest").disabled


@pytest.mark.parametrize("mailbox", ["guest@u.example", ""])
def test_a_proof_lets_in_whose_invitation_ended_at_the_same_moment(accounts: AccountStore, mailbox: str) -> None:
    invited = Invited("teacher", NOW - timedelta(days=1))
    accounts.create(Account("guest", "subject-guest", NOW, addresses=("guest@u.example",), invited=invited))
    seen = account(accounts, "guest")
    assert accounts.expire("guest", now=NOW)
    proven(accounts, seen, mailbox)
    after = account(accounts, "guest")
    assert (after.disabled, after.expired, after.invited) == (False, False, None)


def test_a_proof_finds_no_account_that_is_being_erased(database: Database, accounts: AccountStore) -> None:
    seen, closed = account(accounts, "a"), ClosedAccounts(database)
    closed.have_erased(["a"], now=NOW)
    assert closed.claim_overdue(now=NOW, lease=timedelta(minutes=5))
    with pytest.raises(AlreadyExists):
        proven(accounts, seen, "a@u.example")


def test_what_is_over_is_not_parted_while_its_account_goes(database: Database, accounts: AccountStore) -> None:
    merges, moved, late = MergeStore(database), MergedAccounts(database), NOW + timedelta(days=31)
    assert begun(database, merge())
    assert moved.leave(merge())
    merges.settle(merge(), MergeState.DONE)
    assert merges.overdue(now=late)
    # By another worker, whose clock is behind.
    assert not merges.begin_parting(merge(), now=NOW)


def test_what_is_being_parted_is_not_over(database: Database, accounts: AccountStore) -> None:
    merges = MergeStore(database)
    assert begun(database, merge())
    merges.settle(merge(), MergeState.DONE)
    assert merges.begin_parting(merge(), now=NOW)
    assert merges.overdue(now=NOW + timedelta(days=31)) is None
