import os
import sys
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import bcrypt
import pytest

from idp.domain.errors import ServiceUnavailable
from idp.domain.keyed import SecretKey
from idp.domain.measures import waited_before
from idp.domain.passwords import HashingBounds, PasswordHasher, Places
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def hasher() -> PasswordHasher:
    return PasswordHasher(SecretKey(b"0123456789abcdef0123456789abcdef"), 4)


@pytest.mark.parametrize(
    "password",
    ["Une phrase, avec des espaces !", "motdepasse\x00suite", "é" * 100, "🔑" * 20, "x" * 73, "x" * 100_000, " "],
)
def test_o_27_any_password_is_stored_and_verified_whole(hasher: PasswordHasher, password: str) -> None:
    stored = hasher.hash(password)
    assert hasher.verify(password, stored)
    assert not hasher.verify(password + "x", stored)
    assert not hasher.verify(password[:-1], stored)


def test_o_27_passwords_equal_in_their_first_72_bytes_are_not_equal(hasher: PasswordHasher) -> None:
    assert not hasher.verify("a" * 72 + "c", hasher.hash("a" * 72 + "b"))


def test_o_27_nfc_and_nfd_are_the_same_password(hasher: PasswordHasher) -> None:
    composed = unicodedata.normalize("NFC", "élève à l'hôpital")
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert hasher.verify(decomposed, hasher.hash(composed))


def test_what_an_earlier_release_stored_still_opens(hasher: PasswordHasher) -> None:
    """Whatever changed here, key, form of the text or order, would lock everybody out at once."""
    stored = "$2b$04$BnHFSJ6jBXglnpKh3Bk/NeOvyAAzLujiDkHLAM4FasRkl/zpwaO.K"
    assert hasher.verify("élève ﬁdèle n° ½", stored)
    assert not hasher.needs_rehash(stored)


def test_where_there_is_no_password_nothing_matches_after_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher, compared = PasswordHasher(SecretKey(b"0123456789abcdef0123456789abcdef"), 5), []

    def checkpw(password: bytes, hashed: bytes) -> bool:
        # All that bcrypt takes of the stored hash before it compares: it refuses what is not one.
        made = bcrypt.hashpw(password, hashed)
        compared.append((made[:7], len(made) == len(hashed), made == hashed))
        return made == hashed

    monkeypatch.setattr("idp.domain.passwords.bcrypt.checkpw", checkpw)
    assert not hasher.verify("Une phrase secrète", None)
    assert not hasher.verify("", None)
    assert hasher.verify("Une phrase secrète", hasher.hash("Une phrase secrète"))
    assert compared == [(b"$2b$05$", True, False)] * 2 + [(b"$2b$05$", True, True)]


def test_where_there_is_no_password_nothing_opens_whatever_bcrypt_says(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.domain.passwords.bcrypt.checkpw", lambda *_: True)
    assert not hasher.verify("Une phrase secrète", None)


def test_a_program_starts_without_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("idp.domain.passwords.bcrypt.hashpw")
    PasswordHasher(SecretKey(b"0123456789abcdef0123456789abcdef"), 16)


def test_a_stolen_hash_is_worthless_without_the_secret_key(hasher: PasswordHasher) -> None:
    other = PasswordHasher(SecretKey(b"another key, another installation"), 4)
    assert not other.verify("Une phrase secrète", hasher.hash("Une phrase secrète"))


def test_another_cost_asks_for_a_new_hash(hasher: PasswordHasher) -> None:
    stored = hasher.hash("Une phrase secrète")
    assert not hasher.needs_rehash(stored)
    assert PasswordHasher(SecretKey(b"0123456789abcdef0123456789abcdef"), 5).needs_rehash(stored)


def test_who_finds_every_place_taken_is_told_to_come_again() -> None:
    places = Places(HashingBounds(1, 1))

    def one_more() -> str:
        with pytest.raises(ServiceUnavailable) as refused:
            places.run(lambda: "twice")
        assert refused.value.retry_after > 0
        with pytest.raises(ServiceUnavailable):
            places.expect(is_known=True)
        return "once"

    assert places.run(one_more) == "once"
    places.expect(is_known=False)
    assert places.run(lambda: "afterwards") == "afterwards"


@pytest.mark.parametrize(
    ("cores", "workers", "threads", "bounds"),
    [(2, 2, 8, (1, 6, 4)), (16, 4, 8, (4, 6, 4)), (1, 3, 1, (1, 1, 1)), (16, 1, 8, (16, 16, 10))],
)
def test_the_workers_together_hash_on_every_core(
    cores: int, workers: int, threads: int, bounds: tuple[int, int, int]
) -> None:
    mine = HashingBounds.of_worker(cores=cores, workers=workers, threads=threads)
    assert (mine.at_once, mine.in_all, mine.strangers) == bounds


def test_strangers_leave_a_place_for_a_browser_that_is_known() -> None:
    places = Places(HashingBounds(3, 3))

    def second_stranger() -> str:
        with pytest.raises(ServiceUnavailable):
            places.run(lambda: "a third stranger")
        return places.run(lambda: "somebody known", is_known=True)

    assert places.run(lambda: places.run(second_stranger)) == "somebody known"


def test_strangers_are_turned_away_where_known_browsers_still_sign_in() -> None:
    """At the door, before anything is done for a hash, as at the hash itself."""
    places = Places(HashingBounds(3, 3))
    hasher = PasswordHasher(SecretKey(b"0123456789abcdef0123456789abcdef"), 4, places)
    stored = hasher.hash("Une phrase secrète")

    def two_strangers_wait() -> bool:
        for refuse in (lambda: hasher.expect_place(is_known=False), lambda: hasher.verify("Une phrase", stored)):
            with pytest.raises(ServiceUnavailable):
                refuse()
        hasher.expect_place(is_known=True)
        return hasher.verify("Une phrase secrète", stored, is_known=True)

    assert places.run(lambda: places.run(two_strangers_wait))


def test_no_more_is_hashed_at_once_than_there_are_cores_for() -> None:
    """Others wait for their turn: more at a time would take the cores that pages need."""
    places, begun = Places(HashingBounds(1, 3)), Event()

    def first(pool: ThreadPoolExecutor) -> bool:
        waiting = pool.submit(places.run, begun.set, is_known=True)
        wait_until(lambda: places._threads._work_queue.qsize() == 1 or waiting.done())
        return begun.is_set()

    with ThreadPoolExecutor(1) as pool:
        assert not places.run(lambda: first(pool))
    assert begun.is_set()


class Told:
    """What is told of hashes: how long each waited, and how many were turned away."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self.refused = 0

    def hashed(self, waited: float, seconds: float) -> None:
        self.waited.append(waited)

    def turned_away(self) -> None:
        self.refused += 1


def test_what_a_request_waited_before_counts_as_waiting_for_its_hash() -> None:
    told = Told()
    places = Places(HashingBounds(1, 1), told)
    before = waited_before.set(1000.0)
    places.run(lambda: None)
    waited_before.reset(before)
    assert [waited >= 1000 for waited in told.waited] == [True]


def test_who_is_turned_away_is_counted() -> None:
    told = Told()
    places = Places(HashingBounds(1, 1), told)

    def refused() -> None:
        with pytest.raises(ServiceUnavailable):
            places.expect(is_known=True)

    places.run(refused)
    assert (told.refused, len(told.waited)) == (1, 1)


def test_who_has_a_password_kept_is_no_stranger() -> None:
    places = Places(HashingBounds(3, 3))
    hasher = PasswordHasher(SecretKey(b"0123456789abcdef0123456789abcdef"), 4, places)
    assert places.run(lambda: places.run(lambda: hasher.hash("Une phrase secrète"))).startswith("$2b$04$")


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priorities of their own")
def test_a_hash_gives_way_to_everything_else() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = niceness()
    assert Places().run(niceness) == 19
    assert niceness() == before


def test_where_priorities_may_not_be_changed_passwords_are_hashed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr("idp.domain.passwords.os.setpriority", refused, raising=False)
    assert Places().run(lambda: "hashed") == "hashed"


def test_everything_else_goes_on_while_a_hash_is_made() -> None:
    """bcrypt lets go of the interpreter: else one hash would hold up every thread of its process."""
    costly = PasswordHasher(SecretKey(b"0123456789abcdef0123456789abcdef"), 9)
    turns = 0
    with ThreadPoolExecutor(1) as pool:
        hashing = pool.submit(costly.hash, "Une phrase secrète")
        while not hashing.done():
            turns += 1
    assert turns > 100


def test_many_guesses_at_once_are_not_all_hashed() -> None:
    hasher = PasswordHasher(SecretKey(b"0123456789abcdef0123456789abcdef"), 10, Places(HashingBounds(1, 2)))
    together = Barrier(12)

    def guess() -> bool | None:
        together.wait(10)
        try:
            return hasher.verify("pas le bon", None)
        except ServiceUnavailable:
            return None

    with ThreadPoolExecutor(12) as pool:
        outcomes = [outcome.result() for outcome in [pool.submit(guess) for _ in range(12)]]
    assert set(outcomes) == {False, None}
    assert not hasher.verify("pas le bon", None)
