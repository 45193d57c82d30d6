"""Processes of the provider end or are replaced while people sign in."""

import os
import resource
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.figures import Figures, scaled
from tests.chaos.load import APPLICATIONS_AT_ONCE, PEOPLE_AT_ONCE, Load
from tests.chaos.provider import WORKERS, Provider
from tests.waiting import wait_until

pytestmark = pytest.mark.chaos

BEFORE_SECONDS = 3
# Each person shows a code twice at the same time.
IN_FLIGHT = 2 * PEOPLE_AT_ONCE + APPLICATIONS_AT_ONCE


def test_a_killed_worker_takes_no_more_with_it_than_the_requests_in_flight(
    provider: Provider, load: Load, figures: Figures
) -> None:
    load.run_for(BEFORE_SECONDS)
    since, killed = load.mark(), 0
    for _ in range(round(scaled(4, 2))):
        before = provider.workers()
        os.kill(before[0], signal.SIGKILL)
        killed += 1
        wait_until(partial(_are_replaced, provider, {before[0]}))
        load.run_for(scaled(8, 4))
    errors = _errors(load, since)
    load.settle(figures, f"{killed} workers killed -9, one by one", since)
    assert sum(errors.values()) <= killed * IN_FLIGHT, errors


def test_a_rolling_restart_costs_no_request(provider: Provider, load: Load, figures: Figures) -> None:
    load.run_for(BEFORE_SECONDS)
    since = load.mark()
    for _ in range(round(scaled(3, 1))):
        before = set(provider.workers())
        provider.signal_master(signal.SIGHUP)
        wait_until(partial(_are_replaced, provider, before))
        load.run_for(scaled(8, 4))
    errors = _errors(load, since)
    load.settle(figures, "rolling restart (SIGHUP)", since)
    assert not errors


def test_a_worker_that_has_no_memory_left_harms_only_its_own_requests(
    provider: Provider, load: Load, figures: Figures
) -> None:
    load.run_for(BEFORE_SECONDS)
    since = load.mark()
    starved = provider.workers()[0]
    in_use = _virtual_bytes(starved)
    resource.prlimit(starved, resource.RLIMIT_AS, (in_use, in_use))
    load.run_for(scaled(15, 8))
    # What the kernel's OOM killer or an operator's limit does in the end, where it has not ended of itself by then.
    with suppress(ProcessLookupError):
        os.kill(starved, signal.SIGKILL)
    wait_until(partial(_are_replaced, provider, {starved}))
    load.run_for(scaled(5, 3))
    # Whoever met the starved worker saw an error page: everything else is as ever.
    load.surprises = [surprise for surprise in load.surprises if ": 500 " not in surprise]
    load.settle(figures, "one worker without memory", since)


def _are_replaced(provider: Provider, gone: set[int]) -> bool:
    """Whether there are as many workers as ever, and none of these."""
    workers = provider.workers()
    return len(workers) == WORKERS and gone.isdisjoint(workers)


def _errors(load: Load, since: float) -> dict[str, int]:
    good = ("200", "302", "303", "400")
    return {outcome: number for outcome, number in load.outcomes(since).items() if outcome not in good}


def _virtual_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize()
