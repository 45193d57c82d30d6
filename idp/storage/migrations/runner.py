"""Doing migrations: in batches, each noted, so that whoever takes over from a killed runner goes on where it was."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pymongo

from idp.domain.errors import ConfigurationError
from idp.storage.database import Database, Document, translated
from idp.storage.migrations.ledger import Ledger, Record
from idp.storage.migrations.migration import Migration, Terms
from idp.storage.walking import pieces

BATCH = 500
# Longer than one batch can take: each of its few operations has its own time limit.
LEASE = timedelta(minutes=2)
# No index finds old shapes: whole collections are read.
_SCAN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a migration stands. remaining: documents of the old shape; None while it runs, where nobody counts them."""

    migration: Migration
    changed: int
    remaining: int | None
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Runner:
    """Any number may be started: one works, the others are told. batch: documents at a time."""

    database: Database
    migrations: Sequence[Migration]
    terms: Terms
    clock: Callable[[], datetime]
    batch: int = BATCH

    def plan(self) -> tuple[Progress, ...]:
        """Every migration, and how many documents it would change now; changes nothing. Reads whole collections."""
        records = Ledger(self.database).records()
        return tuple(self._progress(one, records.get(one.number)) for one in self.migrations)

    def run(self) -> Iterator[Progress]:
        """Do what is due, and again what workers of the old release have written since; yields after every batch.

        Raises ConfigurationError where another runner is at it, LeaseLost where one took over.
        """
        ledger, holder = Ledger(self.database), secrets.token_hex(8)
        if not ledger.lock(holder, now=self.clock(), lease=LEASE):
            raise ConfigurationError(
                "migrations: another runner is at it; one that was killed gives way after 2 minutes"
            )
        try:
            for migration in self.migrations:
                yield from self._run(migration, ledger, holder)
        finally:
            ledger.unlock(holder)

    def _run(self, migration: Migration, ledger: Ledger, holder: str) -> Iterator[Progress]:
        ledger.begin(migration.number, migration.serves_from, now=self.clock())
        changed, reached = 0, ledger.records()[migration.number].reached
        # A pass that began behind others' work is followed by a whole one; what is written during that one is left to
        # the next run, after the last worker of the old release.
        for start in (reached, None) if reached is not None else (None,):
            for documents in self._batches(migration, start):
                ledger.prolong(holder, now=self.clock(), lease=LEASE)
                done = migration.change(self.database, documents, self.terms)
                ledger.note(migration.number, done, documents[-1]["_id"])
                changed += done
                yield Progress(migration, changed, None, None)
        ledger.finish(migration.number, now=self.clock())
        yield Progress(migration, changed, self._remaining(migration), ledger.records()[migration.number].done_at)

    def _batches(self, migration: Migration, reached: object) -> Iterator[list[Document]]:
        collection = self.database.collection(migration.collection)
        projection = dict.fromkeys(("_id", *migration.fields), 1)
        return pieces(lambda: collection.find(migration.outdated, projection), self.batch, behind=reached)

    def _remaining(self, migration: Migration) -> int:
        with translated(), pymongo.timeout(_SCAN_SECONDS):
            return self.database.collection(migration.collection).count_documents(migration.outdated)

    def _progress(self, migration: Migration, record: Record | None) -> Progress:
        changed, done_at = (record.changed, record.done_at) if record else (0, None)
        return Progress(migration, changed, self._remaining(migration), done_at)
