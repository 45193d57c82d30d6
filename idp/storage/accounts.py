"""Collection ``accounts``: one document per person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import IndexModel

from idp.domain.accounts import Account, Identity
from idp.storage.database import Database, Indexes, translated

# Unique indexes over arrays hold between documents: no identity and no address ever belongs to two accounts.
# The filters leave out accounts whose array is empty, which would all collide on "nothing".
INDEXES = Indexes(
    "accounts",
    (
        IndexModel("subject", unique=True),
        IndexModel("identities.key", unique=True, partialFilterExpression={"identities.key": {"$exists": True}}),
        IndexModel("addresses", unique=True, partialFilterExpression={"addresses": {"$type": "string"}}),
    ),
)


class AccountStore:
    """Finds accounts by id, address or identity, and changes them one field at a time."""

    def __init__(self, database: Database) -> None:
        self._accounts = database.collection("accounts")

    def find(self, account_id: str) -> Account | None:
        with translated():
            return _account(self._accounts.find_one({"_id": account_id}))

    def by_address(self, address: str) -> Account | None:
        with translated():
            return _account(self._accounts.find_one({"addresses": address}))

    def by_identities(self, identities: Sequence[Identity]) -> list[Account]:
        """Every account that one of these names."""
        keys = [_key(identity) for identity in identities]
        with translated():
            return [_read(document) for document in self._accounts.find({"identities.key": {"$in": keys}})]

    def create(self, account: Account) -> None:
        """Raises AlreadyExists when an identity or address belongs to somebody."""
        with translated():
            self._accounts.insert_one(_document(account))

    def record_proof(
        self,
        account: Account,
        *,
        identities: Sequence[Identity],
        address: str,
        attributes: dict[str, tuple[str, ...]],
        locale: str,
        now: datetime,
    ) -> None:
        """Write what a proof said: the address becomes the primary one, older identifiers stay, the password goes.

        Raises AlreadyExists when an identity or the address belongs to somebody else.
        """
        kinds = {(identity.entity_id, identity.kind) for identity in identities}
        kept = [known for known in account.identities if (known.entity_id, known.kind) not in kinds]
        changes = {
            "addresses": [address, *(known for known in account.addresses if known != address)],
            "identities": [_identity_document(identity) for identity in (*identities, *kept)],
            "attributes": {name: list(values) for name, values in attributes.items()},
            "locale": locale,
            "password_hash": None,
            "proved_at": now,
        }
        with translated():
            self._accounts.update_one({"_id": account.id}, {"$set": changes})

    def release_address(self, address: str, *, except_account: str | None) -> Account | None:
        """Take the address, and with it the password, from whichever other account has it; returns that account."""
        with translated():
            return _account(
                self._accounts.find_one_and_update(
                    {"addresses": address, "_id": {"$ne": except_account}},
                    {"$pull": {"addresses": address}, "$set": {"password_hash": None}},
                )
            )

    def set_password(self, account_id: str, password_hash: str, *, now: datetime) -> None:
        with translated():
            self._accounts.update_one(
                {"_id": account_id}, {"$set": {"password_hash": password_hash, "password_changed_at": now}}
            )

    def replace_hash(self, account_id: str, old: str, new: str) -> None:
        """Store the same password at today's cost, unless it was changed meanwhile."""
        with translated():
            self._accounts.update_one({"_id": account_id, "password_hash": old}, {"$set": {"password_hash": new}})


def _key(identity: Identity) -> str:
    # No entity id or kind holds a space: both are URIs or fixed words, so the key is unambiguous.
    return f"{identity.kind} {identity.entity_id} {identity.value}"


def _identity_document(identity: Identity) -> dict[str, str]:
    return {
        "key": _key(identity),
        "entity_id": identity.entity_id,
        "kind": identity.kind,
        "value": identity.value,
    }


def _document(account: Account) -> dict[str, Any]:
    return {
        "_id": account.id,
        "subject": account.subject,
        "created_at": account.created_at,
        "identities": [_identity_document(identity) for identity in account.identities],
        "addresses": list(account.addresses),
        "password_hash": account.password_hash,
        "attributes": {name: list(values) for name, values in account.attributes.items()},
        "proved_at": account.proved_at,
        "password_changed_at": account.password_changed_at,
        "locale": account.locale,
        "disabled": account.disabled,
    }


def _account(document: dict[str, Any] | None) -> Account | None:
    return None if document is None else _read(document)


def _read(document: dict[str, Any]) -> Account:
    return Account(
        id=document["_id"],
        subject=document["subject"],
        created_at=document["created_at"],
        identities=tuple(
            Identity(entry["entity_id"], entry["kind"], entry["value"]) for entry in document["identities"]
        ),
        addresses=tuple(document["addresses"]),
        password_hash=document["password_hash"],
        attributes={name: tuple(values) for name, values in document["attributes"].items()},
        proved_at=document["proved_at"],
        password_changed_at=document["password_changed_at"],
        locale=document["locale"],
        disabled=document["disabled"],
    )
