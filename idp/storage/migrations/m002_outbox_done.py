"""Mails that the first release sent: their state was ``sent``, since then it is ``done`` as in every queue."""

from collections.abc import Sequence

from idp.storage.database import Database, Document, translated
from idp.storage.migrations.migration import Migration, Terms

_OUTDATED: Document = {"$or": [{"state": "sent"}, {"attempts.outcome": "sent"}]}


def _change(database: Database, documents: Sequence[Document], _: Terms) -> int:
    ids = [document["_id"] for document in documents]
    outcome = {"$cond": [{"$eq": ["$$this.outcome", "sent"]}, "done", "$$this.outcome"]}
    renamed = {
        "state": {"$cond": [{"$eq": ["$state", "sent"]}, "done", "$state"]},
        "attempts": {"$map": {"input": "$attempts", "in": {"$mergeObjects": ["$$this", {"outcome": outcome}]}}},
    }
    with translated():
        written = database.collection("outbox").update_many({"_id": {"$in": ids}} | _OUTDATED, [{"$set": renamed}])
    return written.modified_count


MIGRATION = Migration(2, "mails that were sent are told as done", "outbox", _OUTDATED, _change)
