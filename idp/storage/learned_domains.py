"""Collection ``learned_domains``: from which mail domains the people of a university come."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from pymongo import IndexModel

from idp.domain.routing import ENOUGH_ACCOUNTS, LearnedDomain
from idp.storage.database import Database, Indexes, translated

INDEXES = Indexes(
    "learned_domains", (IndexModel([("domain", 1), ("enough", 1)]), IndexModel("expires_at", expireAfterSeconds=0))
)

# A domain from which nobody came for two years has probably been given up.
MEMORY = timedelta(days=730)


class LearnedDomains:
    """One document per domain and identity provider, with hashes of its first accounts and of no more."""

    def __init__(self, database: Database) -> None:
        self._domains = database.collection(INDEXES.collection)

    def note(self, learned: LearnedDomain, account_hash: str, *, now: datetime) -> None:
        """Somebody with this account came from the domain; the same one counts once."""
        known = {"$ifNull": ["$accounts", []]}
        # What an administrator has refused is not learned again.
        is_refused = {"$ifNull": ["$refused", False]}
        with translated():
            self._domains.update_one(
                {"_id": f"{learned.domain} {learned.entity_id}"},
                [
                    {
                        "$set": {
                            "domain": {"$literal": learned.domain},
                            "entity_id": {"$literal": learned.entity_id},
                            "accounts": {
                                "$slice": [
                                    {"$setUnion": [known, [{"$literal": account_hash}]]},
                                    ENOUGH_ACCOUNTS,
                                ]
                            },
                            "expires_at": now + MEMORY,
                        }
                    },
                    {
                        "$set": {
                            "enough": {
                                "$and": [{"$gte": [{"$size": "$accounts"}, ENOUGH_ACCOUNTS]}, {"$not": [is_refused]}]
                            }
                        }
                    },
                ],
                upsert=True,
            )

    def refuse(self, learned: LearnedDomain, *, now: datetime) -> None:
        """Let the domain lead to this identity provider no longer, whoever comes from there from now on."""
        refused = {"refused": True, "enough": False, "accounts": [], "expires_at": now + MEMORY}
        with translated():
            self._domains.update_one(
                {"_id": f"{learned.domain} {learned.entity_id}"}, {"$set": asdict(learned) | refused}, upsert=True
            )

    def forget(self, learned: LearnedDomain, account_hash: str) -> None:
        """An account is erased: a domain that nobody else came from may be its person's own, and goes.

        What enough people came from stays as it is, and tells of none of them.
        """
        unsettled = {"_id": f"{learned.domain} {learned.entity_id}", "enough": False, "refused": None}
        with translated():
            if not self._domains.delete_one(unsettled | {"accounts": [account_hash]}).deleted_count:
                self._domains.update_one(unsettled, {"$pull": {"accounts": account_hash}})

    def among(self, domains: Sequence[str], *, now: datetime) -> tuple[LearnedDomain, ...]:
        """Those of these domains from which enough people of some identity provider came."""
        condition = {"domain": {"$in": list(domains)}, "enough": True, "expires_at": {"$gt": now}}
        with translated():
            found = self._domains.find(condition, {"_id": 0, "domain": 1, "entity_id": 1})
            return tuple(LearnedDomain(document["domain"], document["entity_id"]) for document in found)
