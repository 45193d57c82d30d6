"""Collection ``authorizations``: requests that wait for a person to sign in."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from pymongo import IndexModel, ReturnDocument

from idp.domain.authorization import AuthorizationRequest, PendingAuthorization
from idp.storage.database import Database, Indexes, translated
from idp.storage.lifetimes import end_expired, find_live

INDEXES = Indexes("authorizations", (IndexModel("expires_at", expireAfterSeconds=0),))


class AuthorizationStore:
    """Keeps waiting authorization requests, each for one browser."""

    def __init__(self, database: Database) -> None:
        self._authorizations = database.collection("authorizations")

    def put(self, pending: PendingAuthorization) -> None:
        """Keep a new request; its id is its own."""
        with translated():
            self._authorizations.insert_one(_document(pending))

    def find(self, authorization_id: str, browser: str, *, now: datetime) -> PendingAuthorization | None:
        """The live request with this handle, if it was started in this browser."""
        return _read(find_live(self._authorizations, {"_id": authorization_id, "browser": browser}, now=now))

    def update(
        self, authorization_id: str, browser: str, changes: Mapping[str, str | bool | None], *, now: datetime
    ) -> PendingAuthorization | None:
        """Set some of what changes on the way, e.g. ``address``, ``proofing_id`` or ``renews_password``."""
        with translated():
            changed = self._authorizations.find_one_and_update(
                _live(authorization_id, browser, now), {"$set": dict(changes)}, return_document=ReturnDocument.AFTER
            )
        if changed is None:
            end_expired(self._authorizations, authorization_id, now=now)
        return _read(changed)

    def take(self, authorization_id: str, browser: str, *, now: datetime) -> PendingAuthorization | None:
        """Remove and return the request: of two answers to one request one is given."""
        with translated():
            taken = self._authorizations.find_one_and_delete(_live(authorization_id, browser, now))
        if taken is None:
            end_expired(self._authorizations, authorization_id, now=now)
        return _read(taken)


def _live(authorization_id: str, browser: str, now: datetime) -> dict[str, Any]:
    return {"_id": authorization_id, "browser": browser, "expires_at": {"$gt": now}}


_TUPLES = {"scope", "prompt", "acr_values", "ui_locales", "resources"}
_PENDING_FIELDS = {field.name for field in fields(PendingAuthorization)} - {"id", "request"}
_REQUEST_FIELDS = {field.name for field in fields(AuthorizationRequest)}


def _document(pending: PendingAuthorization) -> dict[str, Any]:
    # Not ``asdict``, which copies the claims and parameters of the request to their last value.
    return {
        "_id": pending.id,
        **{name: getattr(pending, name) for name in _PENDING_FIELDS},
        "request": {name: getattr(pending.request, name) for name in _REQUEST_FIELDS},
    }


def _read(document: dict[str, Any] | None) -> PendingAuthorization | None:
    if document is None:
        return None
    stored = document.pop("request")
    values: dict[str, Any] = {
        name: tuple(value) if name in _TUPLES else value for name, value in stored.items() if name in _REQUEST_FIELDS
    }
    request = AuthorizationRequest(**values)
    # A newer worker may have written a field that this one does not know.
    known = {name: value for name, value in document.items() if name in _PENDING_FIELDS}
    return PendingAuthorization(id=document["_id"], request=request, **known)
