"""Documents that live for a time: what was refused as expired once is refused for good, even by a clock that goes back.

Found live, a document costs what it would cost without this; one more command is needed where it has expired.
"""

from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection

from idp.storage.database import Document, translated

LONG_GONE = datetime(1970, 1, 1, tzinfo=UTC)


def find_live(
    collection: Collection[Document], which: Document, *, now: datetime, until: str = "expires_at"
) -> Document | None:
    """The document, while it lives. until: the field that holds the moment of its end."""
    with translated():
        found = collection.find_one(which)
    if found is None or found[until] > now:
        return found
    end_expired(collection, found["_id"], now=now, until=until)
    return None


def end_expired(
    collection: Collection[Document], document_id: Any, *, now: datetime, until: str = "expires_at"
) -> None:
    """Where a write found no live document: let it have ended before every clock, if it is there and has expired."""
    with translated():
        collection.update_one({"_id": document_id, until: {"$lte": now}}, {"$set": {until: LONG_GONE}})
