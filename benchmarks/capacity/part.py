"""Part ``capacity``: what is measured, in which order, and the tables."""

import os
import time
from contextlib import closing
from statistics import median

import bcrypt

from benchmarks.capacity.costs import Costs
from benchmarks.capacity.population import Size
from benchmarks.capacity.stored import stored
from benchmarks.capacity.using import LEAST_COST, Use, memory, uses
from benchmarks.database import Mongod
from benchmarks.parts import Options
from benchmarks.sign_in.journeys import JOURNEYS, Journey
from benchmarks.sign_in.world import world
from benchmarks.tables import megabytes, say, table
from idp import app

DEFAULT_COST = 12
_WORKERS = (1, 2)
_DATABASE = "bench_capacity"
PASSWORD_JOURNEY, CODE_JOURNEY, FIRST_JOURNEY = JOURNEYS[:3]


def run(options: Options) -> None:
    """Measure everything and print it; raises ``ServerFailed``."""
    mongod = Mongod(options.folder)
    say(f"capacity: mongod {mongod.version}, {os.cpu_count()} cores shared with it and with the browsers,")
    say(f"          medians of {options.rounds} rounds of {options.sign_ins} sign-ins")
    made = world(options.folder / "capacity", mongod, cost=LEAST_COST)
    made.environment["IDP_MONGODB_DATABASE"] = _DATABASE
    mongod.drop(_DATABASE)
    with closing(made.services().database) as database, made.mails.listening():
        database.create_indexes(app.INDEXES)
        hashing = {cost: _hashing(cost, options) for cost in options.hash_costs}
        used = uses(options, made, mongod)
        proofs, sign_ins = stored(options, made, mongod)
        sizes = {workers: memory(options, made, workers) for workers in _WORKERS}
    _print_rates(hashing, used)
    _print_database(proofs, sign_ins)
    _print_memory(sizes)
    _costs(hashing, used, proofs, sign_ins).write(options.folder)


def _hashing(cost: int, options: Options) -> list[float]:
    """Milliseconds of CPU of one hash, in each round."""
    stored = bcrypt.hashpw(b"a password", bcrypt.gensalt(cost))
    # Each step of the cost takes twice as long: dear ones are measured less often, and for longer.
    hashes = max(1, round(options.hashes * 2 ** ((DEFAULT_COST - cost) / 2)))
    times = []
    for _ in range(options.rounds):
        begun = time.thread_time()
        for _ in range(hashes):
            bcrypt.checkpw(b"a password", stored)
        times.append(1_000 * (time.thread_time() - begun) / hashes)
    return times


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
        table(f"Database: what as many {title} as accounts leave", header, rows)


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
