"""The part itself: the journeys against the running provider, then in this process, and the tables."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.database import Mongod
from benchmarks.goals import Goal
from benchmarks.parts import Options
from benchmarks.servers import Server
from benchmarks.sign_in.browser import HttpBrowser, InProcessBrowser
from benchmarks.sign_in.journeys import JOURNEYS, Journey
from benchmarks.sign_in.layers import SIGNATURES, Sampler
from benchmarks.sign_in.world import PASSWORD, WORKERS, Person, World, world
from benchmarks.tables import say, table
from idp import app
from idp.app import mail

LEAST_COST = 4
ELSEWHERE = Goal("CPU outside bcrypt and signatures, ms a sign-in: {}", 10, is_most=True)


@dataclass(frozen=True)
class Cost:
    """Of one sign-in, the median of the rounds. server, mongod: milliseconds of CPU. seconds: by the clock."""

    server: float
    mongod: float
    commands: float
    seconds: float


def run(options: Options) -> None:
    """Measure everything and print it; raises ``ServerFailed``."""
    folder = options.folder / "sign-in"
    mongod = Mongod(options.folder)
    made = world(folder, mongod, cost=options.bcrypt_cost)
    services = made.services()
    services.database.create_indexes(app.INDEXES)
    services.federation.refresh()
    made.know_provider(services)
    cost = services.settings.passwords.bcrypt_cost
    say(
        f"sign-in: mongod {mongod.version}, {WORKERS} processes, bcrypt cost {cost}, medians of {options.rounds} rounds"
    )
    say(f"         of {options.sign_ins} sign-ins each, from the application's request to its tokens and claims")
    with made.mails.listening():
        people = _People(made, services)
        costs = _over_http(options, made, people, folder, mongod)
        layers = _by_layer(options, made, people, services)
        bare = _without_hashing(options, made, folder, mongod)
    services.database.close()
    _print_costs(costs)
    _print_layers(layers)
    _print_reached(bare, layers)


class _People:
    """Somebody new for each sign-in, with an account where the journey needs one: nobody runs into a limit."""

    def __init__(self, made: World, services: app.Services) -> None:
        self._world, self._services = made, services
        # One hash for all: making it is not what is measured here.
        self._hash = services.hasher.hash(PASSWORD)

    def next(self, journey: Journey) -> Person:
        person = self._world.person(encrypts=journey.encrypts)
        if journey.needs_account:
            self._world.create_account(self._services, person, self._hash)
        return person


@contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


def _over_http(options: Options, made: World, people: _People, folder: Path, mongod: Mongod) -> dict[str, Cost]:
    rounds: dict[str, list[Cost]] = {journey.name: [] for journey in JOURNEYS}
    server = made.server(folder)
    with _running(server):
        for number in range(options.rounds + 1):
            for journey in JOURNEYS:
                crowd = [people.next(journey) for _ in range(options.sign_ins)]
                cost = _round(journey, made, crowd, server, mongod, options.clients)
                if number:  # the first round warms up
                    rounds[journey.name].append(cost)
    return {name: _median(costs) for name, costs in rounds.items()}


def _without_hashing(options: Options, made: World, folder: Path, mongod: Mongod) -> dict[str, Cost]:
    """The same at the least cost that bcrypt has, a millisecond: a difference of two large figures would be noise."""
    cheap = replace(made, environment=made.environment | {"IDP_PASSWORDS_BCRYPT_COST": str(LEAST_COST)})
    services = cheap.services()
    try:
        return _over_http(options, cheap, _People(cheap, services), folder, mongod)
    finally:
        services.database.close()


def _round(journey: Journey, made: World, crowd: list[Person], server: Server, mongod: Mongod, clients: int) -> Cost:
    def walk(person: Person) -> None:
        browser = HttpBrowser(made.issuer)
        try:
            journey.walk(made, browser, person)
        finally:
            browser.close()

    began = time.perf_counter(), server.cpu_seconds(), mongod.cpu_seconds(), mongod.commands()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(walk, crowd))
    ended = time.perf_counter(), server.cpu_seconds(), mongod.cpu_seconds(), mongod.commands()
    used = [(after - before) / len(crowd) for before, after in zip(began, ended, strict=True)]
    seconds, cpu, database, commands = used
    return Cost(1000 * cpu, 1000 * database, commands, seconds)


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        median(cost.server for cost in costs),
        median(cost.mongod for cost in costs),
        median(cost.commands for cost in costs),
        median(cost.seconds for cost in costs),
    )


def _by_layer(options: Options, made: World, people: _People, services: app.Services) -> dict[str, dict[str, float]]:
    """Milliseconds of CPU a sign-in by layer, of the same journeys in this process."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("signals reach the main thread alone")
    found = {}
    for journey in JOURNEYS:
        sampler = Sampler()
        application = sampler.watched(app.create_app(services))
        send = mail.sends_next(services)
        made.mails.before_waiting = partial(sampler.during, partial(_send, send, services))
        crowd = [people.next(journey) for _ in range(options.sign_ins + 1)]
        journey.walk(made, InProcessBrowser(application, made.issuer), crowd[0])
        sampler.seconds.clear()
        with sampler:
            for person in crowd[1:]:
                journey.walk(made, InProcessBrowser(application, made.issuer), person)
        found[journey.name] = {name: 1000 * spent / options.sign_ins for name, spent in sampler.seconds.items()}
    return found


def _send(send: Callable[..., bool], services: app.Services) -> bool:
    return send(services.clock())


def _print_costs(costs: dict[str, Cost]) -> None:
    rows = [
        (name, f"{cost.server:.1f}", f"{cost.mongod:.1f}", f"{cost.commands:.0f}", f"{1 / cost.seconds:.1f}")
        for name, cost in costs.items()
    ]
    header = ("", "server, ms CPU", "mongod, ms CPU", "Mongo commands", "a second, this machine")
    table("One whole sign-in", header, rows)


def _print_layers(layers: dict[str, dict[str, float]]) -> None:
    names = sorted({name for spent in layers.values() for name in spent}, key=lambda name: -_total(layers, name))
    rows = [(name, *(f"{spent.get(name, 0):.2f}" for spent in layers.values())) for name in names]
    rows.append(("together", *(f"{sum(spent.values()):.2f}" for spent in layers.values())))
    table("Milliseconds of CPU by layer, in one process", ("", *layers), rows)


def _total(layers: dict[str, dict[str, float]], name: str) -> float:
    return sum(spent.get(name, 0) for spent in layers.values())


def _print_reached(bare: dict[str, Cost], layers: dict[str, dict[str, float]]) -> None:
    """What the server's processes used with next to no hashing, less what the sampler found in signatures."""
    rows = []
    for name, cost in bare.items():
        row = ELSEWHERE.row(cost.server - layers[name].get(SIGNATURES, 0))
        rows.append((row[0].format(name), *row[1:]))
    table("To reach", ("", "measured", "must", "aim", "reached"), rows)
