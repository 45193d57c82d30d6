"""Walking through a collection in pieces, each a query of its own with its own time limit."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import pymongo
from pymongo import ASCENDING
from pymongo.cursor import Cursor

from idp.storage.database import translated

AnyDocument = TypeVar("AnyDocument", bound=Mapping[str, Any])
_BY_ID = [("_id", ASCENDING)]
# A walk may read a whole collection without finding anything.
_SECONDS = 60


def pieces(find: Callable[[], Cursor[AnyDocument]], size: int, *, behind: Any = None) -> Iterator[list[AnyDocument]]:
    """What is found, by ``_id``, so many at a time; behind: the last one of an earlier walk, None: from the beginning.

    By the index itself: ``$gt`` would leave out identifiers of another type. Who was last may be deleted meanwhile.
    A database that is away is told of within the ordinary time, which the long one of a piece would stretch.
    """
    with translated():
        find().collection.database.command("ping")
    while True:
        found = find().sort(_BY_ID).hint(_BY_ID).limit(size + 1)
        with translated(), pymongo.timeout(_SECONDS):
            documents = list(found if behind is None else found.min([("_id", behind)]))
        documents = [document for document in documents if document["_id"] != behind][:size]
        if not documents:
            return
        yield documents
        behind = documents[-1]["_id"]
