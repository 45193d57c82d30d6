"""Bringing what is stored to the shapes of this release: indexes first, then the migrations."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.domain.errors import ConfigurationError
from idp.storage.database import Database, Indexes
from idp.storage.database_state import missing_indexes
from idp.storage.migrations.migration import Migration, Terms
from idp.storage.migrations.runner import Progress, Runner
from idp.storage.migrations.schema_state import schema_state


@dataclass(frozen=True, slots=True)
class MigrationLine:
    """One migration. state: ``due``, ``running``, ``done``, or ``late`` where older workers wrote after it was done.

    changed: documents so far. remaining: documents of the old shape, None while it runs.
    """

    number: int
    about: str
    collection: str
    state: str
    changed: int
    remaining: int | None
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """missing_indexes: as ``collection.name``; they are made first."""

    missing_indexes: tuple[str, ...]
    migrations: tuple[MigrationLine, ...]


@dataclass(frozen=True, slots=True)
class Migrating:
    """Tells what is due, and does it; raises ServiceUnavailable."""

    database: Database
    indexes: Sequence[Indexes]
    migrations: Sequence[Migration]
    terms: Terms
    clock: Callable[[], datetime]

    def plan(self) -> MigrationPlan:
        """What ``run`` would do now; changes nothing."""
        lines = tuple(_line(progress) for progress in self._runner().plan())
        return MigrationPlan(missing_indexes(self.database, self.indexes), lines)

    def run(self) -> Iterator[MigrationLine]:
        """Do it, and tell after every batch and at each end.

        Raises ConfigurationError where a newer release was here, or another runner is at it.
        """
        unknown = schema_state(self.database, self.migrations).unknown
        if unknown:
            numbers = ", ".join(f"{number:03}" for number in unknown)
            raise ConfigurationError(f"migrations: a newer release was here (knows {numbers}); use its `idp migrate`")
        self.database.create_indexes(self.indexes)
        for progress in self._runner().run():
            yield _line(progress)

    def _runner(self) -> Runner:
        return Runner(self.database, self.migrations, self.terms, self.clock)


def _line(progress: Progress) -> MigrationLine:
    one = progress.migration
    return MigrationLine(
        one.number, one.about, one.collection, _state(progress), progress.changed, progress.remaining, progress.done_at
    )


def _state(progress: Progress) -> str:
    if progress.remaining is None:
        return "running"
    if progress.done_at is None:
        return "due"
    return "late" if progress.remaining else "done"
