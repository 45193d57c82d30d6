"""One side of a comparison, and how much of the machine its server uses for a number of operations."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.alternation import Figures, Usage, alternate
from benchmarks.connection import UnexpectedAnswer
from benchmarks.database import Mongod
from benchmarks.openid.target import Target
from benchmarks.openid.work import GRANTS_PER_CLIENT, OPERATIONS, REFRESH, Clients, Job
from benchmarks.servers import Server, ServerFailed

# The cheaper operations are repeated more often in a round, so that ticks of 10 ms do not show.
REPEATED = {"code flow": 1, "refresh": 2, "refresh, no ID token": 2, "introspection": 3, "discovery": 3, "JWKS": 3}


@dataclass
class Side:
    """A running server; the tokens that its clients hold, one entry per client process."""

    name: str
    server: Server
    target: Target
    refresh_tokens: list[tuple[str, ...]] = field(default_factory=list)
    access_tokens: list[tuple[str, ...]] = field(default_factory=list)


@dataclass
class Bench:
    """What every measurement needs.

    idle: commands per second that mongod gets while nobody calls a server: queues are looked at, whoever is measured.
    """

    mongod: Mongod
    clients: Clients
    idle: float = 0.0

    def listen(self, seconds: float) -> None:
        """Learn ``idle`` from the servers that run now."""
        before = self.mongod.commands()
        time.sleep(seconds)
        self.idle = (self.mongod.commands() - before) / seconds

    def warm_up_flows(self, side: Side, flows: int) -> None:
        """Compilers, caches and connection pools get ready for code flows."""
        side.access_tokens = self._work(side, "code flow", flows)

    def warm_up(self, side: Side, flows: int) -> None:
        """The same for every operation; the clients keep tokens for later."""
        self.warm_up_flows(side, flows)
        side.refresh_tokens = self._work(side, "obtain", GRANTS_PER_CLIENT * self.clients.number)
        for operation in OPERATIONS[1:]:
            if is_offered(side, operation):
                self._work(side, operation, max(1, flows // 10))

    def compare(self, sides: Sequence[Side], operation: str, flows: int, rounds: int) -> list[Figures]:
        """The figures of each side, in the order of the sides."""
        count = flows * REPEATED[operation]
        return alternate(sides, rounds, lambda side: self._measure(side, operation, count))

    def _measure(self, side: Side, operation: str, count: int) -> Usage:
        before, started = self._used(side), time.perf_counter()
        self._work(side, operation, count)
        commands_of_others = self.idle * (time.perf_counter() - started)
        after = self._used(side)
        server, mongod, commands = (now - then for now, then in zip(after, before, strict=True))
        return Usage(self.clients.operations(count), server, mongod, max(0.0, commands - commands_of_others))

    def _used(self, side: Side) -> tuple[float, float, float]:
        return side.server.cpu_seconds(), self.mongod.cpu_seconds(), self.mongod.commands()

    def _work(self, side: Side, operation: str, count: int) -> list[tuple[str, ...]]:
        tokens = side.refresh_tokens if operation in REFRESH else side.access_tokens
        job = Job(side.target, operation, count, side.target.cookies)
        try:
            result = self.clients.work(job, tokens or None)
        except (UnexpectedAnswer, OSError) as failure:
            log = side.server.log_file
            raise ServerFailed(f"{side.name}: {operation}: {failure}; its log: {log}") from failure
        if operation in REFRESH:
            side.refresh_tokens = result
        return result


def is_offered(side: Side, operation: str) -> bool:
    """Whether the provider announces what the operation needs."""
    return operation != "introspection" or side.target.introspection is not None
