"""Collections as BSON documents, out of a database and into one."""

import contextlib
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

import bson
from bson.codec_options import CodecOptions
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument
from pymongo import WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database as MongoDatabase
from pymongo.errors import OperationFailure

from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.storage.audit_seals import COLLECTION as SEALS
from idp.storage.backup.policy import KEPT, SCHEMA, VOID
from idp.storage.database import AlreadyExists, Database, Document, translated
from idp.storage.walking import pieces

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_BATCH = 500
# Each holds a thousand events: five hundred are 60 MB, which no slow disk writes within one operation's time.
_BATCH_OF_SEALS = 20
_MIGRATIONS: Document = {"number": {"$exists": True}}
# SnapshotTooOld, SnapshotUnavailable.
_NO_SNAPSHOT: dict[int | None, str] = {
    239: "it took longer than the server keeps snapshots (minSnapshotHistoryWindowInSeconds)",
    246: "the server has no snapshot at this moment; try again in a minute",
}


class Source:
    """A database as it was at one moment; on a lone server, which has no snapshots, each document at its own."""

    def __init__(self, database: Database, session: ClientSession | None) -> None:
        self._database = database
        self._session = session

    @property
    def is_one_moment(self) -> bool:
        return self._session is not None

    def documents(self, collection: str) -> Iterator[bytes]:
        """Every document that a backup takes; raises ServiceUnavailable."""
        wanted = _MIGRATIONS if collection == SCHEMA else {}
        raw = _raw(self._database, collection)
        try:
            for documents in pieces(lambda: raw.find(wanted, session=self._session), _batch(collection)):
                yield from (bytes(document.raw) for document in documents)
        except ServiceUnavailable as problem:
            cause = problem.__cause__
            code = cause.code if isinstance(cause, OperationFailure) else None
            if code in _NO_SNAPSHOT:
                raise ServiceUnavailable("backup", _NO_SNAPSHOT[code]) from cause
            raise


@contextlib.contextmanager
def source(database: Database) -> Iterator[Source]:
    """A snapshot where the server has them: a replica set, or a sharded cluster."""
    with translated():
        hello = database.client.admin.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        yield Source(database, None)
        return
    with database.client.start_session(snapshot=True) as session:
        yield Source(database, session)


def unknown_collections(database: Database) -> tuple[str, ...]:
    """Those that this release does not know, which no backup takes."""
    with translated():
        names = database.client[database.name].list_collection_names()
    return tuple(
        sorted(name for name in names if name not in (*KEPT, *VOID, SCHEMA) and not name.startswith("system."))
    )


def is_empty(database: Database) -> bool:
    """Whether no collection of ours holds anything but an account of migrations."""
    with translated():
        return all(database.collection(name).find_one({}, {"_id": 1}) is None for name in (*KEPT, *VOID))


def clear(database: Database) -> None:
    """Forget everything, also sign-ins, codes and mails."""
    with translated():
        for name in (*KEPT, *VOID):
            database.collection(name).drop()
        database.collection(SCHEMA).delete_many(_MIGRATIONS)


def fill(database: Database, collection: str, content: IO[bytes]) -> int:
    """Store the documents of a member; how many.

    Raises ValueError for what is no BSON, ConfigurationError where others write at the same time, ServiceUnavailable.
    """
    raw, count = _raw(database, collection), 0
    documents = _decoded(content)
    while batch := list(islice(documents, _batch(collection))):
        try:
            with translated():
                raw.insert_many(batch, ordered=False)
        except AlreadyExists as problem:
            raise ConfigurationError(f"{collection}: somebody else writes to it; stop the provider first") from problem
        count += len(batch)
    return count


def _batch(collection: str) -> int:
    return _BATCH_OF_SEALS if collection == SEALS else _BATCH


def _decoded(content: IO[bytes]) -> Iterator[RawBSONDocument]:
    try:
        yield from bson.decode_file_iter(content, _RAW)
    except InvalidBSON as problem:
        raise ValueError(str(problem)) from problem


def _raw(database: Database, collection: str) -> Collection[RawBSONDocument]:
    # Without a read concern of its own: the session's counts.
    database_of_ours: MongoDatabase[Any] = database.client[database.name]
    return database_of_ours.get_collection(collection, codec_options=_RAW, write_concern=WriteConcern(w="majority"))
