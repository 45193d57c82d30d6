"""Keys change while tokens are issued and checked, and nobody notices."""

import logging
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwk, jws, jwt

from idp.domain.signing_keys import ALGORITHMS, JWKS_MAX_AGE, PUBLISHED_AFTER, PUBLISHED_BEFORE, KeyState
from idp.openid.id_token import IdTokens
from idp.openid.key_files import new_key
from idp.openid.keys import KeyStore
from tests.openid.world import PORTAL, World

START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


class Clock:
    """Goes on when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def state_of(store: KeyStore, kid: str) -> KeyState | None:
    return {key.kid: state for key, state in store.every()}.get(kid)


def published(store: KeyStore) -> list[str]:
    return [key["kid"] for key in store.jwks()["keys"]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_token_verifies_at_any_moment_with_keys_fetched_at_most_max_age_ago(
    tmp_path: Path, clock: Clock, algorithm: str
) -> None:
    """Two workers sign, a relying party fetches from either; the key is rotated twice meanwhile."""
    workers = [KeyStore(tmp_path, clock=clock, algorithms=ALGORITHMS) for _ in range(2)]
    signers = [IdTokens("https://idp.example", worker) for worker in workers]
    step, lifetime = timedelta(seconds=50), timedelta(hours=1)
    cached: deque[tuple[datetime, jwk.KeySet]] = deque()
    tokens: deque[tuple[datetime, str]] = deque()
    signed_by = set()
    for turn in range(130):
        clock.now += step
        if turn in (20, 70):
            workers[0].rotate(algorithm)
        # The other worker may be a second late with what it knows; the first one has just looked.
        tokens.append((clock.now, signers[turn % 2].sign({"sub": "s", "aud": "c"}, algorithm)))
        cached.append((clock.now, jwk.KeySet.import_key_set(workers[(turn // 2) % 2].jwks())))  # type: ignore[arg-type]
        while clock.now - cached[0][0] > JWKS_MAX_AGE:
            cached.popleft()
        while clock.now - tokens[0][0] > lifetime:
            tokens.popleft()
        for keys in (cached[0][1], cached[-1][1]):
            for token in (tokens[0][1], tokens[len(tokens) // 2][1], tokens[-1][1]):
                signed_by.add(jwt.decode(token, keys, algorithms=[algorithm]).header["kid"])
    assert len(signed_by) == 3


def test_a_new_key_is_published_before_it_signs_and_the_old_one_stays_for_its_tokens(
    tmp_path: Path, clock: Clock
) -> None:
    store, other = KeyStore(tmp_path, clock=clock), KeyStore(tmp_path, clock=clock)
    old = store.signing().kid
    new = store.rotate("RS256").kid
    clock.now += timedelta(seconds=2)
    assert (other.signing().kid, state_of(other, new)) == (old, KeyState.NEXT)
    assert {old, new} <= set(published(other))
    clock.now = START + PUBLISHED_BEFORE
    assert (other.signing().kid, state_of(other, old)) == (new, KeyState.OLD)
    assert old in published(other)
    clock.now += PUBLISHED_AFTER
    assert state_of(other, old) is KeyState.RETIRED
    assert old not in published(other)
    assert other.find(old) is not None
    store.remove(old)
    clock.now += timedelta(seconds=2)
    assert other.find(old) is None


def test_the_first_key_signs_from_when_it_was_made(tmp_path: Path) -> None:
    """Nobody signs before it; told to begin eleven minutes later, it would sign before its time."""
    store = KeyStore(tmp_path, algorithms=ALGORITHMS)
    second = store.rotate("RS256").kid
    made = {key.path: datetime.fromtimestamp(key.path.stat().st_mtime, UTC) for key, _ in store.every()}
    firsts = [(key, state) for key, state in store.every() if key.kid != second]
    assert [(key.signs_from, state) for key, state in firsts] == [
        (made[key.path], KeyState.SIGNING) for key, _ in firsts
    ]
    assert state_of(store, second) is KeyState.NEXT


def test_a_key_that_follows_another_waits_whatever_its_name(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    (tmp_path / "openid-0002.pem").write_bytes(new_key("RS256"))
    other = KeyStore(tmp_path)
    second = next(key for key, _ in other.every() if key.path.name == "openid-0002.pem")
    assert state_of(other, second.kid) is KeyState.NEXT
    assert second.signs_from == datetime.fromtimestamp(second.path.stat().st_mtime, UTC) + PUBLISHED_BEFORE
    assert other.signing().kid == store.signing().kid


def test_a_lost_key_is_replaced_at_once(tmp_path: Path, clock: Clock) -> None:
    store = KeyStore(tmp_path, clock=clock)
    lost = store.signing("ES256").kid
    clock.now += timedelta(seconds=1)
    assert store.rotate("ES256", at_once=True).kid == store.signing("ES256").kid != lost


def test_a_bad_file_is_told_once_and_the_last_good_keys_stay(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = KeyStore(tmp_path, clock=clock)
    kid = store.signing().kid
    (tmp_path / "openid-zz.pem").write_bytes(b"junk")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            clock.now += timedelta(seconds=2)
            assert store.signing().kid == kid
    assert [record.message for record in caplog.records] == ["keys_kept"]


def test_a_folder_that_was_emptied_leaves_the_keys_in_use(tmp_path: Path, clock: Clock) -> None:
    store = KeyStore(tmp_path, clock=clock)
    kid = store.signing().kid
    for path in tmp_path.glob("openid-*.pem"):
        path.unlink()
    clock.now += timedelta(seconds=2)
    assert store.signing().kid == kid


def test_nothing_private_is_shown_or_logged(tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        store = KeyStore(tmp_path, clock=clock, algorithms=ALGORITHMS)
        store.rotate("RS256")
        clock.now += timedelta(seconds=2)
        store.jwks()
    private = [str(key.key.as_dict(private=True)["d"]) for key, _ in store.every()]
    shown = caplog.text + repr([vars(record) for record in caplog.records]) + repr(store.every()) + repr(store.jwks())
    assert caplog.records
    assert not [secret for secret in private if secret in shown]


def test_each_client_gets_the_algorithm_that_it_registered(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, id_token_signed_response_alg="ES256")
    token = world.tokens()["id_token"]
    assert jws.extract_compact(token.encode()).headers()["alg"] == "ES256"
    keys = jwk.KeySet.import_key_set(world.provider.jwks())  # type: ignore[arg-type]
    assert jwt.decode(token, keys, algorithms=["ES256"]).claims["aud"] == "portail"
    assert world.provider.read_end_session([("id_token_hint", token)]).hint_is_valid


def test_signing_goes_on_while_keys_change(tmp_path: Path, clock: Clock) -> None:
    store = KeyStore(tmp_path, clock=clock)
    signer, stop = IdTokens("https://idp.example", store), threading.Event()

    def sign() -> list[str]:
        tokens = []
        while not stop.is_set():
            tokens.append(signer.sign({"sub": "s", "aud": "c"}, "ES256"))
            assert len(store.every()) >= 2
        return tokens

    with ThreadPoolExecutor(4) as pool:
        signing = [pool.submit(sign) for _ in range(4)]
        for _ in range(5):
            clock.now += timedelta(seconds=5)
            store.rotate("ES256", at_once=True)
        stop.set()
        tokens = [token for future in signing for token in future.result()]
    keys = jwk.KeySet.import_key_set(store.jwks())  # type: ignore[arg-type]
    assert tokens
    for token in tokens:
        jwt.decode(token, keys, algorithms=["ES256"])
