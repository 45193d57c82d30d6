"""Grants on the real store: what is used up is used up once, and a revoked family is gone at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.errors import ServiceUnavailable
from idp.domain.grants import Grant, IssuedToken, Rotation
from idp.domain.sessions import SignIn
from idp.storage.database import Database
from idp.storage.grants import INDEXES, GrantStore

# Far ahead, so that MongoDB's own clock never clears away what a test has just stored.
NOW = datetime(2050, 9, 1, 12, tzinfo=UTC)
GRANT = Grant(
    id="grant",
    account_id="account",
    client_id="client",
    subject="subject",
    scope=("openid", "offline_access"),
    redirect_uri="https://client.example/cb",
    sign_in=SignIn("account", "sid", NOW - timedelta(minutes=1), ("pwd", "otp"), "acr"),
    code_hash="code",
    code_expires_at=NOW + timedelta(seconds=60),
    created_at=NOW,
    expires_at=NOW + timedelta(days=90),
    nonce="nonce",
    code_challenge="challenge",
    claims={"userinfo": {"https://example.org/claim.with$": {"value": "x"}}},
)
ACCESS = IssuedToken("access", ("openid",), NOW + timedelta(hours=1))
REFRESH = IssuedToken("refresh", ("openid",), NOW + timedelta(days=30))


@pytest.fixture
def grants(database: Database) -> GrantStore:
    database.create_indexes([INDEXES])
    return GrantStore(database)


def test_a_grant_comes_back_as_it_was_kept(grants: GrantStore) -> None:
    grants.add(GRANT)
    assert grants.by_code("code") == GRANT
    assert grants.by_code("another") is None


def test_a_code_is_taken_once_and_gives_its_tokens(grants: GrantStore) -> None:
    grants.add(GRANT)
    assert grants.refresh_state("grant") is None
    assert grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    assert not grants.take_code(GRANT, replace(ACCESS, hash="second"), None, now=NOW)
    used = grants.by_code("code")
    assert used is not None
    assert used.code_used_at == NOW
    token = grants.by_access_token("access", now=NOW)
    assert token is not None
    assert (token.grant, token.scope, token.expires_at) == (used, ("openid",), ACCESS.expires_at)
    assert grants.by_access_token("second", now=NOW) is None
    state = grants.refresh_state("grant")
    assert state is not None
    assert (state.grant, state.hash, state.expires_at) == (used, "refresh", REFRESH.expires_at)


@pytest.mark.parametrize(
    "changed",
    [{"client_id": "another"}, {"id": "another"}, {"code_hash": "another"}],
    ids=lambda changed: str(*changed),
)
def test_nothing_is_taken_with_another_client_or_code(grants: GrantStore, changed: dict[str, str]) -> None:
    grants.add(GRANT)
    assert not grants.take_code(replace(GRANT, **changed), ACCESS, None, now=NOW)  # type: ignore[arg-type]


def test_expired_codes_and_tokens_count_for_nothing_before_they_are_cleared_away(grants: GrantStore) -> None:
    grants.add(GRANT)
    assert not grants.take_code(GRANT, ACCESS, None, now=GRANT.code_expires_at)
    assert grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    assert grants.by_access_token("access", now=ACCESS.expires_at) is None
    assert not grants.rotate_refresh("grant", "refresh", ACCESS, REFRESH, now=REFRESH.expires_at)


def test_rotation_replaces_the_refresh_token_and_keeps_live_access_tokens(grants: GrantStore) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    later = NOW + timedelta(minutes=30)
    second = replace(ACCESS, hash="access-2", expires_at=later + timedelta(hours=1))
    assert grants.rotate_refresh("grant", "refresh", second, replace(REFRESH, hash="refresh-2"), now=later)
    assert not grants.rotate_refresh("grant", "refresh", second, REFRESH, now=later)
    assert grants.by_access_token("access", now=later)
    assert grants.by_access_token("access-2", now=later)
    state = grants.refresh_state("grant")
    assert state is not None
    assert state.hash == "refresh-2"


def test_dead_access_tokens_are_dropped_and_the_living_are_bounded(grants: GrantStore, database: Database) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    later = NOW + timedelta(hours=2)
    for number in range(20):
        access = IssuedToken(f"access-{number}", (), later + timedelta(hours=1))
        old, new = ("refresh" if number == 0 else f"refresh-{number - 1}"), replace(REFRESH, hash=f"refresh-{number}")
        assert grants.rotate_refresh("grant", old, access, new, now=later)
    document = database.collection("grants").find_one({"_id": "grant"})
    assert document is not None
    assert [token["hash"] for token in document["access"]] == [f"access-{number}" for number in range(4, 20)]


def test_of_many_takers_one_wins(grants: GrantStore) -> None:
    grants.add(GRANT)
    with ThreadPoolExecutor(16) as pool:
        takes = [pool.submit(grants.take_code, GRANT, ACCESS, REFRESH, now=NOW) for _ in range(16)]
    assert sum(take.result() for take in takes) == 1


def test_of_many_rotations_one_wins(grants: GrantStore) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    successors = [replace(REFRESH, hash=f"refresh-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        turns = [pool.submit(grants.rotate_refresh, "grant", "refresh", ACCESS, new, now=NOW) for new in successors]
    assert sum(turn.result() for turn in turns) == 1


def test_a_revoked_family_is_gone_at_once(grants: GrantStore) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    grants.revoke("grant")
    assert grants.by_code("code") is None
    assert grants.by_access_token("access", now=NOW) is None
    assert grants.refresh_state("grant") is None
    assert not grants.rotate_refresh("grant", "refresh", ACCESS, REFRESH, now=NOW)


def test_who_had_a_revoked_family_is_still_told_of_the_end_of_the_sign_in(grants: GrantStore) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    grants.revoke("grant")
    (told,) = grants.used_by_session(GRANT.sign_in.sid)
    assert told.client_id == GRANT.client_id
    assert not grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    assert grants.revoke_session(GRANT.sign_in.sid) == 1
    assert grants.used_by_session(GRANT.sign_in.sid) == ()


def test_sessions_and_accounts_are_revoked_without_the_others(grants: GrantStore) -> None:
    other = replace(
        GRANT, id="other", code_hash="other", account_id="b", sign_in=replace(GRANT.sign_in, sid="b", account_id="b")
    )
    third = replace(other, id="third", code_hash="third", sign_in=replace(other.sign_in, sid="c"))
    for grant in (GRANT, other, third):
        grants.add(grant)
    assert grants.revoke_session("b") == 1
    assert grants.revoke_session("b") == 0
    assert grants.revoke_account("account") == 1
    assert grants.by_code("third") == third


def test_documents_are_cleared_away_when_the_last_token_is_dead(grants: GrantStore, database: Database) -> None:
    grants.add(GRANT)
    document = database.collection("grants").find_one({"_id": "grant"})
    assert document is not None
    assert document["purge_at"] - GRANT.code_expires_at < timedelta(hours=1)
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    document = database.collection("grants").find_one({"_id": "grant"})
    assert document is not None
    assert timedelta(0) < document["purge_at"] - REFRESH.expires_at < timedelta(hours=1)


def test_an_absent_database_is_told_as_such() -> None:
    nowhere = GrantStore(Database("mongodb://127.0.0.1:1/", "nowhere", timeout_ms=100))
    with pytest.raises(ServiceUnavailable):
        nowhere.by_code("code")
    with pytest.raises(ServiceUnavailable):
        nowhere.take_code(GRANT, ACCESS, None, now=NOW)


ROTATION = Rotation("refresh", "refresh-2", NOW + timedelta(days=30))


def rotated(grants: GrantStore, **changed: str) -> Grant | None:
    which = {"grant_id": "grant", "client_id": "client"} | changed
    return grants.rotate_at_once(**which, refresh=ROTATION, access_hash="a", access_until=ACCESS.expires_at, now=NOW)


def test_a_plain_rotation_gives_what_was_granted_for_as_long_as_the_grant_lives(grants: GrantStore) -> None:
    ends = NOW + timedelta(days=3)
    grants.add(replace(GRANT, expires_at=ends))
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    assert rotated(grants) == replace(GRANT, expires_at=ends, code_used_at=NOW)
    token, state = grants.by_access_token("a", now=NOW), grants.refresh_state("grant")
    assert token is not None
    assert state is not None
    assert token.scope == GRANT.scope
    assert (state.hash, state.previous_hash, state.expires_at) == ("refresh-2", "refresh", ends)
    assert rotated(grants) is None


def purge_at(database: Database) -> datetime:
    document = database.collection("grants").find_one({"_id": "grant"})
    assert document is not None
    moment = document["purge_at"]
    assert isinstance(moment, datetime)
    return moment


def test_a_plain_rotation_keeps_the_document_until_the_successor_is_dead(
    grants: GrantStore, database: Database
) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, replace(REFRESH, expires_at=NOW + timedelta(days=1)), now=NOW)
    assert purge_at(database) < ROTATION.idle_until
    assert rotated(grants)
    assert timedelta(0) < purge_at(database) - ROTATION.idle_until < timedelta(hours=1)


def test_a_rotation_step_by_step_keeps_it_as_long_and_one_more_access_token_too(
    grants: GrantStore, database: Database
) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, replace(REFRESH, expires_at=NOW + timedelta(minutes=90)), now=NOW)
    successor = replace(REFRESH, hash="refresh-2", expires_at=NOW + timedelta(hours=2))
    assert grants.rotate_refresh("grant", "refresh", ACCESS, successor, now=NOW)
    assert timedelta(0) < purge_at(database) - successor.expires_at < timedelta(hours=1)
    more = replace(ACCESS, hash="access-2", expires_at=NOW + timedelta(days=2))
    assert grants.add_access("grant", "refresh-2", more, now=NOW)
    assert timedelta(0) < purge_at(database) - more.expires_at < timedelta(hours=1)


def test_one_more_access_token_is_for_the_live_refresh_token_alone(grants: GrantStore) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    assert rotated(grants)
    more = replace(ACCESS, hash="access-2")
    assert not grants.add_access("grant", "refresh", more, now=NOW), "rotated meanwhile"
    assert not grants.add_access("grant", "refresh-2", more, now=ROTATION.idle_until), "expired meanwhile"
    assert not grants.add_access("another", "refresh-2", more, now=NOW)
    assert grants.by_access_token("access-2", now=NOW) is None
    assert grants.add_access("grant", "refresh-2", more, now=NOW)


@pytest.mark.parametrize("changed", [{"grant_id": "another"}, {"client_id": "another"}], ids=lambda each: str(*each))
def test_a_plain_rotation_is_for_the_client_of_the_grant_alone(grants: GrantStore, changed: dict[str, str]) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    assert rotated(grants, **changed) is None


def test_a_bound_token_and_a_grant_for_resources_are_not_plain(grants: GrantStore) -> None:
    grants.add(replace(GRANT, resources=("https://api.example",)))
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    assert rotated(grants) is None
    grants.withdraw("grant")
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, replace(REFRESH, jkt="key"), now=NOW)
    assert rotated(grants) is None


def test_of_many_plain_rotations_one_wins(grants: GrantStore) -> None:
    grants.add(GRANT)
    grants.take_code(GRANT, ACCESS, REFRESH, now=NOW)
    with ThreadPoolExecutor(16) as pool:
        turns = [pool.submit(rotated, grants) for _ in range(16)]
    assert sum(turn.result() is not None for turn in turns) == 1
