"""Part ``autumn``: a week in which everybody comes for the first time, minute by minute.

The curve is assumed, and stated: shares of the days and hours below, and as many each minute as chance brings (Poisson,
with a fixed seed, so that every run tells the same). The costs are measured.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.capacity.costs import Costs

MINUTES_OF_DAY = 24 * 60
# Monday to Sunday of the week in which lectures begin.
DAYS = (0.22, 0.20, 0.17, 0.15, 0.14, 0.05, 0.07)
# Parts of a day's arrivals from 0 h to 23 h: lectures and enrolment in the morning and the afternoon, and the evening.
HOURS = (5, 2, 1, 1, 1, 2, 10, 30, 80, 100, 110, 90, 60, 70, 100, 95, 80, 60, 50, 50, 55, 45, 25, 10)
# One minute of a lecture hall that is told to sign in now: so many first proofs above the curve, in the busiest hour.
HALL = 300
HALL_MINUTES = 5
# How often somebody who has come signs in again in that week, and which part of it by mailed code.
RETURNS = 3.0
BY_CODE = 0.2
# Mails by first proof: the one, and another where people ask again.
MAILS_PER_PROOF = 1.15
# A server of which more is used answers late whenever chance brings several at once.
BUSY = 0.6
SMTP_RATES = (30, 60, 120, 300, 600)
CODE_MINUTES = 10


@dataclass(frozen=True)
class Minute:
    """proofs, passwords, codes: who came in it, to prove the first time, with a password, with a mailed code."""

    proofs: int
    passwords: int
    codes: int

    def mails(self) -> float:
        return self.proofs * MAILS_PER_PROOF + self.codes

    def provider_seconds(self, costs: Costs) -> float:
        """CPU of the provider's processes."""
        hashed = (self.proofs + self.passwords) * costs.hash
        rest = self.proofs * costs.first_time + self.passwords * costs.password + self.codes * costs.code
        return (hashed + rest) / 1_000

    def mongod_seconds(self, costs: Costs) -> float:
        return (
            self.proofs * costs.first_time_mongod
            + self.passwords * costs.password_mongod
            + self.codes * costs.code_mongod
        ) / 1_000


@dataclass(frozen=True)
class Queue:
    """What became of the mails at one rate: the longest queue, and how many minutes the last of it waited."""

    longest: float
    wait: float
    late: float


def week(people: int, *, seed: int = 2026) -> list[Minute]:
    """Everybody once, and whoever has come again and again."""
    # A simulation, which has to tell the same every time.
    chance = random.Random(seed)  # noqa: S311  # nosec B311
    expected = [people * share for share in _shares()]
    busiest = max(range(len(expected)), key=expected.__getitem__) // 60 * 60
    for minute in range(busiest + 30, busiest + 30 + HALL_MINUTES):
        expected[minute] += HALL / HALL_MINUTES * min(1.0, people / 100_000)
    return [
        Minute(
            _poisson(chance, first),
            _poisson(chance, first * RETURNS * (1 - BY_CODE)),
            _poisson(chance, first * RETURNS * BY_CODE),
        )
        for first in expected
    ]


def queue(minutes: Sequence[Minute], rate: float) -> Queue:
    """A mail server that takes ``rate`` mails a minute. late: which part was sent after its code had ended."""
    waiting = longest = late = total = 0.0
    for minute in minutes:
        total += minute.mails()
        waiting += minute.mails()
        longest = max(longest, waiting)
        # Whoever comes now waits until everything before is sent.
        late += minute.mails() if waiting / rate > CODE_MINUTES else 0.0
        waiting = max(0.0, waiting - rate)
    return Queue(longest, longest / rate, late / total if total else 0.0)


def _shares() -> list[float]:
    """Which part of a week's people each of its minutes brings."""
    a_day = sum(HOURS)
    return [DAYS[day] * HOURS[minute // 60] / a_day / 60 for day in range(7) for minute in range(MINUTES_OF_DAY)]


def _poisson(chance: random.Random, mean: float) -> int:
    """How many come where this many are expected (Knuth's method)."""
    limit, number, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        number += 1
        product *= chance.random()
    return number
