"""Passwords of any length and any script, stored with bcrypt."""

import contextlib
import os
import sys
import threading
import time
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import TypeVar

import bcrypt

from idp.domain.errors import ServiceUnavailable
from idp.domain.keyed import SecretKey
from idp.domain.measures import TimesHashing, waited_before

# How the threads that hash are called.
HASHING_THREADS = "hashing"
_RETRY_AFTER = 2
# 184 bits in bcrypt's own base64, all of them 0.
_DIGEST_OF_NOBODY = "." * 31
# The lowest priority: an ordinary thread that wants the same core gets 68 times as much of it.
_NICENESS = 19

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class HashingBounds:
    """How much hashing one process takes on.

    at_once: hashes in work, each of which takes a core. in_all: those and the ones that threads wait for.
    """

    at_once: int = 2
    in_all: int = 9

    @classmethod
    def of_worker(cls, *, workers: int, threads: int, cores: int | None = None) -> "HashingBounds":
        """All workers together hash on every core; a quarter of their threads is kept from it. cores: the machine's."""
        at_once = max(1, (cores or os.cpu_count() or 1) // workers)
        return cls(at_once, max(at_once, threads * 3 // 4))

    @property
    def strangers(self) -> int:
        """How many of them strangers may take: the others are for browsers that signed in to the account before."""
        return max(1, self.in_all * 2 // 3)


class Places:
    """The places for hashing in one process: strangers can make it hash as often as they like (CWE-400).

    Who finds none is told to come again, so that threads are left for everybody else. timed: told how long it takes,
    where somebody wants to know.
    """

    def __init__(self, bounds: HashingBounds = HashingBounds(), timed: TimesHashing | None = None) -> None:
        self._timed = timed
        self._taken = BoundedSemaphore(bounds.in_all)
        self._taken_by_strangers = BoundedSemaphore(bounds.strangers)
        self._threads = ThreadPoolExecutor(bounds.at_once, HASHING_THREADS, initializer=_yield_to_others)

    def run(self, hashing: Callable[[], Result], *, is_known: bool = False) -> Result:
        """Wait for the turn of one hash; ServiceUnavailable where too many wait already."""
        with self._place(is_known=is_known):
            return self._threads.submit(copy_context().run, self._run, hashing, time.perf_counter()).result()

    def expect(self, *, is_known: bool) -> None:
        """ServiceUnavailable where too many wait at this moment: before anything is done for a hash that cannot be."""
        with self._place(is_known=is_known):
            pass

    @contextlib.contextmanager
    def _place(self, *, is_known: bool) -> Iterator[None]:
        with contextlib.ExitStack() as held:
            for places in (self._taken,) if is_known else (self._taken_by_strangers, self._taken):
                if not places.acquire(blocking=False):
                    if self._timed:
                        self._timed.turned_away()
                    raise ServiceUnavailable("passwords", "too many hashes are waited for", retry_after=_RETRY_AFTER)
                held.callback(places.release)
            yield

    def _run(self, hashing: Callable[[], Result], asked_at: float) -> Result:
        began = time.perf_counter()
        result = hashing()
        if self._timed:
            self._timed.hashed(waited_before.get() + began - asked_at, time.perf_counter() - began)
        return result


def _yield_to_others() -> None:
    """A hash takes a core for a third of a second: pages and tokens, which take milliseconds, come first.

    bcrypt lets go of the interpreter meanwhile, so that the core is all it takes from them. SCHED_IDLE would take even
    less of it, but on a machine that is never idle hardly a hash comes through: nobody could sign in by password then.
    """
    if sys.platform == "linux":  # where threads have priorities of their own
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


class PasswordHasher:
    """Hashes and verifies passwords: NFC, then HMAC-SHA256 with the secret key, then bcrypt.

    bcrypt sees at most 72 bytes and refuses more and stops at NUL; the keyed hash before it takes any length and any
    byte, and makes a stolen database worthless without the key. NFC lets the same characters from two keyboards match.
    Hashing and verifying raise ServiceUnavailable where all ``places`` are taken.
    """

    def __init__(self, secret: SecretKey, cost: int, places: Places | None = None) -> None:
        self._places = places or Places()
        self._secret = secret
        self._cost = cost
        # What is verified where there is no account or no password: the same work, never a match. Not made by hashing,
        # which would take a third of a second of each worker's and each command's start.
        self._nobody = f"{bcrypt.gensalt(cost).decode('ascii')}{_DIGEST_OF_NOBODY}"

    def hash(self, password: str) -> str:
        """A bcrypt hash in its usual text form, ``$2b$<cost>$…``. Who has one kept has proven who they are: known."""
        prepared = self._prepared(password)
        hashed = self._places.run(lambda: bcrypt.hashpw(prepared, bcrypt.gensalt(self._cost)), is_known=True)
        return hashed.decode("ascii")

    def expect_place(self, *, is_known: bool) -> None:
        """ServiceUnavailable where all places are taken at this moment. is_known: as for ``verify``, if perhaps."""
        self._places.expect(is_known=is_known)

    def verify(self, password: str, stored: str | None, *, is_known: bool = False) -> bool:
        """Whether the password matches; takes the same time when there is nothing to match (``stored`` is None).

        is_known: whether the browser has signed in to this account before.
        """
        prepared, wanted = self._prepared(password), (stored or self._nobody).encode("ascii")
        matches = self._places.run(lambda: bcrypt.checkpw(prepared, wanted), is_known=is_known)
        return matches and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made at another cost than today's."""
        return not stored.startswith(f"$2b${self._cost:02d}$")

    def _prepared(self, password: str) -> bytes:
        return b64encode(self._secret.derive("password", unicodedata.normalize("NFC", password)))
