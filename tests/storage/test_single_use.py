"""Races on the real store: of many who try at once, exactly one wins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.collection import Collection

from idp.domain.accounts import Identity
from idp.domain.authorization import AuthorizationRequest, PendingAuthorization
from idp.domain.keyed import random_id
from idp.domain.one_time_codes import ATTEMPTS, LIFETIME, CodePurpose, OneTimeCode
from idp.domain.proofing import Proofing, ProofingState
from idp.storage import accounts, authorizations, limits, one_time_codes, proofings
from idp.storage.authorizations import AuthorizationStore
from idp.storage.database import Database
from idp.storage.limits import LimitStore
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.proofings import ProofingStore

NOW = datetime(2050, 9, 1, 12, tzinfo=UTC)
MANY = 16


@pytest.fixture(autouse=True)
def _indexes(database: Database) -> None:
    database.create_indexes(
        (accounts.INDEXES, authorizations.INDEXES, limits.INDEXES, one_time_codes.INDEXES, *proofings.INDEXES)
    )


def at_once(act: Callable[[], Any], times: int = MANY) -> list[Any]:
    with ThreadPoolExecutor(times) as pool:
        return [future.result() for future in [pool.submit(act) for _ in range(times)]]


def code(code_id: str = "code", browser: str = "browser", **changes: Any) -> OneTimeCode:
    facts = {"purpose": CodePurpose.SIGN_IN, "address": "a@univ-exemple.fr", "account_id": "account"} | changes
    return OneTimeCode(id=code_id, browser=browser, created_at=NOW, expires_at=NOW + LIFETIME, **facts)


def proofing(proofing_id: str = "proofing", **changes: Any) -> Proofing:
    facts = {"state": ProofingState.STARTED, "request_id": f"_{proofing_id}", "browser": "browser"} | changes
    return Proofing(
        id=proofing_id,
        authorization_id="authorization",
        entity_id="https://idp.example",
        reference="ABCD-EFGH",
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        **facts,
    )


def test_o_18_of_200_parallel_guesses_at_most_five_are_evaluated(database: Database) -> None:
    store = OneTimeCodeStore(database)
    store.issue(code(), now=NOW)
    evaluated = [found for found in at_once(lambda: store.attempt("code", "browser", now=NOW), 200) if found]
    assert len(evaluated) == ATTEMPTS


def test_o_16_a_code_is_taken_once(database: Database) -> None:
    store = OneTimeCodeStore(database)
    store.issue(code(), now=NOW)
    assert sorted(at_once(lambda: store.take("code", now=NOW))) == [False] * (MANY - 1) + [True]
    assert store.issue(code("next"), now=NOW).id == "next"


def test_o_16_asking_again_gives_the_same_code_and_does_not_reset_the_count(database: Database) -> None:
    store = OneTimeCodeStore(database)
    asked = {store.issue(code(f"code-{number}"), now=NOW).id for number in range(3)}
    assert asked == {"code-0"}
    for _ in range(ATTEMPTS):
        assert store.attempt("code-0", "browser", now=NOW)
    assert store.issue(code("code-9"), now=NOW).id == "code-0"
    assert store.attempt("code-0", "browser", now=NOW) is None


def test_o_18_a_code_is_used_up_by_its_tries_until_its_end_and_in_its_browser(database: Database) -> None:
    store = OneTimeCodeStore(database)
    store.issue(code(), now=NOW)
    for _ in range(ATTEMPTS):
        assert not store.is_used_up("code", "browser", now=NOW)
        store.attempt("code", "browser", now=NOW)
    assert store.is_used_up("code", "browser", now=NOW)
    assert not store.is_used_up("code", "another browser", now=NOW)
    assert not store.is_used_up("code", "browser", now=NOW + LIFETIME)
    store.take("code", now=NOW)
    assert not store.is_used_up("code", "browser", now=NOW), "taken by the last try"


def test_asking_at_once_makes_one_code(database: Database) -> None:
    store = OneTimeCodeStore(database)
    numbers = iter(range(MANY))
    asked = at_once(lambda: store.issue(code(f"code-{next(numbers)}"), now=NOW).id)
    assert len(set(asked)) == 1


def test_o_16_a_code_dies_after_ten_minutes_and_a_new_one_is_made(database: Database) -> None:
    store = OneTimeCodeStore(database)
    store.issue(code(), now=NOW)
    later = NOW + LIFETIME
    assert store.attempt("code", "browser", now=later) is None
    assert not store.take("code", now=later)
    assert store.issue(code("next"), now=later).id == "next"


def test_o_16_each_step_asks_for_the_end_and_the_use_by_itself(database: Database) -> None:
    """``attempt`` ends what has expired, and writes of one moment look alike: nothing else comes before these."""
    store, later = OneTimeCodeStore(database), NOW + LIFETIME
    store.issue(code("expired"), now=NOW)
    assert not store.take("expired", now=later)
    assert store.issue(code("next"), now=later).id == "next"
    store.issue(code("taken", address="b@univ-exemple.fr"), now=NOW)
    assert store.take("taken", now=NOW)
    assert not store.take("taken", now=NOW + timedelta(seconds=1))


def test_a_guess_counts_for_its_own_code_and_an_address_voids_its_own_codes(database: Database) -> None:
    store = OneTimeCodeStore(database)
    for name in "ab":
        store.issue(code(name, address=f"{name}@univ-exemple.fr"), now=NOW)
    for _ in range(ATTEMPTS):
        found = store.attempt("b", "browser", now=NOW)
        assert found is not None
        assert found.id == "b"
    assert store.is_used_up("b", "browser", now=NOW)
    assert not store.is_used_up("a", "browser", now=NOW)
    store.void_address("b@univ-exemple.fr", now=NOW)
    assert store.take("a", now=NOW)


def test_o_17_a_code_works_in_the_browser_that_asked_alone(database: Database) -> None:
    store = OneTimeCodeStore(database)
    store.issue(code(), now=NOW)
    assert store.attempt("code", "another browser", now=NOW) is None


def test_o_25_voiding_an_address_kills_its_codes(database: Database) -> None:
    store = OneTimeCodeStore(database)
    store.issue(code(), now=NOW)
    store.void_address("a@univ-exemple.fr", now=NOW)
    assert store.attempt("code", "browser", now=NOW) is None
    assert store.issue(code("next"), now=NOW).id == "next"


def test_o_09_a_request_is_answered_once(database: Database) -> None:
    store = ProofingStore(database)
    store.put(proofing(), link_hash="hash")
    moved = at_once(lambda: store.move("proofing", ProofingState.STARTED, ProofingState.RECEIVED, now=NOW))
    assert sum(found is not None for found in moved) == 1


@pytest.mark.parametrize(
    ("state", "ends"),
    [(ProofingState.ANSWERED, True), (ProofingState.VOUCHED, True), (ProofingState.CONFIRMED, False)],
)
def test_who_denies_ends_a_proof_until_its_mailbox_is_proven(
    database: Database, state: ProofingState, ends: bool
) -> None:
    store = ProofingStore(database)
    store.put(proofing(state=state), link_hash="hash")
    store.deny("proofing")
    assert (store.find("proofing", now=NOW) is None) == ends


def test_a_mailed_link_leads_on_in_one_other_browser(database: Database) -> None:
    store = ProofingStore(database)
    store.put(proofing(state=ProofingState.VOUCHED), link_hash="vouched")
    store.put(proofing("confirmed", state=ProofingState.CONFIRMED), link_hash="confirmed")
    assert at_once(lambda: store.follow("proofing", random_id(), now=NOW)).count(True) == 1
    assert not store.follow("confirmed", "elsewhere", now=NOW)


def test_o_25_a_proven_mailbox_ends_every_other_unfinished_proof_for_it_and_no_more(database: Database) -> None:
    store = ProofingStore(database)
    mailbox, another = "a@univ-exemple.fr", "b@univ-exemple.fr"
    for name, address, state in (
        ("this", mailbox, ProofingState.VOUCHED),
        ("other", mailbox, ProofingState.VOUCHED),
        ("completed", mailbox, ProofingState.COMPLETED),
        ("elsewhere", another, ProofingState.VOUCHED),
    ):
        store.put(proofing(name, address=address, state=state), link_hash=name)
    store.void_address(mailbox, by=proofing("this", confirmed_at=NOW))
    assert [store.find(name, now=NOW) is not None for name in ("this", "other", "completed", "elsewhere")] == [
        True,
        False,
        True,
        True,
    ]


def test_o_25_of_proofs_that_are_confirmed_at_once_each_ends_those_before_it_so_that_one_stays(
    database: Database,
) -> None:
    store, mailbox = ProofingStore(database), "a@univ-exemple.fr"
    moments = {"first": NOW, "second": NOW + timedelta(seconds=1), "same moment": NOW}
    made = {
        name: proofing(name, address=mailbox, state=ProofingState.CONFIRMED, confirmed_at=at)
        for name, at in moments.items()
    }
    for name, one in made.items():
        store.put(one, link_hash=name)
    for one in made.values():
        store.void_address(mailbox, by=one)
    assert [name for name in made if store.find(name, now=NOW)] == ["second"]


@pytest.mark.parametrize(
    ("state", "browser", "later", "named", "is_other"),
    [
        (ProofingState.VOUCHED, "browser", timedelta(), "noe", True),
        (ProofingState.CONFIRMED, "browser", timedelta(), "noe", True),
        (ProofingState.VOUCHED, "browser", timedelta(), "ines", False),
        (ProofingState.COMPLETED, "browser", timedelta(), "noe", False),
        (ProofingState.VOUCHED, "another", timedelta(), "noe", False),
        (ProofingState.VOUCHED, "browser", timedelta(hours=1), "noe", False),
    ],
)
def test_o_24_a_browser_is_on_the_way_with_somebody_else_or_not(
    database: Database, state: ProofingState, browser: str, later: timedelta, named: str, is_other: bool
) -> None:
    store = ProofingStore(database)
    ines, asked = (Identity("https://idp.example", "eppn", name) for name in ("ines", named))
    store.put(proofing(state=state, identities=(ines,)), link_hash="hash")
    assert store.is_other_in(browser, (asked,), now=NOW + later) is is_other


def test_o_09_message_ids_are_seen_once(database: Database) -> None:
    store = ProofingStore(database)
    later = NOW + timedelta(days=1)
    seen = at_once(lambda: store.first_use("https://idp.example", "_response", "_assertion", expires_at=later))
    assert seen.count(True) == 1
    assert not store.first_use("https://idp.example", "_another", "_assertion", expires_at=later)
    assert store.first_use("https://other.example", "_another", "_assertion", expires_at=later)


def test_an_expired_proofing_moves_no_more(database: Database) -> None:
    store = ProofingStore(database)
    store.put(proofing(), link_hash="hash")
    late = NOW + timedelta(hours=1)
    assert store.move("proofing", ProofingState.STARTED, ProofingState.RECEIVED, now=late) is None
    assert store.by_link("hash", now=late) is None


def test_an_authorization_request_is_answered_once_and_keeps_its_parameters(database: Database) -> None:
    store = AuthorizationStore(database)
    request = AuthorizationRequest(
        "client",
        "https://client.example/cb",
        scope=("openid", "email"),
        claims={"userinfo": {"email": None}},
        max_age=60,
    )
    pending = PendingAuthorization("handle", "browser", request, NOW, NOW + timedelta(hours=1), "ABCD-EFGH")
    store.put(pending)
    assert store.find("handle", "another browser", now=NOW) is None
    assert store.find("handle", "browser", now=NOW) == pending
    taken = [found for found in at_once(lambda: store.take("handle", "browser", now=NOW)) if found]
    assert taken == [pending]


def test_o_20_a_limit_holds_over_a_sliding_window_and_in_parallel(database: Database) -> None:
    store = LimitStore(database)
    hour = timedelta(hours=1)

    def count(now: datetime) -> bool:
        return store.count("key", limit=5, window=hour, now=now)

    assert at_once(lambda: count(NOW)).count(True) == 5
    assert not count(NOW + timedelta(minutes=59))
    assert not store.allows("key", limit=5, window=hour, now=NOW + timedelta(minutes=59))
    assert store.allows("key", limit=5, window=hour, now=NOW + hour)
    assert count(NOW + hour)
    store.forget("key")
    assert store.allows("key", limit=1, window=hour, now=NOW + hour)


def test_asking_again_for_another_account_makes_another_code(database: Database) -> None:
    store = OneTimeCodeStore(database)
    assert store.issue(code("nobody", account_id=None), now=NOW).id == "nobody"
    assert store.issue(code("invited", account_id=None, invitation_id="i"), now=NOW).id == "invited"
    assert store.issue(code("mine"), now=NOW).id == "mine"
    assert store.issue(code("again"), now=NOW).id == "mine"


def test_a_code_that_is_used_while_it_is_asked_for_again_is_not_handed_out_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = OneTimeCodeStore(database)
    store.issue(code("first"), now=NOW)
    insert = Collection.insert_one

    def used_meanwhile(self: Any, document: Any, **options: Any) -> Any:
        try:
            return insert(self, document, **options)
        finally:
            store.take("first", now=NOW)

    with monkeypatch.context() as at_the_same_moment:
        at_the_same_moment.setattr(Collection, "insert_one", used_meanwhile)
        assert store.issue(code("second"), now=NOW).id == "second"
    assert store.attempt("second", "browser", now=NOW), "what is mailed is kept"


def test_a_code_that_was_issued_at_the_same_moment_stays_the_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also to whoever saw the one before it go, and looks for room."""
    store = OneTimeCodeStore(database)
    store.issue(code(), now=NOW)
    with monkeypatch.context() as patch:
        seen = iter([None])
        patch.setattr(store, "like", lambda asked: next(seen, code()))
        assert store.issue(code("next"), now=NOW).id == "code"
    assert store.like(code("last")) == code()


def test_a_code_is_for_one_purpose_browser_address_and_proofing(database: Database) -> None:
    store = OneTimeCodeStore(database)
    each = (
        code("1"),
        code("2", purpose=CodePurpose.ADDRESS),
        code("3", browser="another"),
        code("4", address="b@univ-exemple.fr"),
        code("5", proofing_id="proofing"),
    )
    assert [store.issue(one, now=NOW).id for one in each] == ["1", "2", "3", "4", "5"]
    assert store.find("3", "another") == each[2]
    assert store.find("3", "browser") is None


def test_a_code_is_awaited_at_its_own_address_until_it_is_used_or_over(database: Database) -> None:
    store = OneTimeCodeStore(database)
    store.issue(code(), now=NOW)
    addresses = ("another@univ-exemple.fr", "a@univ-exemple.fr")
    assert store.is_awaited(addresses, now=NOW)
    assert not store.is_awaited(addresses[:1], now=NOW)
    assert not store.is_awaited(addresses, now=NOW + LIFETIME)
    store.take("code", now=NOW)
    assert not store.is_awaited(addresses, now=NOW)


def test_o_18_a_refused_try_ends_what_is_over_and_nothing_else(database: Database) -> None:
    store = OneTimeCodeStore(database)
    store.issue(code(), now=NOW)
    for _ in range(ATTEMPTS + 1):
        store.attempt("code", "browser", now=NOW)
    assert store.issue(code("fresh tries"), now=NOW).id == "code"
    store.issue(code("over", address="b@univ-exemple.fr"), now=NOW)
    assert store.attempt("over", "browser", now=NOW + LIFETIME) is None
    assert store.attempt("over", "browser", now=NOW) is None, "the clock went back"
    anew = code("anew", address="b@univ-exemple.fr")
    assert store.issue(anew, now=NOW).id == "anew", "what is mailed can be used, whatever the clock says"


def test_o_20_a_limit_holds_in_the_next_window_too_and_is_kept_until_its_end(database: Database) -> None:
    store = LimitStore(database)
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    times = [NOW, *(NOW + hour + number * minute for number in range(3))]
    assert [store.count("key", limit=2, window=hour, now=time) for time in times] == [True, True, True, False]
    (kept,) = database.collection("limits").find()
    assert (kept["times"], kept["expires_at"]) == (times[1:3], times[2] + hour)
    store.uncount("key")
    assert store.counted(("key",), window=hour, now=times[1] + hour) == {}, "the newest was taken back"


def test_o_20_an_event_counts_for_one_window_and_no_longer(database: Database) -> None:
    store, hour = LimitStore(database), timedelta(hours=1)
    for now in (NOW, NOW + timedelta(minutes=1)):
        store.count("key", limit=5, window=hour, now=now)
    assert store.counted(("key",), window=hour, now=NOW + hour) == {"key": 1}


def test_o_20_a_clock_that_goes_back_lets_nothing_be_forgotten_sooner(database: Database) -> None:
    store, hour = LimitStore(database), timedelta(hours=1)
    for now in (NOW, NOW - timedelta(minutes=50)):
        assert store.count("key", limit=5, window=hour, now=now)
    (kept,) = database.collection("limits").find()
    assert kept["expires_at"] == NOW + hour
