"""Many at once: an exam behind one address, and people who want everything for themselves."""

import contextlib
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.chaos.attackers import (
    BODIES,
    GUESSERS,
    LARGE_BODIES,
    LARGE_BODY_BYTES,
    MOST_BYTES,
    SLOW_BODIES,
    Attack,
    attacked,
    guesses,
    guesses_everywhere,
    large_bodies,
    slow_bodies,
)
from tests.chaos.client import Answer, Client
from tests.chaos.figures import Figures, scaled
from tests.chaos.journey import Stopped, authorize_silently, exchange, sign_in
from tests.chaos.provider import PASSWORD, PEOPLE, Provider
from tests.chaos.replica_set import ReplicaSet

pytestmark = pytest.mark.chaos

EXAM_SIGN_INS = 9000
EXAM_AT_ONCE = 12
# One in so many mistypes first: more wrong guesses from one address than NETWORK_BUDGET counts.
MISTYPES = 8


def test_an_exam_signs_in_from_one_address(provider: Provider, figures: Figures) -> None:
    number = round(scaled(EXAM_SIGN_INS, PEOPLE))
    provider.admit(range(PEOPLE, number))
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
    fault = f"{SLOW_BODIES} slow bodies"
    came = _attack(slow_bodies, provider, figures, fault, scaled(20, 5))
    figures.add(fault, "bodies begun", came[BODIES])


def test_bodies_of_50_mb_are_not_read(provider: Provider, figures: Figures) -> None:
    fault = f"bodies of 50 MB, {LARGE_BODIES} at a time"
    came = _attack(large_bodies, provider, figures, fault, scaled(20, 5))
    figures.add(
        fault, "bodies given up, by their bytes read (MB)", f"{came[BODIES]}, {came[MOST_BYTES] / 1e6:.1f} at most"
    )
    assert came[MOST_BYTES] < LARGE_BODY_BYTES


@pytest.mark.parametrize(
    ("attack", "whose"),
    [(guesses, "passwords, each of one account"), (guesses_everywhere, "a password each time of another account")],
)
def test_fifty_who_guess_passwords_keep_nobody_out(
    replica_set: ReplicaSet, tmp_path: Path, figures: Figures, attack: Attack, whose: str
) -> None:
    replica_set.heal()
    provider = Provider(tmp_path, replica_set.uri, {"IDP_PASSWORDS_BCRYPT_COST": "12"})
    provider.start()
    fault = f"{GUESSERS} in parallel who guess {whose} (bcrypt cost 12)"
    [owner, *_] = _signed_in(provider)
    newcomer = Client(provider.port, timeout=60)

    def people_sign_in() -> None:
        figures.add(fault, "tries of an owner in the usual browser", _tries(owner, provider.address(0)))
        figures.add(fault, "tries of somebody in a new browser", _tries(newcomer, provider.address(PEOPLE - 1)))
        figures.add(fault, "who waited so long for an answer (s)", max(answer.seconds for answer in newcomer.answers))

    outcomes = _attack(attack, provider, figures, fault, scaled(60, 8), people_sign_in)
    provider.stop()
    figures.add(fault, "guesses answered", ", ".join(f"{name}: {outcomes[name]}" for name in sorted(outcomes)))
    assert set(outcomes) <= {"422", "429", "503"}


def _sit_exam(provider: Provider, number: int) -> str:
    client, address = Client(provider.port), provider.address(number)
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


def _attack(
    attack: Attack,
    provider: Provider,
    figures: Figures,
    fault: str,
    seconds: float,
    meanwhile_too: Callable[[], None] = lambda: None,
) -> Mapping[str, int]:
    """What came of it. How fast others were served meanwhile is written down; that they were is asserted.

    Usual is what they had right before and right after it: a machine that is busy with something else is so for both.
    meanwhile_too: done while it still goes on.
    """
    others = _signed_in(provider)
    usual = _use(others, scaled(15, 3))
    with attacked(attack, provider.port) as came:
        meanwhile = _use(others, seconds)
        meanwhile_too()
    usual += _use(others, scaled(15, 3))
    _compare(figures, fault, usual, meanwhile)
    return came


def _compare(figures: Figures, fault: str, usual: list[Answer], meanwhile: list[Answer]) -> None:
    figures.add(fault, "attackers", "a process of its own, which gives way to all others: in life they are elsewhere")
    figures.add(fault, "p95 of others, usually (ms)", 1000 * _p95(usual))
    figures.add(fault, "p95 of others, meanwhile (ms)", 1000 * _p95(meanwhile))
    figures.add(fault, "meanwhile / usually", _p95(meanwhile) / _p95(usual))
    unserved = Counter(answer.outcome for answer in meanwhile if answer.status not in (200, 302, 303))
    figures.add(fault, "requests of others / not served", f"{len(meanwhile)} / {unserved.total()}")
    assert meanwhile
    assert not unserved


def _p95(answers: list[Answer]) -> float:
    return statistics.quantiles((answer.seconds for answer in answers), n=20)[-1]


def _tries(client: Client, address: str) -> int:
    """Somebody who knows their password tries again when they are asked to; how many tries it took."""
    client.cookies.pop("idp_session", None)
    for tried in range(1, 40):
        with contextlib.suppress(Stopped):
            sign_in(client, address)
            return tried
        time.sleep(0.5)
    raise AssertionError("nobody signs in any more")
