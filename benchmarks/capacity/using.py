"""What complete sign-ins use of the running provider, hashing left out, and the memory that its workers take."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import bcrypt

from benchmarks.database import Mongod
from benchmarks.parts import Options
from benchmarks.servers import Server
from benchmarks.sign_in.browser import HttpBrowser
from benchmarks.sign_in.journeys import JOURNEYS, Journey
from benchmarks.sign_in.world import PASSWORD, Person, World
from idp import app

# bcrypt's least: hashing then takes a millisecond, which is taken off.
LEAST_COST = 4
_PASSWORD, _CODE = JOURNEYS[0], JOURNEYS[1]


@dataclass(frozen=True)
class Use:
    """CPU of one sign-in in milliseconds, without hashing; the rounds of the provider's processes; mongod's."""

    rounds: tuple[float, ...]
    mongod: float

    @property
    def server(self) -> float:
        return median(self.rounds)


def uses(options: Options, made: World, mongod: Mongod) -> dict[Journey, Use]:
    """Each journey against the running provider, without what the idle one uses."""
    # What hashing takes even at the least cost.
    least = 1_000 * _seconds_of(partial(bcrypt.hashpw, b"a password", bcrypt.gensalt(LEAST_COST)), 20)
    rounds: dict[Journey, list[tuple[float, float]]] = {journey: [] for journey in JOURNEYS}
    services = made.services()
    with _running(_server(options, made, "2")) as server, closing(services.database):
        made.know_provider(services)
        hashed = services.hasher.hash(PASSWORD)
        idle = _idle(server, mongod, options.listen_seconds)
        for number in range(options.rounds + 1):
            for journey in JOURNEYS:
                people = [_person(made, services, journey, hashed) for _ in range(options.sign_ins)]
                used = _round(options, made, journey, people, server, mongod, idle)
                if number:  # the first round warms up
                    rounds[journey].append(used)
    return {
        journey: Use(
            tuple(server - (0 if journey is _CODE else least) for server, _ in each),
            median(mongod for _, mongod in each),
        )
        for journey, each in rounds.items()
    }


def _person(made: World, services: app.Services, journey: Journey, hashed: str) -> Person:
    person = made.person(encrypts=journey.encrypts)
    if journey.needs_account:
        made.create_account(services, person, hashed)
    return person


def _round(
    options: Options,
    made: World,
    journey: Journey,
    people: list[Person],
    server: Server,
    mongod: Mongod,
    idle: tuple[float, float],
) -> tuple[float, float]:
    """Milliseconds of CPU of a sign-in: the provider's processes', mongod's."""

    def walk(person: Person) -> None:
        with closing(HttpBrowser(made.issuer)) as browser:
            journey.walk(made, browser, person)

    before, begun = (server.cpu_seconds(), mongod.cpu_seconds()), time.perf_counter()
    with ThreadPoolExecutor(options.clients) as browsers:
        list(browsers.map(walk, people))
    elapsed = time.perf_counter() - begun
    after = server.cpu_seconds(), mongod.cpu_seconds()
    server_ms, mongod_ms = (
        1_000 * (now - then - each * elapsed) / len(people) for now, then, each in zip(after, before, idle, strict=True)
    )
    return server_ms, mongod_ms


def _idle(server: Server, mongod: Mongod, seconds: float) -> tuple[float, float]:
    """CPU by second while nobody comes."""
    before = server.cpu_seconds(), mongod.cpu_seconds()
    time.sleep(seconds)
    return (server.cpu_seconds() - before[0]) / seconds, (mongod.cpu_seconds() - before[1]) / seconds


def _seconds_of(work: Callable[[], object], repetitions: int) -> float:
    begun = time.thread_time()
    for _ in range(repetitions):
        work()
    return (time.thread_time() - begun) / repetitions


def memory(options: Options, made: World, workers: int) -> int:
    """Bytes of a provider with so many workers, each of which has answered."""
    services = made.services()
    with _running(_server(options, made, str(workers))) as server, closing(services.database):
        hashed = services.hasher.hash(PASSWORD)
        for _ in range(max(workers, options.sign_ins)):
            browser = HttpBrowser(made.issuer)
            _PASSWORD.walk(made, browser, _person(made, services, _PASSWORD, hashed))
            browser.close()
        return server.memory_bytes()


def _server(options: Options, made: World, workers: str) -> Server:
    server = made.server(options.folder)
    return replace(server, environment=server.environment | {"IDP_WEB_WORKERS": workers})


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
