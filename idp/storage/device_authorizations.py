"""Collection ``device_authorizations``: devices that wait for their person (RFC 8628)."""

from datetime import datetime, timedelta

from pymongo import IndexModel, ReturnDocument

from idp.domain.device_authorization import SLOWER_BY, DeviceAuthorization, DeviceState
from idp.storage.database import AlreadyExists, Database, Document, Indexes, translated
from idp.storage.lifetimes import end_expired, find_live

INDEXES = Indexes(
    "device_authorizations",
    (IndexModel("user_code_hash", unique=True), IndexModel("purge_at", expireAfterSeconds=0)),
)

# A device that comes late is told that its code has expired, and not that it never was.
_MEMORY = timedelta(minutes=10)


class DeviceAuthorizationStore:
    """One document for each; raises ``ServiceUnavailable`` where the outcome is not known."""

    def __init__(self, database: Database) -> None:
        self._waiting = database.collection(INDEXES.collection)

    def add(self, authorization: DeviceAuthorization) -> bool:
        """Keep a new one; False where another device has the same user code."""
        try:
            with translated():
                self._waiting.insert_one(_document(authorization))
        except AlreadyExists:
            return False
        return True

    def by_user_code(self, user_code_hash: str, *, now: datetime) -> DeviceAuthorization | None:
        """The live one with this code that nobody has answered yet."""
        waiting = {"user_code_hash": user_code_hash, "state": DeviceState.WAITING}
        found = find_live(self._waiting, waiting, now=now)
        return _read(found) if found else None

    def answer(self, device_code_hash: str, state: DeviceState, code_hash: str | None = None, *, now: datetime) -> bool:
        """Keep what the person said, with the grant's code where it was yes; of two answers one counts."""
        live = {"_id": device_code_hash, "state": DeviceState.WAITING, "expires_at": {"$gt": now}}
        with translated():
            update = self._waiting.update_one(live, {"$set": {"state": state, "code_hash": code_hash}})
        if not update.modified_count:
            end_expired(self._waiting, device_code_hash, now=now)
        return update.modified_count == 1

    def poll(self, device_code_hash: str, client_id: str, *, now: datetime) -> DeviceAuthorization | None:
        """The one with this device code, as it was before the device asked now; it is noted that it did."""
        too_fast = {"$lt": [{"$subtract": [now, {"$ifNull": ["$polled_at", now - timedelta(days=1)]}]}, "$interval"]}
        slower = {"$add": ["$interval", _milliseconds(SLOWER_BY)]}
        change = {"polled_at": now, "interval": {"$cond": [too_fast, slower, "$interval"]}}
        with translated():
            found = self._waiting.find_one_and_update(
                {"_id": device_code_hash, "client_id": client_id},
                [{"$set": change}],
                return_document=ReturnDocument.BEFORE,
            )
        if found is not None and found["expires_at"] <= now:
            end_expired(self._waiting, device_code_hash, now=now)
        return _read(found) if found else None


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _document(authorization: DeviceAuthorization) -> Document:
    return {
        "_id": authorization.device_code_hash,
        "user_code_hash": authorization.user_code_hash,
        "client_id": authorization.client_id,
        "scope": list(authorization.scope),
        "resources": list(authorization.resources),
        "state": authorization.state,
        "interval": _milliseconds(authorization.interval),
        "polled_at": authorization.polled_at,
        "code_hash": authorization.code_hash,
        "expires_at": authorization.expires_at,
        "purge_at": authorization.expires_at + _MEMORY,
    }


def _read(found: Document) -> DeviceAuthorization:
    return DeviceAuthorization(
        device_code_hash=found["_id"],
        user_code_hash=found["user_code_hash"],
        client_id=found["client_id"],
        scope=tuple(found["scope"]),
        expires_at=found["expires_at"],
        resources=tuple(found["resources"]),
        state=DeviceState(found["state"]),
        interval=timedelta(milliseconds=found["interval"]),
        polled_at=found["polled_at"],
        code_hash=found["code_hash"],
    )
