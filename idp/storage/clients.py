"""Collections ``clients`` and ``initial_tokens``: relying parties that registered themselves, and who may."""

import json
from datetime import datetime

from pymongo import ASCENDING, IndexModel

from idp.domain.registrations import InitialToken, Registration
from idp.storage.database import Database, Document, Indexes, translated
from idp.storage.lifetimes import end_expired, find_live

INDEXES = Indexes("clients", ())
TOKEN_INDEXES = Indexes("initial_tokens", (IndexModel("expires_at", expireAfterSeconds=0),))


class ClientStore:
    """One document for each relying party; raises ``ServiceUnavailable`` where the outcome is not known."""

    def __init__(self, database: Database) -> None:
        self._clients = database.collection(INDEXES.collection)

    def add(self, registration: Registration) -> None:
        """Keep a new client."""
        with translated():
            self._clients.insert_one(_document(registration))

    def find(self, client_id: str) -> Registration | None:
        """The registration of this client."""
        with translated():
            found = self._clients.find_one({"_id": client_id})
        return None if found is None else _registration(found)

    def every(self) -> tuple[Registration, ...]:
        """The oldest first."""
        with translated():
            return tuple(map(_registration, self._clients.find().sort([("created_at", ASCENDING), ("_id", ASCENDING)])))

    def replace(self, registration: Registration) -> bool:
        """Take the new state over; False where the client was deleted meanwhile."""
        with translated():
            changed = self._clients.replace_one({"_id": registration.client_id}, _document(registration))
        return changed.matched_count == 1

    def delete(self, client_id: str) -> bool:
        """Whether it was there; of two deletions one is told so."""
        with translated():
            return self._clients.delete_one({"_id": client_id}).deleted_count == 1


class InitialTokenStore:
    """Initial access tokens (RFC 7591 section 3), by their hashes."""

    def __init__(self, database: Database) -> None:
        self._tokens = database.collection(TOKEN_INDEXES.collection)

    def add(self, token: InitialToken) -> None:
        """Keep a token with which applications may register."""
        document = {"_id": token.token_hash, "uses": token.uses, "expires_at": token.expires_at}
        with translated():
            self._tokens.insert_one(document)

    def is_good(self, token_hash: str, *, now: datetime) -> bool:
        """Whether the token could be used; uses nothing up."""
        return find_live(self._tokens, _unused(token_hash), now=now) is not None

    def use(self, token_hash: str, *, now: datetime) -> bool:
        """Use the token once; of many at once no more win than it has uses."""
        usable = _unused(token_hash) | {"expires_at": {"$gt": now}}
        with translated():
            used = self._tokens.update_one(usable, {"$inc": {"uses": -1}})
        if not used.modified_count:
            end_expired(self._tokens, token_hash, now=now)
        return used.modified_count == 1


def _unused(token_hash: str) -> Document:
    return {"_id": token_hash, "uses": {"$gt": 0}}


def _registration(found: Document) -> Registration:
    return Registration(
        client_id=found["_id"],
        metadata=json.loads(found["metadata"]),
        client_secret=found["client_secret"],
        management_hash=found["management_hash"],
        created_at=found["created_at"],
    )


def _document(registration: Registration) -> Document:
    return {
        "_id": registration.client_id,
        # As text: names of metadata may hold dots and dollar signs, which mean something to MongoDB.
        "metadata": json.dumps(registration.metadata),
        "client_secret": registration.client_secret,
        "management_hash": registration.management_hash,
        "created_at": registration.created_at,
    }
