"""Collection ``used_jtis``: identifiers of signed statements that count once (client assertions, DPoP proofs)."""

from datetime import datetime

from pymongo import IndexModel

from idp.storage.database import AlreadyExists, Database, Indexes, translated

INDEXES = Indexes("used_jtis", (IndexModel("expires_at", expireAfterSeconds=0),))


class UsedJtis:
    """One document per statement, until it would be refused for its age anyway."""

    def __init__(self, database: Database) -> None:
        self._used = database.collection(INDEXES.collection)

    def use(self, key: str, *, until: datetime) -> bool:
        """Whether this is the first use; of many at once one is. ``ServiceUnavailable`` where that is not known."""
        try:
            with translated():
                self._used.insert_one({"_id": key, "expires_at": until})
        except AlreadyExists:
            return False
        return True
