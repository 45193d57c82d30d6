"""What is known of unused accounts, in collection ``accounts``: each is looked at by one worker at a time."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReturnDocument

from idp.domain.accounts import Account
from idp.domain.inactivity import Inactivity, InactivityState
from idp.storage.account_documents import ACCOUNTS, read_account
from idp.storage.database import Database, Document, translated

_STATE = "inactivity.state"


class InactivityStore:
    """Which accounts are to be looked at, and what was found; in collection ``accounts``.

    Each account is looked at by one worker at a time.
    """

    def __init__(self, database: Database) -> None:
        self._accounts = database.collection(ACCOUNTS)

    def claim(self, *, now: datetime, longest: timedelta, until: datetime) -> Account | None:
        """An account that is to be looked at, for one of all workers that ask; others may take it over after ``until``.

        longest: what is planned later was planned by a clock that was wrong.
        """
        free = {"inactivity.claimed_until": {"$not": {"$gt": now}}}
        due: tuple[Document | None, ...] = (None, {"$lte": now}, {"$gt": now + longest})
        with translated():
            found = self._accounts.find_one_and_update(
                {"$or": [{"inactivity.look_at": when} | free for when in due]},
                {"$set": {"inactivity.claimed_until": until}},
                return_document=ReturnDocument.AFTER,
            )
        return None if found is None else read_account(found)

    def record(
        self, account_id: str, inactivity: Inactivity, *, claimed: datetime, goes_on: bool = False
    ) -> Account | None:
        """Write what was found; the account as it stands then, None where another worker has taken it over.

        goes_on: it stays claimed.
        """
        document = _document(inactivity) | {"claimed_until": claimed if goes_on else None}
        with translated():
            found = self._accounts.find_one_and_update(
                {"_id": account_id, "inactivity.claimed_until": claimed},
                {"$set": {"inactivity": document}},
                return_document=ReturnDocument.AFTER,
            )
        return None if found is None else read_account(found)

    def forget_next(self, _now: datetime) -> bool:
        """Where the rule is off: one account that was due or told is so no more; False where there is none."""
        with translated():
            return self._accounts.update_one({_STATE: {"$gt": ""}}, {"$unset": {"inactivity": ""}}).modified_count == 1

    def counted(self) -> dict[str, int]:
        """How many accounts are due, told and untold."""
        states = (InactivityState.DUE, InactivityState.TOLD, InactivityState.UNTOLD)
        with translated():
            return {str(state): self._accounts.count_documents({_STATE: str(state)}) for state in states}


def _document(inactivity: Inactivity) -> dict[str, Any]:
    return asdict(inactivity) | {"state": str(inactivity.state)}
