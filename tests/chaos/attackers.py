"""Those who want everything for themselves, in a process of their own that gives way to everybody else.

In life they are on other machines. Here they share the cores with the provider, its database and the people whose
waiting is measured: as threads of the measuring process they would also hold its interpreter, and what is measured
would largely be what attacking costs. ``python -m tests.chaos.attackers ATTACK PORT`` says ``BEGUN``, goes on until its
stdin is closed, and ends with what came of it, as JSON.
"""

import contextlib
import itertools
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from tests.chaos.client import Client
from tests.chaos.journey import Stopped, address_page
from tests.chaos.provider import PROJECT

SLOW_BODIES = 200
LARGE_BODIES = 8
LARGE_BODY_BYTES = 50_000_000
GUESSERS = 50
# Between the page and the guess: fifty of them then guess several times as often as two cores can hash.
GUESSER_RESTS = 1.0
BEGUN = "begun"
BODIES, MOST_BYTES = "bodies", "most bytes of one"
_LONGEST_SECONDS = 600
_LAST_ANSWERS_SECONDS = 90

Result = TypeVar("Result")
# Goes on at this port until it is told to stop; what came of it.
Attack = Callable[[int, threading.Event], Counter[str]]


@contextmanager
def attacked(attack: Attack, port: int) -> Iterator[dict[str, int]]:
    """It goes on meanwhile; afterwards the mapping says what came of it."""
    came: dict[str, int] = {}
    command = [sys.executable, "-m", __name__, attack.__name__, str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == BEGUN
        try:
            yield came
        finally:
            came.update(json.loads(_last_words(process)))


def _last_words(process: "subprocess.Popen[str]") -> str:
    try:
        return process.communicate(timeout=_LAST_ANSWERS_SECONDS)[0]
    finally:
        process.kill()


def slow_bodies(port: int, stopping: threading.Event) -> Counter[str]:
    """Forms that arrive at a byte a second; whoever is given up begins again."""
    came = Counter[str]()
    with contextlib.ExitStack() as connections:

        def begin() -> socket.socket:
            came[BODIES] += 1
            sender = connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            sender.sendall(_head(port, 5000))
            return sender

        senders = [begin() for _ in range(SLOW_BODIES)]
        while not stopping.wait(1):
            senders = [sender if _takes(sender, b"a") else begin() for sender in senders]
    return came


def large_bodies(port: int, stopping: threading.Event) -> Counter[str]:
    """Bodies of 50 MB, sent for as long as they are taken."""
    sent = _again_and_again(lambda _: _large_body(port), LARGE_BODIES, stopping)
    return Counter({BODIES: len(sent), MOST_BYTES: max(sent)})


def guesses(port: int, stopping: threading.Event) -> Counter[str]:
    """Wrong passwords, each of them for one account, and how each was answered."""
    forms: dict[int, _PasswordForm] = {}

    def guess(who: int) -> str:
        if who not in forms:
            forms[who] = _PasswordForm(port, who)
        return forms[who].guess()

    return Counter(_again_and_again(guess, GUESSERS, stopping))


def guesses_everywhere(port: int, stopping: threading.Event) -> Counter[str]:
    """Wrong passwords, each for an account of its own: the budgets of accounts do not stop this."""
    numbers = itertools.count()
    return Counter(_again_and_again(lambda _: _PasswordForm(port, next(numbers)).guess(), GUESSERS, stopping))


_EVERY: tuple[Attack, ...] = (slow_bodies, large_bodies, guesses, guesses_everywhere)
ATTACKS: Mapping[str, Attack] = {attack.__name__: attack for attack in _EVERY}


def _again_and_again(work: Callable[[int], Result], at_once: int, stopping: threading.Event) -> list[Result]:
    """What came of it each time; each of them, by number, does it once at least."""

    def run(who: int) -> list[Result]:
        results = [work(who)]
        while not stopping.is_set():
            results.append(work(who))
        return results

    with ThreadPoolExecutor(at_once) as pool:
        return [result for results in pool.map(run, range(at_once)) for result in results]


def _head(port: int, length: int) -> bytes:
    return f"POST /token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\n\r\n".encode()


def _takes(sender: socket.socket, data: bytes) -> bool:
    try:
        sender.sendall(data)
    except OSError:
        return False
    return True


def _large_body(port: int) -> int:
    """How many bytes of it went out before the provider had enough."""
    sent, piece = 0, b"a" * 65_536
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sender:
        going = _takes(sender, _head(port, LARGE_BODY_BYTES))
        while going and sent < LARGE_BODY_BYTES:
            going = _takes(sender, piece)
            sent += len(piece) * going
            time.sleep(0.001)
    return sent


class _PasswordForm:
    """The page with the ways to sign in, for the address with this number."""

    def __init__(self, port: int, number: int) -> None:
        self._client, self._number, self._address_form = Client(port, timeout=60), number, ""
        self._fields: dict[str, str] = {}

    def guess(self) -> str:
        """A wrong password; how it was answered."""
        try:
            self._open()
        except Stopped as stopped:
            return stopped.answer.outcome
        time.sleep(GUESSER_RESTS)
        methods = self._address_form.removesuffix("address") + "methods"
        return self._client.post(methods, self._fields | {"password": "ce n'est pas le bon"}).outcome

    def _open(self) -> None:
        if self._address_form:
            return
        page = address_page(self._client)
        self._address_form, self._fields = page.form("/address"), {"csrf_token": page.hidden_field("csrf_token")}
        address = f"personne{self._number}@univ-exemple.test"
        self._client.post(self._address_form, self._fields | {"email": address})


def _give_way() -> None:
    """Run when nobody else wants the core: among threads of one session a waking one is then never held up."""
    os.nice(19)
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _main(attack: str, port: str) -> None:
    _give_way()
    stopping = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        attacking = pool.submit(ATTACKS[attack], int(port), stopping)
        print(BEGUN, flush=True)  # noqa: T201 -- read by whoever started this
        select.select([sys.stdin], [], [], _LONGEST_SECONDS)
        stopping.set()
        print(json.dumps(attacking.result()))  # noqa: T201


if __name__ == "__main__":
    _main(*sys.argv[1:])
