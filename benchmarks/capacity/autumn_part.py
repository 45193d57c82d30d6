"""The tables of the simulation."""

import math
from collections.abc import Callable

from benchmarks.capacity import autumn
from benchmarks.capacity.autumn import Minute
from benchmarks.capacity.costs import Costs
from benchmarks.capacity.measured import MEASURED
from benchmarks.parts import Options
from benchmarks.tables import megabytes, say, table


def run(options: Options) -> None:
    """Print what ``options.accounts`` first proofs in a week need."""
    last = Costs.read(options.folder)
    costs, minutes = last or MEASURED, autumn.week(options.accounts)
    where = "those of the last run of « capacity » here" if last else "those of docs/capacity.md"
    say(f"autumn: {options.accounts:,} first proofs in a week, and {autumn.RETURNS:g} other sign-ins by person;")
    say(f"        costs: {where}; the curve: benchmarks/capacity/autumn.py")
    table("Peaks", ("", "a minute", "an hour", "a day", "the week"), [_peaks(*each, minutes) for each in _COUNTED])
    table("Cores at the busiest", ("", "minute", "hour"), _cores(minutes, costs))
    table(
        "Mail, by what the mail server takes",
        ("mails a minute", "longest queue", "longest wait", "late"),
        _mail(minutes),
    )
    growth = sum(each.proofs for each in minutes) * costs.proof_bytes
    growth += sum(each.passwords + each.codes for each in minutes) * costs.sign_in_bytes
    say(f"  the database grows by {megabytes(growth)} in that week")


_COUNTED: tuple[tuple[str, Callable[[Minute], float]], ...] = (
    ("first proofs", lambda minute: minute.proofs),
    ("other sign-ins", lambda minute: minute.passwords + minute.codes),
    ("mails", Minute.mails),
)


def _peaks(name: str, counted: Callable[[Minute], float], minutes: list[Minute]) -> tuple[str, ...]:
    numbers = [counted(minute) for minute in minutes]
    peaks = (_most(numbers, span) for span in (1, 60, autumn.MINUTES_OF_DAY, len(numbers)))
    return name, *(f"{peak:,.0f}" for peak in peaks)


def _most(numbers: list[float], span: int) -> float:
    """The largest sum of a whole span."""
    return max(sum(numbers[start : start + span]) for start in range(0, len(numbers), span))


def _cores(minutes: list[Minute], costs: Costs) -> list[tuple[str, ...]]:
    provider = [minute.provider_seconds(costs) for minute in minutes]
    mongod = [minute.mongod_seconds(costs) for minute in minutes]
    hashing = [(minute.proofs + minute.passwords) * costs.hash / 1_000 for minute in minutes]
    parts = (("provider", provider), ("of it bcrypt", hashing), ("mongod", mongod))
    rows: list[tuple[str, ...]] = [(name, *(f"{_busy(used, span):.2f}" for span in (1, 60))) for name, used in parts]
    needed = (str(math.ceil(_busy(provider, span) / autumn.BUSY)) for span in (1, 60))
    return [*rows, (f"provider's cores to have, {autumn.BUSY:.0%} used", *needed)]


def _busy(seconds: list[float], span: int) -> float:
    return _most(seconds, span) / span / 60


def _mail(minutes: list[Minute]) -> list[tuple[str, ...]]:
    queues = {rate: autumn.queue(minutes, rate) for rate in autumn.SMTP_RATES}
    return [
        (str(rate), f"{queue.longest:,.0f}", f"{queue.wait:,.1f} min", f"{queue.late:.1%}")
        for rate, queue in queues.items()
    ]
