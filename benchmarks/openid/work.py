"""What the client processes do: a number of equal operations each, over one connection."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import cycle, islice
from multiprocessing import get_context
from typing import Self

from benchmarks.connection import Connection
from benchmarks.openid.relying_party import RelyingParty
from benchmarks.openid.target import DISCOVERY_PATH, FLOW_CLIENT, OFFLINE_CLIENT, Target

# So many grants are refreshed in turn: one grant refreshed without pause would be nobody's use.
GRANTS_PER_CLIENT = 25

REFRESH = ("refresh", "refresh, no ID token")
OPERATIONS = ("code flow", *REFRESH, "introspection", "discovery", "JWKS")


@dataclass(frozen=True)
class Job:
    """``count`` operations for one client process.

    cookies: people in whose browsers it works. tokens: refresh tokens (for the refreshes) or access tokens.
    """

    target: Target
    operation: str
    count: int
    cookies: tuple[str, ...]
    tokens: tuple[str, ...] = ()


def do(job: Job) -> tuple[str, ...]:
    """Run the job; the tokens that are good afterwards, in the order in which they should be used next."""
    client_id = OFFLINE_CLIENT if job.operation in (*REFRESH, "obtain") else FLOW_CLIENT
    with Connection(job.target.port) as connection:
        return _DO[job.operation](RelyingParty(job.target, connection, client_id), job)


def _flows(party: RelyingParty, job: Job) -> tuple[str, ...]:
    tokens = [party.flow(cookie)["access_token"] for cookie in islice(cycle(job.cookies), job.count)]
    return tuple(tokens[-GRANTS_PER_CLIENT:])


def _obtain(party: RelyingParty, job: Job) -> tuple[str, ...]:
    """Refresh tokens, of a new grant each."""
    return tuple(party.flow(cookie)["refresh_token"] for cookie in islice(cycle(job.cookies), job.count))


def _refresh(party: RelyingParty, job: Job, scope: str | None = None) -> tuple[str, ...]:
    queue = list(job.tokens)
    for _ in range(job.count):
        queue.append(party.refresh(queue.pop(0), scope)["refresh_token"])
    return tuple(queue)


def _narrow_refresh(party: RelyingParty, job: Job) -> tuple[str, ...]:
    return _refresh(party, job, "profile email")


def _introspect(party: RelyingParty, job: Job) -> tuple[str, ...]:
    for token in islice(cycle(job.tokens), job.count):
        party.introspect(token)
    return job.tokens


def _fetch(path_of: Callable[[Target], str]) -> Callable[[RelyingParty, Job], tuple[str, ...]]:
    def fetch(party: RelyingParty, job: Job) -> tuple[str, ...]:
        for _ in range(job.count):
            party.fetch(path_of(job.target))
        return ()

    return fetch


_DO: dict[str, Callable[[RelyingParty, Job], tuple[str, ...]]] = {
    "code flow": _flows,
    "obtain": _obtain,
    "refresh": _refresh,
    "refresh, no ID token": _narrow_refresh,
    "introspection": _introspect,
    "discovery": _fetch(lambda target: DISCOVERY_PATH),
    "JWKS": _fetch(lambda target: target.jwks),
}


class Clients:
    """Client processes, started once: their own CPU is no server's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._pool = ProcessPoolExecutor(number, mp_context=get_context("spawn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def work(self, job: Job, tokens: list[tuple[str, ...]] | None = None) -> list[tuple[str, ...]]:
        """Split the job's operations and people evenly; ``tokens`` and the result are one entry per client."""
        share = max(1, job.count // self.number)
        jobs = [
            replace(job, count=share, cookies=job.cookies[each :: self.number], tokens=tokens[each] if tokens else ())
            for each in range(self.number)
        ]
        return list(self._pool.map(do, jobs))

    def operations(self, count: int) -> int:
        """How many operations ``work`` really does for this count."""
        return max(1, count // self.number) * self.number
