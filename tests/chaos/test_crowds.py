"""Many at once: an exam behind one address, and people who want everything for themselves."""

import contextlib
import itertools
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.client import Answer, Client
from tests.chaos.figures import Figures, scaled
from tests.chaos.journey import Stopped, address_page, authorize_silently, exchange, sign_in
from tests.chaos.provider import PASSWORD, PEOPLE, Provider
from tests.chaos.replica_set import ReplicaSet

pytestmark = pytest.mark.chaos

EXAM_SIGN_INS = 1500
EXAM_AT_ONCE = 12
# One in so many mistypes first: more wrong guesses from one address than NETWORK_BUDGET counts.
MISTYPES = 8
SLOW_BODIES = 200
LARGE_BODY_BYTES = 50_000_000
GUESSERS = 50
# They are elsewhere: here they must leave some of the cores to the provider.
GUESSER_RESTS = 1.0


def test_an_exam_signs_in_from_one_address(provider: Provider, figures: Figures) -> None:
    number = round(scaled(EXAM_SIGN_INS, 60))
    began = time.monotonic()
    with ThreadPoolExecutor(EXAM_AT_ONCE) as pool:
        outcomes = Counter(pool.map(lambda each: _sit_exam(provider, each), range(number)))
    seconds = time.monotonic() - began
    fault = "an exam: everybody from one address"
    figures.add(fault, "sign-ins, each with its code exchanged", outcomes["signed in"])
    figures.add(fault, "of them after a wrong password", len(range(0, number, MISTYPES)))
    figures.add(fault, "in ten minutes at this pace (bcrypt cheap, clients on the same cores)", 600 * number / seconds)
    assert outcomes == {"signed in": number}


def test_two_hundred_slow_bodies_hold_nobody_up(provider: Provider, figures: Figures) -> None:
    others = _signed_in(provider)
    usual = _use(others, scaled(10, 3))
    with _slow_bodies(provider, SLOW_BODIES):
        meanwhile = _use(others, scaled(20, 5))
    _compare(figures, f"{SLOW_BODIES} slow bodies", usual, meanwhile)


def test_bodies_of_50_mb_are_not_read(provider: Provider, figures: Figures) -> None:
    others, ends = _signed_in(provider), []
    usual = _use(others, scaled(10, 3))
    with _repeating(lambda: ends.append(_large_body(provider)), at_once=8):
        meanwhile = _use(others, scaled(20, 5))
    fault = "bodies of 50 MB, eight at a time"
    _compare(figures, fault, usual, meanwhile)
    figures.add(fault, "bodies given up, by their bytes read (MB)", f"{len(ends)}, {max(ends) / 1e6:.1f} at most")
    assert max(ends) < LARGE_BODY_BYTES


def test_fifty_who_guess_passwords_keep_nobody_out(replica_set: ReplicaSet, tmp_path: Path, figures: Figures) -> None:
    replica_set.heal()
    provider = Provider(tmp_path, replica_set.uri, {"IDP_PASSWORDS_BCRYPT_COST": "12"})
    provider.start()
    others, [owner, *_] = _signed_in(provider), _signed_in(provider)
    usual, numbers, outcomes = _use(others, scaled(10, 3)), itertools.count(), Counter[str]()
    with _repeating(lambda: outcomes.update(_guess(provider, next(numbers))), at_once=GUESSERS):
        meanwhile = _use(others, scaled(60, 8))
        tries = _tries(owner, provider)
    provider.stop()
    fault = f"{GUESSERS} who guess passwords in parallel (bcrypt cost 12)"
    _compare(figures, fault, usual, meanwhile)
    figures.add(fault, "guesses answered", ", ".join(f"{name}: {outcomes[name]}" for name in sorted(outcomes)))
    figures.add(fault, "tries of an owner in the usual browser", tries)
    assert set(outcomes) <= {"422", "429", "503"}


def _sit_exam(provider: Provider, number: int) -> str:
    client, address = Client(provider.port), provider.address(number % PEOPLE)
    try:
        if number % MISTYPES == 0:
            with contextlib.suppress(Stopped):
                sign_in(client, address, password=f"{PASSWORD} ?")
        answer = exchange(client, sign_in(client, address))
    except Stopped as stopped:
        return str(stopped)
    return "signed in" if answer.status == 200 else answer.body


def _signed_in(provider: Provider) -> list[Client]:
    """Browsers of two people who are signed in."""
    clients = [Client(provider.port, timeout=60) for _ in range(2)]
    for number, client in enumerate(clients):
        sign_in(client, provider.address(number))
    return clients


def _use(clients: list[Client], seconds: float) -> list[Answer]:
    """Every answer to these people, who use applications meanwhile."""
    for client in clients:
        client.answers.clear()

    def use(client: Client) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with contextlib.suppress(Stopped):
                exchange(client, authorize_silently(client))
            client.get("/.well-known/openid-configuration")
            time.sleep(0.05)

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(use, clients))
    return [answer for client in clients for answer in client.answers]


def _compare(figures: Figures, fault: str, usual: list[Answer], meanwhile: list[Answer]) -> None:
    """How fast others were served is written down; that they were is asserted."""
    figures.add(fault, "p95 of others, usually (ms)", 1000 * _p95(usual))
    figures.add(fault, "p95 of others, meanwhile (ms)", 1000 * _p95(meanwhile))
    unserved = Counter(answer.outcome for answer in meanwhile if answer.status not in (200, 302, 303))
    figures.add(fault, "requests of others / not served", f"{len(meanwhile)} / {unserved.total()}")
    assert meanwhile
    assert not unserved


def _p95(answers: list[Answer]) -> float:
    return statistics.quantiles((answer.seconds for answer in answers), n=20)[-1]


@contextmanager
def _repeating(work: Callable[[], None], at_once: int) -> Iterator[None]:
    """Do it again and again, so many at a time."""
    stopping = threading.Event()

    def run() -> None:
        while not stopping.is_set():
            work()

    threads = [threading.Thread(target=run) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


@contextmanager
def _slow_bodies(provider: Provider, number: int) -> Iterator[None]:
    """So many forms that arrive at a byte a second."""
    senders = [socket.create_connection(("127.0.0.1", provider.port)) for _ in range(number)]
    head = f"POST /token HTTP/1.1\r\nHost: 127.0.0.1:{provider.port}\r\nContent-Length: 5000\r\n\r\n"
    for sender in senders:
        sender.sendall(head.encode())

    def drip() -> None:
        for sender in senders:
            with contextlib.suppress(OSError):
                sender.sendall(b"a")
        time.sleep(1)

    with _repeating(drip, at_once=1):
        yield
    for sender in senders:
        sender.close()


def _large_body(provider: Provider) -> int:
    """How many bytes of a body of 50 MB went out before the provider had enough."""
    head = f"POST /token HTTP/1.1\r\nHost: 127.0.0.1:{provider.port}\r\nContent-Length: {LARGE_BODY_BYTES}\r\n\r\n"
    sent, piece = 0, b"a" * 65_536
    with socket.create_connection(("127.0.0.1", provider.port), timeout=10) as sender:
        sender.sendall(head.encode())
        with contextlib.suppress(OSError):
            while sent < LARGE_BODY_BYTES:
                sender.sendall(piece)
                sent += len(piece)
                time.sleep(0.001)
    return sent


def _guess(provider: Provider, number: int) -> list[str]:
    """A wrong password for an address of its own: the budgets of accounts do not stop this."""
    client = Client(provider.port, timeout=60)
    try:
        page = address_page(client)
    except Stopped as stopped:
        return [stopped.answer.outcome]
    form = {"csrf_token": page.hidden_field("csrf_token")}
    client.post(page.form("/address"), form | {"email": f"personne{number}@univ-exemple.test"})
    methods = page.form("/address").removesuffix("address") + "methods"
    time.sleep(GUESSER_RESTS)
    return [client.post(methods, form | {"password": "ce n'est pas le bon"}).outcome]


def _tries(client: Client, provider: Provider) -> int:
    """Somebody who knows their password tries again when they are asked to; how many tries it took."""
    client.cookies.pop("idp_session", None)
    for tried in range(1, 40):
        with contextlib.suppress(Stopped):
            sign_in(client, provider.address(0))
            return tried
        time.sleep(0.5)
    raise AssertionError("nobody signs in any more")
