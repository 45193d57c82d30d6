"""Part ``capacity``: what is measured, in which order, and the tables."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import bcrypt

from benchmarks.capacity.costs import Costs
from benchmarks.capacity.population import Documents, Size, left_by, multiply, sizes
from benchmarks.database import Mongod
from benchmarks.parts import Options
from benchmarks.servers import Server
from benchmarks.sign_in.browser import HttpBrowser, InProcessBrowser
from benchmarks.sign_in.journeys import JOURNEYS, Journey
from benchmarks.sign_in.world import PASSWORD, Person, World, world
from benchmarks.tables import megabytes, say, table
from idp import app
from idp.app.mail import sends_next

HASH_COSTS = (10, 11, 12, 13, 14)
DEFAULT_COST = 12
# bcrypt's least: hashing then takes a millisecond, which is taken off.
_LEAST_COST = 4
_HASHES = {10: 12, 11: 8, 12: 6, 13: 4, 14: 3}
# People who really come, after whom the crowd is made; and how often each signs in afterwards.
_IMAGES, _RETURNS = 5, 4
# A crowd of this part of the accounts is made, its size multiplied: documents and index entries grow with their number.
_SAMPLE = 5
_WORKERS = (1, 3)

PASSWORD_JOURNEY, CODE_JOURNEY, FIRST_JOURNEY = JOURNEYS[0], JOURNEYS[1], JOURNEYS[2]


@dataclass(frozen=True)
class Use:
    """CPU of one sign-in in milliseconds, without hashing; the rounds of the provider's processes; mongod's."""

    rounds: tuple[float, ...]
    mongod: float

    @property
    def server(self) -> float:
        return median(self.rounds)


def run(options: Options) -> None:
    """Measure everything and print it; raises ``ServerFailed``."""
    mongod = Mongod(options.folder)
    say(f"capacity: mongod {mongod.version}, {os.cpu_count()} cores shared with it and with the browsers,")
    say(f"          medians of {options.rounds} rounds of {options.sign_ins} sign-ins")
    made = world(options.folder / "capacity", mongod, cost=_LEAST_COST)
    made.environment["IDP_MONGODB_DATABASE"] = "bench_capacity"
    mongod.drop("bench_capacity")
    with closing(made.services().database) as database, made.mails.listening():
        database.create_indexes(app.INDEXES)
        hashing = {cost: _hashing(cost, options.rounds) for cost in HASH_COSTS}
        uses = _uses(options, made, mongod)
        proofs, sign_ins = _database(options, made, mongod)
        memory = {workers: _memory(options, made, workers) for workers in _WORKERS}
    _print_rates(hashing, uses)
    _print_database(proofs, sign_ins)
    _print_memory(memory)
    _costs(hashing, uses, proofs, sign_ins).write(options.folder)


def _hashing(cost: int, rounds: int) -> list[float]:
    """Milliseconds of CPU of one hash, in each round."""
    stored = bcrypt.hashpw(b"a password", bcrypt.gensalt(cost))
    times = []
    for _ in range(rounds):
        begun = time.thread_time()
        for _ in range(_HASHES[cost]):
            bcrypt.checkpw(b"a password", stored)
        times.append(1_000 * (time.thread_time() - begun) / _HASHES[cost])
    return times


def _uses(options: Options, made: World, mongod: Mongod) -> dict[Journey, Use]:
    """Each journey against the running provider, without what the idle one uses."""
    # What hashing takes even at the least cost.
    least = 1_000 * _seconds_of(partial(bcrypt.hashpw, b"a password", bcrypt.gensalt(_LEAST_COST)), 20)
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
            tuple(server - (0 if journey is CODE_JOURNEY else least) for server, _ in each),
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


def _database(options: Options, made: World, mongod: Mongod) -> tuple[dict[str, Size], dict[str, Size]]:
    """Sizes for ``options.accounts``: what first proofs leave, and what one more sign-in of each leaves."""
    proofs, returns = _images(made, mongod)
    return _sizes(options, made, mongod, "proofs", proofs), _sizes(options, made, mongod, "returns", returns)


def _images(made: World, mongod: Mongod) -> tuple[list[Documents], list[Documents]]:
    """What a few people leave, each in a browser of their own."""
    services = made.services()
    services.federation.refresh()
    made.know_provider(services)
    application, send = app.create_app(services), sends_next(services)
    made.mails.before_waiting = lambda: send(services.clock())
    database = mongod.client[made.environment["IDP_MONGODB_DATABASE"]]
    proofs, returns = [], []

    def walk(journey: Journey, person: Person) -> None:
        journey.walk(made, InProcessBrowser(application, made.issuer), person)

    for _ in range(_IMAGES):
        person = made.person()
        proofs.append(left_by(database, partial(walk, FIRST_JOURNEY, person)))
        returns += [left_by(database, partial(walk, PASSWORD_JOURNEY, person)) for _ in range(_RETURNS - 1)]
        returns.append(left_by(database, partial(walk, CODE_JOURNEY, person)))
    made.mails.before_waiting = lambda: None
    services.database.close()
    return proofs, returns


def _sizes(options: Options, made: World, mongod: Mongod, name: str, images: list[Documents]) -> dict[str, Size]:
    filled = f"bench_capacity_{name}"
    mongod.drop(filled)
    crowd = replace(made, environment=made.environment | {"IDP_MONGODB_DATABASE": filled})
    with closing(crowd.services().database) as database:
        database.create_indexes(app.INDEXES)
        copies = max(1, options.accounts // _SAMPLE)
        # Numbers that nobody really had.
        multiply(images, copies, mongod.client[filled], 50_000_000)
    found = sizes(mongod.client[filled])
    mongod.drop(filled)
    return {collection: size.times(options.accounts / copies) for collection, size in found.items()}


def _memory(options: Options, made: World, workers: int) -> int:
    """Bytes of a provider with so many workers, each of which has answered."""
    services = made.services()
    with _running(_server(options, made, str(workers))) as server, closing(services.database):
        hashed = services.hasher.hash(PASSWORD)
        for _ in range(max(workers, options.sign_ins)):
            browser = HttpBrowser(made.issuer)
            PASSWORD_JOURNEY.walk(made, browser, _person(made, services, PASSWORD_JOURNEY, hashed))
            browser.close()
        return server.memory_bytes()


def _print_rates(hashing: dict[int, list[float]], uses: dict[Journey, Use]) -> None:
    rows = [
        (
            f"cost {cost}" + (" (default)" if cost == DEFAULT_COST else ""),
            _spread(times),
            *(
                f"{1_000 / (uses[journey].server + (0 if journey is CODE_JOURNEY else median(times))):.1f}"
                for journey in JOURNEYS
            ),
        )
        for cost, times in hashing.items()
    ]
    table("Complete sign-ins a second and core", ("", "hash, ms CPU", *(one.name for one in JOURNEYS)), rows)
    rest = [(journey.name, _spread(list(use.rounds)), f"{use.mongod:.1f}") for journey, use in uses.items()]
    table("The rest, milliseconds of CPU", ("", "provider", "mongod"), rest)


def _spread(times: list[float]) -> str:
    return f"{median(times):.1f} ({min(times):.1f} … {max(times):.1f})"


def _print_database(proofs: dict[str, Size], sign_ins: dict[str, Size]) -> None:
    header = ("", "documents", "data", "on disk", "indexes")
    for title, found in (("first proofs", proofs), ("other sign-ins", sign_ins)):
        rows = [(name, *_row(size)) for name, size in found.items()]
        rows.append(("together", *_row(_total(found))))
        table(
            f"Database: what as many {title} as accounts leave", ("", "documents", "data", "on disk", "indexes"), rows
        )


def _row(size: Size) -> tuple[str, ...]:
    return f"{size.documents:,}", megabytes(size.data), megabytes(size.storage), megabytes(size.indexes)


def _total(found: dict[str, Size]) -> Size:
    return Size(
        sum(size.documents for size in found.values()),
        sum(size.data for size in found.values()),
        sum(size.storage for size in found.values()),
        sum(size.indexes for size in found.values()),
    )


def _print_memory(memory: dict[int, int]) -> None:
    few, many = _WORKERS
    rows = [(f"{workers} workers and their master", megabytes(size)) for workers, size in memory.items()]
    rows.append(("each worker more", megabytes((memory[many] - memory[few]) / (many - few))))
    table("Memory (PSS)", ("", ""), rows)


def _costs(
    hashing: dict[int, list[float]], uses: dict[Journey, Use], proofs: dict[str, Size], sign_ins: dict[str, Size]
) -> Costs:
    """What the simulation counts with; within a week next to nothing of it is purged."""
    accounts = proofs["accounts"].documents
    return Costs(
        hash=median(hashing[DEFAULT_COST]),
        password=uses[PASSWORD_JOURNEY].server,
        code=uses[CODE_JOURNEY].server,
        first_time=uses[FIRST_JOURNEY].server,
        password_mongod=uses[PASSWORD_JOURNEY].mongod,
        code_mongod=uses[CODE_JOURNEY].mongod,
        first_time_mongod=uses[FIRST_JOURNEY].mongod,
        proof_bytes=_total(proofs).disk / accounts,
        sign_in_bytes=_total(sign_ins).disk / accounts,
    )
