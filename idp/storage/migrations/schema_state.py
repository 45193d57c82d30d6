"""Whether this release can serve the database, and what an administrator has to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.storage.account_documents import ACCOUNTS
from idp.storage.database import Database, translated
from idp.storage.migrations import MIGRATIONS
from idp.storage.migrations.ledger import Ledger
from idp.storage.migrations.migration import Migration


@dataclass(frozen=True, slots=True)
class SchemaState:
    """due: numbers of migrations that were not done. unknown: of those that only a newer release knows.

    too_new: one of these left behind what this release cannot read. is_half_restored: a restore has not ended.
    """

    due: tuple[int, ...]
    unknown: tuple[int, ...]
    too_new: bool
    is_half_restored: bool

    @property
    def serves(self) -> bool:
        """Whether people may be served from this database."""
        return not self.too_new and not self.is_half_restored

    def problems(self) -> tuple[str, ...]:
        """One line for each thing to do."""
        lines = []
        if self.is_half_restored:
            lines.append("schema: a restore has not ended; run `idp restore` again")
        if self.too_new:
            lines.append("schema: written by a newer release, which this one cannot read; install that release")
        elif self.unknown:
            lines.append("schema: a newer release has been at work; upgrade this worker")
        if self.due:
            numbers = ", ".join(f"{number:03}" for number in self.due)
            lines.append(f"schema: migrations due: {numbers}; run `idp migrate`")
        return tuple(lines)


def schema_state(database: Database, migrations: Sequence[Migration] = MIGRATIONS) -> SchemaState:
    """One look at a collection of a few documents; ServiceUnavailable where the database does not answer."""
    ledger = Ledger(database)
    records, known = ledger.records(), {one.number for one in migrations}
    if not records and _is_unused(database):
        known = set()
    unknown = sorted(set(records) - known)
    return SchemaState(
        due=tuple(sorted(number for number in known if number not in records or records[number].done_at is None)),
        unknown=tuple(unknown),
        too_new=any(records[number].serves_from > max(known, default=0) for number in unknown),
        is_half_restored=ledger.is_being_restored(),
    )


def adopt_if_empty(database: Database, *, now: datetime) -> bool:
    """Note every migration as done where nobody has an account yet; whether that was so.

    Any number of workers may start at once: they write the same.
    """
    ledger = Ledger(database)
    # A restore has just emptied it: what the copy says of migrations is still to come.
    if ledger.records() or ledger.is_being_restored() or not _is_unused(database):
        return False
    for one in MIGRATIONS:
        ledger.begin(one.number, one.serves_from, now=now)
        ledger.finish(one.number, now=now)
    return True


def _is_unused(database: Database) -> bool:
    with translated():
        return database.collection(ACCOUNTS).find_one({}, {"_id": 1}) is None
