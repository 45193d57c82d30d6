"""The addresses of an account as its person changes them, in collection ``accounts``."""

from idp.storage.account_documents import ACCOUNTS
from idp.storage.database import Database, translated

# Nobody needs more, and a page lists them all.
MOST_ADDRESSES = 10


class AccountAddresses:
    """Each change is one conditional write; an account always keeps an address."""

    def __init__(self, database: Database) -> None:
        self._accounts = database.collection(ACCOUNTS)

    def add(self, account_id: str, address: str) -> bool:
        """One more address, the last one; False where the account is closed or has enough of them.

        Raises AlreadyExists when the address belongs to somebody else.
        """
        has_room = {"_id": account_id, "disabled": False, f"addresses.{MOST_ADDRESSES - 1}": {"$exists": False}}
        with translated():
            return self._accounts.update_one(has_room, {"$addToSet": {"addresses": address}}).matched_count == 1

    def make_primary(self, account_id: str, address: str) -> bool:
        """Put the address first; False where it is not the account's, or first already."""
        theirs = {"_id": account_id, "disabled": False, "addresses": address, "addresses.0": {"$ne": address}}
        literal = {"$literal": address}
        others = {"$filter": {"input": "$addresses", "cond": {"$ne": ["$$this", literal]}}}
        change = [{"$set": {"addresses": {"$concatArrays": [[literal], others]}}}]
        with translated():
            return self._accounts.update_one(theirs, change).modified_count == 1

    def remove(self, account_id: str, address: str) -> bool:
        """Take the address away; False where it is not the account's, or its last one."""
        one_of_several = {"_id": account_id, "disabled": False, "addresses": address, "addresses.1": {"$exists": True}}
        change = {"$pull": {"addresses": address, "bounces": {"address": address}}}
        with translated():
            return self._accounts.update_one(one_of_several, change).modified_count == 1
