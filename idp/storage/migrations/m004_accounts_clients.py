"""Accounts of the first releases: nobody noted which applications were told their subject.

An account that is merged into another one leaves its subject to the applications that know it (``former_subs``): those
of before are gathered from what grants, consents and the security log still say.
"""

from collections.abc import Sequence

from pymongo import UpdateOne

from idp.storage.account_documents import VERSION
from idp.storage.database import Database, Document, translated
from idp.storage.migrations.migration import Migration, Terms

_OUTDATED: Document = {"version": {"$not": {"$gte": VERSION}}}
# Grants and consents say "client_id", events among their fields.
_WITNESSES = (("grants", "client_id"), ("consents", "client_id"), ("audit", "fields.client_id"))


def _change(database: Database, documents: Sequence[Document], _: Terms) -> int:
    ids = [str(document["_id"]) for document in documents]
    known: dict[str, set[str]] = {account_id: set() for account_id in ids}
    with translated():
        for collection, field in _WITNESSES:
            for account_id, client_ids in _witnessed(database, collection, field, ids):
                known[account_id] |= client_ids
        writes = [UpdateOne({"_id": one} | _OUTDATED, [{"$set": _added(known[one])}]) for one in ids]
        return database.collection("accounts").bulk_write(writes, ordered=False).modified_count


def _witnessed(database: Database, collection: str, field: str, ids: list[str]) -> list[tuple[str, set[str]]]:
    stages: list[Document] = [
        {"$match": {"account_id": {"$in": ids}, field: {"$type": "string"}}},
        {"$group": {"_id": "$account_id", "clients": {"$addToSet": f"${field}"}}},
    ]
    return [(found["_id"], set(found["clients"])) for found in database.collection(collection).aggregate(stages)]


def _added(client_ids: set[str]) -> Document:
    # A worker of the new release may have noted one already.
    noted = {"$ifNull": ["$clients", []]}
    return {
        "clients": {"$setUnion": [noted, {"$literal": sorted(client_ids)}]},
        "bounces": {"$ifNull": ["$bounces", []]},
        "expired": {"$ifNull": ["$expired", False]},
        "version": VERSION,
    }


MIGRATION = Migration(4, "accounts name the applications that know them", "accounts", _OUTDATED, _change)
