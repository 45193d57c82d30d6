"""A backup of what lasts, and a database made from one."""

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.domain.keyed import SecretKey
from idp.domain.references import present_reference
from idp.storage.audit import BACKUP_MADE, AuditTrail
from idp.storage.audit_seals import AuditSeals
from idp.storage.backup import archive, copying, sealed_keys
from idp.storage.backup.policy import KEPT, SCHEMA
from idp.storage.database import Database, Indexes
from idp.storage.migrations.ledger import Ledger
from idp.storage.migrations.schema_state import schema_state

logger = logging.getLogger(__name__)

_ERASED, _CLOSED, _REOPENED = "account.erased", ("account.closed", "account.expired"), "account.reopened"


@dataclass(frozen=True, slots=True)
class BackupReport:
    """documents: by collection. one_moment: see ``archive.Header``. left_out: collections that nobody knows.

    with_keys: whether the keys are in it.
    """

    made_at: str
    issuer: str
    documents: dict[str, int]
    one_moment: bool
    with_keys: bool
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndedSince:
    """An account that ended after the backup was made, and comes back with it. is_erased: else it was closed."""

    account_id: str
    at: datetime
    is_erased: bool


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """documents: by collection. problems: what is to be done next. key_files: written, where keys were asked for.

    undone: what the database that was replaced knew of ends since the backup.
    """

    documents: dict[str, int]
    problems: tuple[str, ...]
    key_files: tuple[str, ...]
    undone: tuple[EndedSince, ...] = ()


@dataclass(frozen=True, slots=True)
class BackupFlow:
    """Every method raises ConfigurationError for files and ServiceUnavailable for the database.

    newest_migration: the last one that this release knows. audit_kept: how long the audit trail keeps an event.
    """

    database: Callable[[], Database]
    indexes: Sequence[Indexes]
    issuer: str
    keys_dir: Path
    secret_key: str
    release: str
    newest_migration: int
    audit_kept: timedelta
    clock: Callable[[], datetime]

    def backup(self, path: Path, passphrase: str | None = None) -> BackupReport:
        """Write everything that lasts to a new file; keys only under a passphrase."""
        database = self.database()
        # Before anything else, and outside of the file: a wrong folder or passphrase is told at once.
        sealed = None if passphrase is None else sealed_keys.seal(self.keys_dir, self.secret_key, passphrase)
        done = tuple(sorted(number for number, record in Ledger(database).records().items() if record.done_at))
        with copying.source(database) as source:
            header = archive.Header(
                made_at=f"{self.clock():%Y-%m-%dT%H:%M:%SZ}",
                release=self.release,
                issuer=self.issuer,
                migrations=done,
                one_moment=source.is_one_moment,
            )
            with archive.new_archive(path, header) as writer:
                if sealed is not None:
                    writer.add_bytes(archive.KEYS, sealed)
                counts = {name: writer.add_documents(name, source.documents(name)) for name in (*KEPT, SCHEMA)}
        self._note_made(database, header, with_keys=sealed is not None)
        left_out = copying.unknown_collections(database)
        return BackupReport(header.made_at, self.issuer, counts, header.one_moment, sealed is not None, left_out)

    def check(self, path: Path) -> BackupReport:
        """Read a backup whole; what it holds."""
        return _report(archive.verify(path))

    def restore(
        self,
        path: Path,
        *,
        replace: bool = False,
        keys_to: Path | None = None,
        passphrase: str = "",
        tell: Callable[[tuple[EndedSince, ...]], None] | None = None,
    ) -> RestoreReport:
        """Fill the database from a backup that is whole, and write its keys to a new folder where one is named.

        replace: forget what is there. Until it has ended the database serves nobody; one that was cut short is begun
        again without asking. tell: told which ends since the backup the restore undoes, while the database still
        knows them.
        """
        verified, database = archive.verify(path), self.database()
        expected, ledger = _report(verified), Ledger(database)
        self._refuse_newer(path, verified)
        if not replace and not ledger.is_being_restored() and not copying.is_empty(database):
            raise ConfigurationError(f"database {database.name}: holds documents; --replace forgets them")
        files = () if keys_to is None else sealed_keys.unseal(_sealed(path), passphrase, keys_to)
        undone = self._undone(database, expected.made_at)
        if tell:
            tell(undone)
        holder = secrets.token_hex(8)
        ledger.begin_restore(holder, now=self.clock())
        copying.clear(database)
        database.create_indexes(self.indexes)
        self._fill(path, database, expected.documents)
        self._note(database, expected.made_at, keys_to)
        if not ledger.end_restore(holder):
            # The other one has emptied what we had filled.
            raise ConfigurationError(f"database {database.name}: another restore has begun meanwhile; run it again")
        problems = (*self._differences(expected), *schema_state(database).problems())
        return RestoreReport(expected.documents, problems, files, undone)

    def _undone(self, database: Database, made_at: str) -> tuple[EndedSince, ...]:
        """Erased people and closed accounts would be served again, and nothing in the copy knows of them."""
        last: dict[str, EndedSince] = {}
        for event in self._trail(database).named((_ERASED, *_CLOSED, _REOPENED), since=datetime.fromisoformat(made_at)):
            if event.account_id is None:
                continue
            last.pop(event.account_id, None)
            if event.event != _REOPENED:
                last[event.account_id] = EndedSince(event.account_id, event.at, event.event == _ERASED)
        return tuple(last.values())

    def _refuse_newer(self, path: Path, verified: archive.VerifiedArchive) -> None:
        collections = {f"{name}.bson" for name in (*KEPT, SCHEMA)}
        unknown = verified.members.keys() - {*collections, archive.HEADER, archive.KEYS}
        if unknown or any(number > self.newest_migration for number in verified.header.migrations):
            release = verified.header.release
            raise ConfigurationError(
                f"{path}: made by release {release}, which is newer than this one; install it first"
            )

    def _fill(self, path: Path, database: Database, expected: dict[str, int]) -> None:
        counts: dict[str, int] = {}
        with archive.refusing_broken(path):
            for name, content in archive.read_members(path):
                if name.endswith(".bson"):
                    collection = name.removesuffix(".bson")
                    counts[collection] = copying.fill(database, collection, content)
        if counts != expected:
            raise ConfigurationError(f"{path}: changed while it was read; restore again")

    def _note(self, database: Database, made_at: str, keys_to: Path | None) -> None:
        """The security log goes on under the key of the copy, where that is known; what waited for a seal gets one."""
        key = sealed_keys.secret_key_in(keys_to) if keys_to else self.secret_key
        secret, now = SecretKey(key.encode()), self.clock()
        seals, trail = AuditSeals(database, secret), AuditTrail(database, secret, self.audit_kept)
        trail.append("backup.restored", at=now, reference=present_reference(), made_at=made_at)
        while seals.seal_next(now=now):
            pass

    def _note_made(self, database: Database, header: archive.Header, *, with_keys: bool) -> None:
        """Whoever watches sees that backups are made, and the audit trail tells that somebody has a copy of it all."""
        reference, contents = present_reference(), "documents and keys" if with_keys else "documents"
        try:
            self._trail(database).append(
                BACKUP_MADE, at=self.clock(), reference=reference, made_at=header.made_at, contents=contents
            )
        except ServiceUnavailable as error:
            # The file is whole all the same; the database may be one that we may only read.
            logger.warning("audit.missed", extra={"fields": {"reference": reference, "detail": error.detail}})

    def _trail(self, database: Database) -> AuditTrail:
        return AuditTrail(database, SecretKey(self.secret_key.encode()), self.audit_kept)

    def _differences(self, expected: BackupReport) -> tuple[str, ...]:
        if expected.issuer == self.issuer:
            return ()
        return (f"issuer: the backup is of {expected.issuer}, the settings name {self.issuer}",)


def _report(verified: archive.VerifiedArchive) -> BackupReport:
    header, members = verified.header, verified.members
    counts = {
        name.removesuffix(".bson"): member.documents for name, member in members.items() if name.endswith(".bson")
    }
    return BackupReport(header.made_at, header.issuer, counts, header.one_moment, archive.KEYS in members)


def _sealed(path: Path) -> bytes:
    for name, content in archive.read_members(path):
        if name == archive.KEYS:
            return content.read()
    raise ConfigurationError(f"{path}: holds no keys")
