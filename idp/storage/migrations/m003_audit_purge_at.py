"""Events of the first releases: without an end they would be kept for ever."""

from collections.abc import Sequence

from idp.storage.database import Database, Document, translated
from idp.storage.migrations.migration import Migration, Terms

_OUTDATED: Document = {"purge_at": {"$exists": False}, "at": {"$type": "date"}}


def _change(database: Database, documents: Sequence[Document], terms: Terms) -> int:
    ids = [document["_id"] for document in documents]
    milliseconds = int(terms.audit_kept.total_seconds() * 1000)
    ends: Document = {"purge_at": {"$add": ["$at", milliseconds]}}
    with translated():
        written = database.collection("audit").update_many({"_id": {"$in": ids}} | _OUTDATED, [{"$set": ends}])
    return written.modified_count


MIGRATION = Migration(3, "events of the security log end after [retention] audit_days", "audit", _OUTDATED, _change)
