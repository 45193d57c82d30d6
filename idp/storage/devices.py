"""Collection ``devices``: browsers that signed in before, and to which accounts."""

from datetime import datetime, timedelta

from pymongo import IndexModel

from idp.domain.keyed import token_hash
from idp.storage.database import Database, Indexes, translated

INDEXES = Indexes("devices", (IndexModel("expires_at", expireAfterSeconds=0), IndexModel("accounts")))

LIFETIME = timedelta(days=365)


class DeviceStore:
    """Remembers sign-ins per browser by the hash of a long-lived cookie that opens nothing by itself."""

    def __init__(self, database: Database) -> None:
        self._devices = database.collection("devices")

    def knows(self, cookie: str, account_id: str) -> str | None:
        """The device's id when this browser signed in to this account before."""
        with translated():
            found = self._devices.find_one({"_id": token_hash(cookie), "accounts": account_id}, {"_id": 1})
        return None if found is None else str(found["_id"])

    def remember(self, cookie: str, account_id: str, *, now: datetime) -> None:
        """This browser signed in to this account."""
        with translated():
            self._devices.update_one(
                {"_id": token_hash(cookie)},
                {"$addToSet": {"accounts": account_id}, "$set": {"expires_at": now + LIFETIME}},
                upsert=True,
            )

    def of_account(self, account_id: str) -> tuple[str, ...]:
        """The ids of the browsers that signed in to this account."""
        with translated():
            return tuple(str(found["_id"]) for found in self._devices.find({"accounts": account_id}, {"_id": 1}))

    def forget_account(self, account_id: str) -> None:
        """No browser keeps a budget of its own for this account."""
        with translated():
            self._devices.update_many({"accounts": account_id}, {"$pull": {"accounts": account_id}})
