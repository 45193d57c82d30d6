"""The part itself: the journeys against the running provider, then in this process, and the tables."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.database import Mongod
from benchmarks.goals import Goal
from benchmarks.parts import Options
from benchmarks.servers import Server
from benchmarks.sign_in import empty
from benchmarks.sign_in.browser import HttpBrowser, InProcessBrowser
from benchmarks.sign_in.journeys import JOURNEYS, Journey
from benchmarks.sign_in.layers import SIGNATURES, Sampler
from benchmarks.sign_in.world import HOST, PASSWORD, WORKERS, Person, World, world
from benchmarks.tables import ratio, say, table
from idp import app
from idp.app import mail
from idp.demo.ports import free_port
from idp.flows.mail_delivery import MailDelivery

LEAST_COST = 4
ELSEWHERE = Goal("CPU outside bcrypt and signatures, ms a sign-in: {}", 10, is_most=True)


@dataclass(frozen=True)
class Cost:
    """Of one sign-in, the median of the rounds. server, mongod: milliseconds of CPU. seconds: by the clock.

    empty: what a server that does nothing takes for as many requests and commands, right after; 0 where not measured.
    """

    server: float
    mongod: float
    commands: float
    requests: float
    seconds: float
    empty: float = 0.0


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
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _over_http(options: Options, made: World, people: _People, folder: Path, mongod: Mongod) -> dict[str, Cost]:
    with _running(made.server(folder)) as server:
        measured = partial(_round, made=made, server=server, mongod=mongod, clients=options.clients)
        return _in_rounds(options, people, measured)


def _without_hashing(options: Options, made: World, folder: Path, mongod: Mongod) -> dict[str, Cost]:
    """The same at the least cost that bcrypt has, a millisecond: a difference of two large figures would be noise.

    Each time right before a server that does nothing, which tells what the libraries alone cost at this machine's pace.
    """
    cheap = replace(made, environment=made.environment | {"IDP_PASSWORDS_BCRYPT_COST": str(LEAST_COST)})
    services = cheap.services()
    mongod.drop(empty.DATABASE)
    nothing = empty.server(folder, free_port(), mongod.uri, WORKERS)
    try:
        with _running(cheap.server(folder)) as server, _running(nothing):

            def measured(journey: Journey, crowd: list[Person]) -> Cost:
                cost = _round(journey, crowd, made=cheap, server=server, mongod=mongod, clients=options.clients)
                return replace(cost, empty=_doing_nothing(cost, len(crowd), nothing, options.clients))

            return _in_rounds(options, _People(cheap, services), measured)
    finally:
        services.database.close()


def _in_rounds(options: Options, people: _People, measured: Callable[[Journey, list[Person]], Cost]) -> dict[str, Cost]:
    rounds: dict[str, list[Cost]] = {journey.name: [] for journey in JOURNEYS}
    for number in range(options.rounds + 1):
        for journey in JOURNEYS:
            cost = measured(journey, [people.next(journey) for _ in range(options.sign_ins)])
            if number:  # the first round warms up
                rounds[journey.name].append(cost)
    return {name: _median(costs) for name, costs in rounds.items()}


def _round(journey: Journey, crowd: list[Person], *, made: World, server: Server, mongod: Mongod, clients: int) -> Cost:
    def walk(person: Person) -> int:
        with closing(HttpBrowser(made.issuer)) as browser:
            journey.walk(made, browser, person)
        return browser.requests

    began = time.perf_counter(), server.cpu_seconds(), mongod.cpu_seconds(), mongod.commands()
    with ThreadPoolExecutor(clients) as pool:
        requests = sum(pool.map(walk, crowd))
    ended = time.perf_counter(), server.cpu_seconds(), mongod.cpu_seconds(), mongod.commands()
    used = [(after - before) / len(crowd) for before, after in zip(began, ended, strict=True)]
    seconds, cpu, database, commands = used
    return Cost(1000 * cpu, 1000 * database, commands, requests / len(crowd), seconds)


def _doing_nothing(cost: Cost, times: int, server: Server, clients: int) -> float:
    """Milliseconds of CPU of the server that does nothing, for as many requests and commands."""
    home = f"http://{HOST}:{server.port}"
    shares = empty.shares(round(cost.commands), round(cost.requests))

    def walk(_: int) -> None:
        with closing(HttpBrowser(home)) as browser:
            for commands in shares:
                browser.get(f"{home}/{commands}")

    began = server.cpu_seconds()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(walk, range(times)))
    return 1000 * (server.cpu_seconds() - began) / times


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        median(cost.server for cost in costs),
        median(cost.mongod for cost in costs),
        median(cost.commands for cost in costs),
        median(cost.requests for cost in costs),
        median(cost.seconds for cost in costs),
        median(cost.empty for cost in costs),
    )


def _by_layer(options: Options, made: World, people: _People, services: app.Services) -> dict[str, dict[str, float]]:
    """Milliseconds of CPU a sign-in by layer, of the same journeys in this process."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("signals reach the main thread alone")
    found = {}
    for journey in JOURNEYS:
        sampler = Sampler()
        application = sampler.watched(app.create_app(services))
        sending = mail.mail_delivery(services)
        made.mails.before_waiting = partial(sampler.during, partial(_send, sending, services))
        crowd = [people.next(journey) for _ in range(options.sign_ins + 1)]
        journey.walk(made, InProcessBrowser(application, made.issuer), crowd[0])
        sampler.seconds.clear()
        with sampler:
            for person in crowd[1:]:
                journey.walk(made, InProcessBrowser(application, made.issuer), person)
        found[journey.name] = {name: 1000 * spent / options.sign_ins for name, spent in sampler.seconds.items()}
    return found


def _send(sending: MailDelivery, services: app.Services) -> bool:
    return sending.deliver_next("sender", services.clock())


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
    elsewhere = {name: cost.server - layers[name].get(SIGNATURES, 0) for name, cost in bare.items()}
    rows = []
    for name, spent in elsewhere.items():
        row = ELSEWHERE.row(spent)
        rows.append((row[0].format(name), *row[1:]))
    table("To reach", ("", "measured", "must", "aim", "reached"), rows)
    compared = [
        (name, f"{cost.requests:.0f}", f"{cost.commands:.0f}", *_beside(elsewhere[name], cost.empty))
        for name, cost in bare.items()
    ]
    header = ("", "requests", "Mongo commands", "ms CPU", "empty, ms CPU", "ratio")
    table("Outside bcrypt and signatures, beside gunicorn, Flask and driver with nothing in them", header, compared)


def _beside(spent: float, nothing: float) -> tuple[str, str, str]:
    return f"{spent:.1f}", f"{nothing:.1f}", ratio(spent / nothing) if nothing else "-"
