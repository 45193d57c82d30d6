"""Grants of the first release: without ``resources``, on which the refresh in one write insists."""

from collections.abc import Sequence

from idp.storage.database import Database, Document, translated
from idp.storage.migrations.migration import Migration, Terms

_OUTDATED: Document = {"resources": {"$exists": False}}


def _change(database: Database, documents: Sequence[Document], _: Terms) -> int:
    ids = [document["_id"] for document in documents]
    added = {
        "resources": [],
        "dpop_jkt": {"$ifNull": ["$dpop_jkt", None]},
        "reference": {"$ifNull": ["$reference", ""]},
    }
    with translated():
        written = database.collection("grants").update_many({"_id": {"$in": ids}} | _OUTDATED, [{"$set": added}])
    return written.modified_count


MIGRATION = Migration(
    1, "grants name where their tokens may be used: nowhere in particular", "grants", _OUTDATED, _change
)
