"""Collection ``pushed_requests``: authorization requests that wait a minute for their browser (RFC 9126)."""

from datetime import datetime

from pymongo import IndexModel

from idp.domain.pushed_requests import PushedRequest
from idp.storage.database import Database, Indexes, translated
from idp.storage.lifetimes import end_expired

INDEXES = Indexes("pushed_requests", (IndexModel("expires_at", expireAfterSeconds=0),))


class PushedRequestStore:
    """One document for each; raises ``ServiceUnavailable`` where the outcome is not known."""

    def __init__(self, database: Database) -> None:
        self._requests = database.collection(INDEXES.collection)

    def add(self, pushed: PushedRequest) -> None:
        with translated():
            self._requests.insert_one(
                {
                    "_id": pushed.handle_hash,
                    "client_id": pushed.client_id,
                    "parameters": [list(pair) for pair in pushed.parameters],
                    "is_signed": pushed.is_signed,
                    "expires_at": pushed.expires_at,
                }
            )

    def take(self, handle_hash: str, client_id: str, *, now: datetime) -> PushedRequest | None:
        """Remove and return this client's live request: of two uses of one handle one is given."""
        live = {"_id": handle_hash, "client_id": client_id, "expires_at": {"$gt": now}}
        with translated():
            found = self._requests.find_one_and_delete(live)
        if found is None:
            end_expired(self._requests, handle_hash, now=now)
            return None
        return PushedRequest(
            handle_hash=found["_id"],
            client_id=found["client_id"],
            parameters=tuple((name, value) for name, value in found["parameters"]),
            is_signed=found["is_signed"],
            expires_at=found["expires_at"],
        )
