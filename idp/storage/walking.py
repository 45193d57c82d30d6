"""Reading much of a collection: at once within a longer time limit, or in pieces, each a query with its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import pymongo
from pymongo import ASCENDING
from pymongo.collection import Collection
from pymongo.cursor import Cursor

from idp.storage.database import translated

AnyDocument = TypeVar("AnyDocument", bound=Mapping[str, Any])
_BY_ID = [("_id", ASCENDING)]
# A walk may read a whole collection without finding anything.
_SECONDS = 60


@contextmanager
def reading_much(collection: Collection[Any]) -> Iterator[None]:
    """Within, one operation on this collection may take a minute: for commands, since nobody waits so long for a page.

    The database is asked first whether it is there, which takes no longer than usual. Raises ServiceUnavailable.
    """
    _ask_whether_it_is_there(collection)
    with translated(), pymongo.timeout(_SECONDS):
        yield


def pieces(find: Callable[[], Cursor[AnyDocument]], size: int, *, behind: Any = None) -> Iterator[list[AnyDocument]]:
    """What is found, by ``_id``, so many at a time; behind: the last one of an earlier walk, None: from the beginning.

    By the index itself: ``$gt`` would leave out identifiers of another type. Who was last may be deleted meanwhile.
    A database that is away is told of within the ordinary time, which the long one of a piece would stretch.
    """
    _ask_whether_it_is_there(find().collection)
    while True:
        found = find().sort(_BY_ID).hint(_BY_ID).limit(size + 1)
        with translated(), pymongo.timeout(_SECONDS):
            documents = list(found if behind is None else found.min([("_id", behind)]))
        # Only the first and the last one are looked into: a backup copies documents as bytes, and need not open them.
        if documents and documents[0]["_id"] == behind:
            del documents[0]
        del documents[size:]
        if not documents:
            return
        yield documents
        behind = documents[-1]["_id"]


def _ask_whether_it_is_there(collection: Collection[Any]) -> None:
    with translated():
        collection.database.command("ping")
