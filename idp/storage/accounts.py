"""Collection ``accounts``: one document per person."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import IndexModel

from idp.domain.accounts import Account, Bounce, FormerSubject, Identity, Invited
from idp.domain.inactivity import ClosingNotice, Inactivity, InactivityState
from idp.domain.releases import Release
from idp.storage.database import AlreadyExists, Database, Document, Indexes, translated

# Of the shape of documents; what migrations still have to bring there has an older one, or none.
VERSION = 2

# Unique indexes over arrays hold between documents: no identity and no address ever belongs to two accounts.
# The filters leave out accounts whose array is empty, which would all collide on "nothing".
INDEXES = Indexes(
    "accounts",
    (
        IndexModel("subject", unique=True),
        IndexModel("identities.value", sparse=True),
        IndexModel("invited.until", partialFilterExpression={"invited.until": {"$exists": True}}),
        IndexModel("reopens_until", partialFilterExpression={"reopens_until": {"$type": "date"}}),
        # Not sparse: who was never looked at is found by it.
        IndexModel("inactivity.look_at"),
        IndexModel("inactivity.state", partialFilterExpression={"inactivity.state": {"$gt": ""}}),
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
            return _account(self._accounts.find_one(_having(address)))

    def by_identities(self, identities: Sequence[Identity]) -> list[Account]:
        """Every account that one of these names."""
        keys = [_key(identity) for identity in identities]
        with translated():
            return [read_account(document) for document in self._accounts.find({"identities.key": {"$in": keys}})]

    def by_identifier(self, identifier: str) -> list[Account]:
        """Every account that has this id, subject or university identifier, whichever university it comes from."""
        one = [{"_id": identifier}, {"subject": identifier}, {"identities.value": identifier}]
        with translated():
            return [read_account(document) for document in self._accounts.find({"$or": one})]

    def named(self, words: Sequence[str], *, limit: int) -> list[Account]:
        """Accounts in whose names all these words begin a word, whatever their case and accents.

        Reads every account: for the few who look for one by hand.
        """
        if not words:
            return []
        every = [{"$or": [{f"attributes.{name}": _beginning(word)} for name in _NAMES]} for word in words]
        with translated():
            return [read_account(document) for document in self._accounts.find({"$and": every}).limit(limit)]

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

        The other addresses stay, but for those of an account that rests on an invitation alone: whoever had the mailbox
        before may have given one of their own, which would lead in by code.
        Raises AlreadyExists when an identity or the address belongs to somebody else.
        """
        is_kept = {"$or": [{"$ne": ["$identities", []]}, {"$eq": [{"$ifNull": ["$invited", None]}, None]}]}
        is_other = {"$and": [{"$ne": ["$$this", {"$literal": address}]}, is_kept]}
        others = {"$filter": {"input": "$addresses", "cond": is_other}}
        changes = {
            "addresses": {"$concatArrays": [[{"$literal": address}], others]},
            "locale": {"$literal": locale},
            "password_hash": None,
            "only_passkeys": False,
            "bounces": _bounces_of_others(address),
        }
        self._write_proof(account, changes | _proven(identities, attributes, now))

    def renew_proof(
        self,
        account: Account,
        *,
        identities: Sequence[Identity],
        attributes: dict[str, tuple[str, ...]],
        now: datetime,
    ) -> None:
        """Write what a proof by the person who is signed in said; addresses and password stay.

        Raises AlreadyExists when an identity belongs to somebody else.
        """
        self._write_proof(account, _proven(identities, attributes, now))

    def release_address(self, address: str, *, except_account: str | None) -> Account | None:
        """Take the address, and with it the password, from whichever other account has it; returns that account."""
        with translated():
            return _account(
                self._accounts.find_one_and_update(
                    _having(address) | {"_id": {"$ne": except_account}},
                    {"$pull": {"addresses": address}, "$set": {"password_hash": None}},
                )
            )

    def set_password(self, account_id: str, password_hash: str, *, now: datetime) -> None:
        with translated():
            self._accounts.update_one({"_id": account_id}, _new_password(password_hash, now))

    def change_password(self, account: Account, password_hash: str, *, now: datetime) -> bool:
        """The same for who read the account before; False where it is closed, or somebody proved to be its person or
        chose another password since: who was in it then is put out."""
        as_read = {
            "_id": account.id,
            "disabled": False,
            "proved_at": account.proved_at,
            "password_changed_at": account.password_changed_at,
        }
        with translated():
            changed = self._accounts.update_one(as_read, _new_password(password_hash, now))
        return changed.matched_count == 1

    def set_only_passkeys(self, account_id: str, *, only: bool) -> bool:
        """Whether nothing but a passkey signs in; False where that was so before, or the account is not open."""
        before = {"$ne": True} if only else True
        with translated():
            found = self._accounts.update_one(
                {"_id": account_id, "disabled": False, "only_passkeys": before}, {"$set": {"only_passkeys": only}}
            )
        return found.modified_count == 1

    def put_off_confirmation(self, account_id: str, *, now: datetime) -> None:
        with translated():
            self._accounts.update_one({"_id": account_id}, {"$set": {"confirmation_put_off_at": now}})

    def set_disabled(self, account_id: str, *, disabled: bool) -> bool:
        """Close or reopen the account; False where there is none, or where it cannot be had back.

        What is being erased is half gone, and what ended in another account is empty until the two are parted.
        """
        which: Document = {"_id": account_id, "erasing_until": None} | ({} if disabled else {"merged": None})
        # Whatever the person had wished before, this counts.
        changes = {"disabled": disabled, "expired": False, "reopens_until": None}
        with translated():
            found = self._accounts.update_one(which, {"$set": changes})
        return found.matched_count == 1

    def unlink(self, account_id: str, identifier: str) -> bool:
        """Let this university identifier lead to nobody; False where the account does not have it."""
        account = self.find(account_id)
        keys = [_key(identity) for identity in account.identities if identity.value == identifier] if account else []
        named = {"key": {"$in": keys}}
        with translated():
            # First: an account that ended in this one would have it back when the two are parted. Reads every account,
            # as ``named`` does.
            self._accounts.update_many(
                {"merged.identities.key": {"$in": keys}}, {"$pull": {"merged.identities": named}}
            )
            taken = self._accounts.update_one(
                {"_id": account_id, "identities.key": {"$in": keys}}, {"$pull": {"identities": named}}
            )
        return taken.modified_count == 1

    def invite(self, account_id: str, invited: Invited, attributes: dict[str, tuple[str, ...]]) -> bool:
        """Let an invited person stay as long as this, under these names; False where a university vouches for them."""
        changes: Document = {"invited": asdict(invited)}
        changes["attributes"] = {name: list(values) for name, values in attributes.items()}
        with translated():
            self._accounts.update_one({"_id": account_id, "before_merge": {"$exists": True}}, _set_aside(changes))
            invited_one = {"_id": account_id, "invited.until": {"$exists": True}}
            if not self._accounts.update_one(invited_one, {"$set": changes}).matched_count:
                return False
            self._accounts.update_one(
                {"_id": account_id, "expired": True}, {"$set": {"disabled": False, "expired": False}}
            )
        return True

    def next_expired(self, *, now: datetime) -> str | None:
        """The id of an open account whose invitation has ended."""
        with translated():
            found = self._accounts.find_one(_expired(now), {"_id": 1})
        return None if found is None else str(found["_id"])

    def expire(self, account_id: str, *, now: datetime) -> bool:
        """Disable the account because its invitation has ended; True for one of all who ask."""
        change = {"$set": {"disabled": True, "expired": True}}
        with translated():
            return self._accounts.update_one({"_id": account_id} | _expired(now), change).modified_count == 1

    def give_up_next(self, *, before: datetime, now: datetime) -> bool:
        """Have one account erased whose invitation ended before that moment; False where there is none."""
        with translated():
            found = self._accounts.update_one(
                {"invited.until": {"$lte": before}, "expired": True},
                {"$set": {"reopens_until": now, "expired": False}},
            )
        return found.modified_count == 1

    def note_bounce(self, bounce: Bounce) -> str | None:
        """Flag an address whose mail came back, the newest word alone; whose account, None where nobody has it.

        An update by pipeline: the old word goes and the new one comes in one write.
        """
        others = _bounces_of_others(bounce.address)
        with translated():
            found = self._accounts.find_one_and_update(
                _having(bounce.address),
                [{"$set": {"bounces": {"$concatArrays": [others, [{"$literal": asdict(bounce)}]]}}}],
                projection={"_id": 1},
            )
        return None if found is None else str(found["_id"])

    def forget_bounce(self, address: str) -> None:
        """Somebody just read mail at this address."""
        with translated():
            self._accounts.update_one(_having(address), {"$pull": {"bounces": {"address": address}}})

    def replace_hash(self, account_id: str, old: str, new: str) -> None:
        """Store the same password at today's cost, unless it was changed meanwhile."""
        with translated():
            self._accounts.update_one({"_id": account_id, "password_hash": old}, {"$set": {"password_hash": new}})

    def _write_proof(self, account: Account, changes: Document) -> None:
        lasting: Document = {"_id": account.id, "merged": None, "erasing_until": None}
        with translated():
            written = self._accounts.update_one(lasting, [{"$set": changes}])
        if not written.matched_count:
            raise AlreadyExists("merged or erased at the same moment")


def _having(address: str) -> Document:
    """Whose address this is. The type is told beside it: the index holds what is a string, and MongoDB (6.0) does not
    conclude that from a value, but reads every account."""
    return {"addresses": {"$eq": address, "$type": "string"}}


def _expired(now: datetime) -> Document:
    return {"invited.until": {"$lte": now}, "disabled": False}


def _set_aside(changes: Document) -> list[Document]:
    """The same for an invitation that waits until two accounts are parted (``storage.merged_accounts``)."""
    is_invited = {"$ne": [{"$ifNull": ["$$this.v.invited", None]}, None]}
    changed = {"$mergeObjects": ["$$this.v", {"$literal": changes}]}
    each = {"k": "$$this.k", "v": {"$cond": [is_invited, changed, "$$this.v"]}}
    every = {"$map": {"input": {"$objectToArray": "$before_merge"}, "in": each}}
    return [{"$set": {"before_merge": {"$arrayToObject": every}}}]


def _new_password(password_hash: str, now: datetime) -> Document:
    return {"$set": {"password_hash": password_hash, "password_changed_at": now}}


def _bounces_of_others(address: str) -> Document:
    is_other = {"$ne": ["$$this.address", {"$literal": address}]}
    return {"$filter": {"input": {"$ifNull": ["$bounces", []]}, "cond": is_other}}


def _proven(identities: Sequence[Identity], attributes: dict[str, tuple[str, ...]], now: datetime) -> Document:
    """What every proof changes, from the account as it stands at that moment: what was added, taken away or disabled
    since somebody read it stays so."""
    new = [_identity_document(identity) for identity in identities]
    return {
        "identities": {"$concatArrays": [{"$literal": new}, _kept_beside(new)]},
        "attributes": {"$literal": {name: list(values) for name, values in attributes.items()}},
        "proved_at": now,
        # Whom a university vouches for needs no invitation, and is let in again where only its end kept them out.
        "invited": None,
        "expired": False,
        "disabled": {"$and": ["$disabled", {"$ne": ["$expired", True]}]},
    }


def _kept_beside(proven: Sequence[Document]) -> Document:
    """Of the identities that are there: a new value takes the place of the old one of its kind. One that was known does
    not: whoever has two logins at one university, and made one account of two, has both values."""
    is_new = {"$not": [{"$in": ["$$this.key", "$identities.key"]}]}
    new = {"$filter": {"input": {"$literal": list(proven)}, "cond": is_new}}
    source = {"entity_id": "$$this.entity_id", "kind": "$$this.kind"}
    is_kept = {
        "$and": [
            {"$not": [{"$in": ["$$this.key", {"$literal": [one["key"] for one in proven]}]}]},
            {"$not": [{"$in": [source, "$$changed"]}]},
        ]
    }
    changed = {"$map": {"input": new, "in": source}}
    return {"$let": {"vars": {"changed": changed}, "in": {"$filter": {"input": "$identities", "cond": is_kept}}}}


def _beginning(word: str) -> Document:
    letters = re.sub("oe|ae|ss|.", lambda found: _written(found[0]), word)
    return {"$regex": rf"(^|[\s'’-]){letters}", "$options": "i"}


def _written(letters: str) -> str:
    """However a letter of a folded name (``domain.folding``) may stand in one, its accent apart from it or not."""
    each = (f"[{letter}{_ACCENTED.get(letter, '')}][\u0300-\u036f]*" for letter in letters)
    ligature = _LIGATURES.get(letters)
    return f"(?:{''.join(each)}|{ligature})" if ligature else "".join(each)


def _accented() -> dict[str, str]:
    found: dict[str, str] = {}
    for char in map(chr, range(0xC0, 0x180)):
        plain = unicodedata.normalize("NFKD", char.lower())[0]
        if plain.isascii() and plain.isalpha():
            found[plain] = found.get(plain, "") + char
    return found


_LIGATURES = {"oe": "[œŒ]", "ae": "[æÆ]", "ss": "ß"}
_NAMES = ("displayName", "givenName", "sn")
_ACCENTED = _accented()


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
        "bounces": [asdict(bounce) for bounce in account.bounces],
        "expired": account.expired,
        "clients": list(account.clients),
        "only_passkeys": account.only_passkeys,
        "version": VERSION,
        **({"invited": asdict(account.invited)} if account.invited else {}),
    }


def _account(document: dict[str, Any] | None) -> Account | None:
    return None if document is None else read_account(document)


def read_account(document: dict[str, Any]) -> Account:
    """The account that a document of the collection holds."""
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
        bounces=tuple(Bounce(**bounce) for bounce in document.get("bounces", ())),
        invited=Invited(**document["invited"]) if document.get("invited") else None,
        expired=document.get("expired", False),
        reopens_until=document.get("reopens_until"),
        clients=tuple(document.get("clients", ())),
        only_passkeys=document.get("only_passkeys", False),
        confirmation_put_off_at=document.get("confirmation_put_off_at"),
        former_subjects=tuple(
            FormerSubject(former["subject"], tuple(former["clients"])) for former in document.get("former_subjects", ())
        ),
        releases=tuple(
            Release(release["client_id"], frozenset(release["claims"]), release["at"])
            for release in document.get("releases", ())
        ),
        inactivity=_inactivity(document.get("inactivity") or {}),
    )


def _inactivity(found: dict[str, Any]) -> Inactivity | None:
    if "since" not in found:  # being looked at for the first time
        return None
    notice = ClosingNotice(**found["notice"]) if found["notice"] else None
    return Inactivity(found["since"], found["look_at"], InactivityState(found["state"]), notice)
