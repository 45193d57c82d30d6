"""Accounts that their people closed, in collection ``accounts``: given back for some time, then erased."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import ReturnDocument

from idp.domain.accounts import Account
from idp.storage.account_documents import ACCOUNTS, read_account
from idp.storage.database import Database, Document, translated


class ClosedAccounts:
    """Closing, opening again and erasing exclude one another: each begins with one conditional write."""

    def __init__(self, database: Database) -> None:
        self._accounts = database.collection(ACCOUNTS)
        self._codes = database.collection("one_time_codes")

    def close(self, account_id: str, *, reopens_until: datetime) -> bool:
        """Close an open account for its person; False where it is closed already.

        Its passkeys go, so that nobody who has it back may be asked for one.
        """
        change = {"$set": {"disabled": True, "reopens_until": reopens_until, "only_passkeys": False}}
        with translated():
            return self._accounts.update_one({"_id": account_id, "disabled": False}, change).modified_count == 1

    def reopen(self, account_id: str, *, now: datetime) -> bool:
        """Give it back; False where it was not closed by its person, or too long ago."""
        closed = {"_id": account_id, "disabled": True, "reopens_until": {"$gt": now}, "erasing_until": None}
        with translated():
            return (
                self._accounts.update_one(closed, {"$set": {"disabled": False, "reopens_until": None}}).matched_count
                == 1
            )

    def claim_overdue(self, *, now: datetime, lease: timedelta) -> Account | None:
        """An account to erase, for one of all workers that ask; the others may take it over when the lease ends."""
        overdue: Document = {
            "disabled": True,
            # The type, too, or the index, which holds what is a date, is not used.
            "reopens_until": {"$lte": now, "$type": "date"},
            "$or": [{"erasing_until": None}, {"erasing_until": {"$lte": now}}],
        }
        with translated():
            found = self._accounts.find_one_and_update(
                overdue, {"$set": {"erasing_until": now + lease}}, return_document=ReturnDocument.AFTER
            )
        return None if found is None else read_account(found)

    def have_erased(self, account_ids: Sequence[str], *, now: datetime) -> None:
        """Have the background work erase these accounts from now on, whether or not they were closed."""
        with translated():
            self._accounts.update_many(
                {"_id": {"$in": list(account_ids)}}, {"$set": {"disabled": True, "reopens_until": now}}
            )

    def erase(self, account: Account) -> None:
        """Delete the account with its codes, the very last thing of it to go."""
        with translated():
            self._codes.delete_many(
                {"$or": [{"account_id": account.id}, {"address": {"$in": list(account.addresses)}}]}
            )
            self._accounts.delete_one({"_id": account.id, "disabled": True})
