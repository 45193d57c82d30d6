"""Collection ``helpdesk_sessions``: who helps at this moment, found by the hash of their cookie."""

from dataclasses import asdict
from datetime import datetime

from pymongo import IndexModel

from idp.domain.helpdesk import ConsoleSession
from idp.domain.keyed import random_token, token_hash
from idp.storage.database import Database, Indexes, translated
from idp.storage.lifetimes import find_live

INDEXES = Indexes("helpdesk_sessions", (IndexModel("expires_at", expireAfterSeconds=0),))


class HelpdeskSessionStore:
    """A cookie's value leaves this class once and is never stored."""

    def __init__(self, database: Database) -> None:
        self._sessions = database.collection(INDEXES.collection)

    def open(self, session: ConsoleSession) -> str:
        """The value of the cookie."""
        cookie = random_token()
        with translated():
            self._sessions.insert_one(asdict(session) | {"_id": token_hash(cookie)})
        return cookie

    def find(self, cookie: str, browser: str, *, now: datetime) -> ConsoleSession | None:
        """The live session of this cookie, in the browser that opened it."""
        found = find_live(self._sessions, {"_id": token_hash(cookie), "browser": browser}, now=now)
        if found is None:
            return None
        del found["_id"]
        return ConsoleSession(**found)
