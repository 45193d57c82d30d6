"""Collections ``passkeys``, by credential id, and ``passkey_challenges``: those that were answered."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import IndexModel

from idp.domain.keyed import token_hash
from idp.domain.passkeys import CHALLENGE_LIFETIME, Credential, Passkey, PasskeyUse
from idp.storage import merged_belongings
from idp.storage.database import AlreadyExists, Database, Indexes, translated

INDEXES = (
    Indexes("passkeys", (IndexModel("account_id"), merged_belongings.INDEX)),
    Indexes("passkey_challenges", (IndexModel("expires_at", expireAfterSeconds=0),)),
)


class PasskeyStore:
    """Keeps passkeys; every change names the account, so that nobody changes another person's."""

    def __init__(self, database: Database) -> None:
        self._passkeys = database.collection("passkeys")
        self._challenges = database.collection("passkey_challenges")

    def take_challenge(self, challenge: str, *, now: datetime) -> bool:
        """Use a challenge up; True for exactly one of all who try."""
        try:
            with translated():
                self._challenges.insert_one(
                    {"_id": token_hash(challenge), "expires_at": now + 2 * CHALLENGE_LIFETIME},
                )
        except AlreadyExists:
            return False
        return True

    def add(self, passkey: Passkey) -> bool:
        """Keep a new passkey; False where its credential is registered already, with whatever account."""
        try:
            with translated():
                self._passkeys.insert_one(_document(passkey))
        except AlreadyExists:
            return False
        return True

    def find(self, credential_id: str) -> Passkey | None:
        """The passkey with this id, whosever it is, also one that is suspected."""
        with translated():
            document = self._passkeys.find_one({"_id": credential_id})
        return None if document is None else _read(document)

    def of_account(self, account_id: str) -> tuple[Passkey, ...]:
        """The account's passkeys, oldest first."""
        with translated():
            found = list(self._passkeys.find({"account_id": account_id}).sort("created_at", 1))
        return tuple(_read(document) for document in found)

    def use(self, passkey: Passkey, use: PasskeyUse, *, now: datetime) -> bool:
        """Note a use; False where the counter has not grown since, or the passkey is gone or no longer accepted."""
        is_newer = {"$lt": use.sign_count} if use.sign_count else 0
        with translated():
            noted = self._passkeys.update_one(
                {"_id": passkey.id, "account_id": passkey.account_id, "suspected_at": None, "sign_count": is_newer},
                {"$set": {"sign_count": use.sign_count, "is_backed_up": use.is_backed_up, "used_at": now}},
            )
        return noted.matched_count == 1

    def suspect(self, passkey: Passkey, *, now: datetime) -> bool:
        """Accept this passkey no more; False where it was suspected before."""
        with translated():
            noted = self._passkeys.update_one(
                {"_id": passkey.id, "suspected_at": None}, {"$set": {"suspected_at": now}}
            )
        return noted.modified_count == 1

    def rename(self, credential_id: str, account_id: str, name: str) -> None:
        """Give a passkey of this account another name."""
        with translated():
            self._passkeys.update_one({"_id": credential_id, "account_id": account_id}, {"$set": {"name": name}})

    def remove(self, credential_id: str, account_id: str) -> Passkey | None:
        """Forget a passkey of this account; the one that was there."""
        with translated():
            removed = self._passkeys.find_one_and_delete({"_id": credential_id, "account_id": account_id})
        return None if removed is None else _read(removed)

    def merge(self, account_id: str, into: str, merge_id: str) -> None:
        """Have the account that goes on own the passkeys; ``separate`` gives them back."""
        merged_belongings.hand_over(self._passkeys, account_id, into, merge_id)

    def separate(self, merge_id: str, account_id: str) -> None:
        """Give back to this account what came from it by that merge."""
        merged_belongings.give_back(self._passkeys, merge_id, account_id)

    def remove_account(self, account_id: str) -> None:
        """Forget every passkey of an account that is erased."""
        with translated():
            self._passkeys.delete_many({"account_id": account_id})


def _document(passkey: Passkey) -> dict[str, Any]:
    document = asdict(passkey)
    credential = document.pop("credential")
    return {"_id": credential.pop("id"), **credential, **document, "transports": list(passkey.credential.transports)}


def _read(document: dict[str, Any]) -> Passkey:
    credential = Credential(
        id=document["_id"],
        public_key=bytes(document["public_key"]),
        sign_count=document["sign_count"],
        aaguid=document["aaguid"],
        transports=tuple(document["transports"]),
        is_synced=document["is_synced"],
        is_backed_up=document["is_backed_up"],
    )
    return Passkey(
        credential=credential,
        account_id=document["account_id"],
        user_handle=bytes(document["user_handle"]),
        name=document["name"],
        created_at=document["created_at"],
        used_at=document["used_at"],
        suspected_at=document["suspected_at"],
    )
