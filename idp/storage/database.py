"""The connection to MongoDB: one client per process, majority writes, bounded waits, errors translated."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC
from typing import Any, TypeVar

from bson.codec_options import CodecOptions
from pymongo import IndexModel, MongoClient, ReadPreference, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    PyMongoError,
    WriteConcernError,
    WriteError,
)
from pymongo.read_concern import ReadConcern

from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.storage.command_times import CommandTimes, TimesCommands
from idp.storage.mongo_client import mongo_client
from idp.storage.time_limit import Absence, Raised, TimedOperation, TimesOperations, limited

Document = dict[str, Any]
Result = TypeVar("Result")

DEFAULT_NAME = "idp"

_DUPLICATE_KEY = 11000
# Of a server that has just ceased to be the primary, or is ceasing to be anything (MongoDB's ``error_codes.yml``). The
# driver knows them as an answer to a whole command, not where the command had begun.
_PRIMARY_NO_MORE = frozenset({91, 189, 10058, 10107, 11600, 11602, 13435, 13436})
_TRIES = 3


class AlreadyExists(Exception):
    """A unique index refused a document: somebody else was first."""


@dataclass(frozen=True, slots=True)
class Indexes:
    """The indexes of one collection, created when the provider starts."""

    collection: str
    models: Sequence[IndexModel]


class translated(TimedOperation):  # noqa: N801 -- reads as the verb that it is: with translated():
    """Let no exception of pymongo out: ``AlreadyExists`` for a lost race, ``ServiceUnavailable`` for the rest."""

    __slots__ = ()

    def __exit__(self, *raised: *Raised) -> None:
        error = raised[1]
        told = _translation(error) if isinstance(error, PyMongoError) else None
        self.ended(raised, ok=not isinstance(told, ServiceUnavailable))
        if told is not None:
            raise told from error


def _translation(error: PyMongoError) -> AlreadyExists | ServiceUnavailable:
    if isinstance(error, DuplicateKeyError):
        return AlreadyExists(str((error.details or {}).get("keyPattern", "")))
    if isinstance(error, BulkWriteError):
        failures = error.details.get("writeErrors", [])
        if failures and all(failure.get("code") == _DUPLICATE_KEY for failure in failures):
            return AlreadyExists(str(failures[0].get("keyPattern", "")))
        return ServiceUnavailable("database", f"BulkWriteError: {error.details.get('writeConcernErrors')}")
    return ServiceUnavailable("database", f"{type(error).__name__}: {error}")


def repeated(write: Callable[[], Result]) -> Result:
    """A write of many documents, begun again where the primary has just changed; only for what may be done twice.

    The driver repeats writes of single documents by itself, these it does not. The first repetition may still go to the
    primary that was: the driver learns by it.
    """
    with translated():
        for _ in range(_TRIES - 1):
            try:
                return write()
            except PyMongoError as error:
                if not _tells_of_another_primary(error):
                    raise
        return write()


def _tells_of_another_primary(error: PyMongoError) -> bool:
    if isinstance(error, WriteError):
        return error.code in _PRIMARY_NO_MORE
    return isinstance(error, AutoReconnect | WriteConcernError)


class Database:
    """Collections of one database with the guarantees that single use needs.

    Writes wait for the majority, reads go to the primary, every operation ends within ``timeout_ms``
    (measured: without it a frozen primary holds every caller for as long as it is frozen).

    name: empty for the database that the URI names, else ``idp``. timed: told how long requests waited for each
    operation. commanded: told of each command; where nobody wants to know, the driver spares the time to tell.
    """

    def __init__(
        self,
        uri: str,
        name: str,
        *,
        timeout_ms: int = 5000,
        timed: TimesOperations | None = None,
        commanded: TimesCommands | None = None,
    ) -> None:
        self._absence = Absence()
        self._timed = timed
        self._limit_seconds = timeout_ms / 1000
        try:
            self.client: MongoClient[Document] = mongo_client(
                uri,
                timeoutMS=timeout_ms,
                serverSelectionTimeoutMS=timeout_ms,
                connectTimeoutMS=timeout_ms,
                heartbeatFrequencyMS=1000,
                retryWrites=True,
                appname="uness-idp",
                event_listeners=[self._absence, *([CommandTimes(commanded)] if commanded else [])],
            )
        except ValueError as error:
            raise ConfigurationError(f"mongodb.uri: {error}; accepted: any MongoDB URI") from error
        self._is_indexed = False
        self.name = name or self.client.get_default_database(DEFAULT_NAME).name

    def time_limit(self) -> AbstractContextManager[None]:
        """What is done in here waits for the database for ``timeout_ms`` in all, not for each operation.

        The time for which there has been no server to write to counts: nobody waits for what is known to be away.
        """
        left = max(0.0, self._limit_seconds - self._absence.seconds)
        return limited(left, each=self._limit_seconds, timed=self._timed)

    def collection(self, name: str) -> Collection[Document]:
        """The collection, with majority writes, primary reads and aware UTC times."""
        return self.client[self.name].get_collection(
            name,
            codec_options=CodecOptions(tz_aware=True, tzinfo=UTC),
            write_concern=WriteConcern(w="majority"),
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("local"),
        )

    def majority_collection(self, name: str) -> Collection[Document]:
        """The same, but what a failover could still take back is not read."""
        return self.collection(name).with_options(read_concern=ReadConcern("majority"))

    @property
    def is_indexed(self) -> bool:
        """Whether every index is known to be there: without the unique ones nothing is used once."""
        return self._is_indexed

    def create_indexes(self, every: Sequence[Indexes]) -> None:
        """Create what is missing; existing equal indexes are left as they are.

        ServiceUnavailable also where documents clash with a unique index; the others are made all the same.
        """
        clashes = [indexes.collection for indexes in every if not self._create(indexes)]
        if clashes:
            raise ServiceUnavailable("database", f"documents clash with a unique index of: {', '.join(clashes)}")
        self._is_indexed = True

    def _create(self, indexes: Indexes) -> bool:
        try:
            with translated():
                self.collection(indexes.collection).create_indexes(list(indexes.models))
        except AlreadyExists:
            return False
        return True

    def close(self) -> None:
        self.client.close()
