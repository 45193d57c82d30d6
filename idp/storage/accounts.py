"""Collection ``accounts``: one document per person."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from pymongo import IndexModel

from idp.domain.accounts import Account, Bounce, Identity, Invited
from idp.domain.sessions import Session
from idp.storage.account_documents import (
    ACCOUNTS,
    account_document,
    identity_document,
    identity_key,
    read_account,
    read_account_if_any,
)
from idp.storage.database import AlreadyExists, Database, Document, Indexes, translated
from idp.storage.name_patterns import NAMES, beginning_of_a_word

# Unique indexes over arrays hold between documents: no identity and no address ever belongs to two accounts.
# The filters leave out accounts whose array is empty, which would all collide on "nothing".
INDEXES = Indexes(
    ACCOUNTS,
    (
        IndexModel("subject", unique=True),
        IndexModel("identities.value", sparse=True),
        IndexModel("invited.until", partialFilterExpression={"invited.until": {"$exists": True}}),
        IndexModel("reopens_until", partialFilterExpression={"reopens_until": {"$type": "date"}}),
        # Not sparse: accounts that were never looked at are found by it, too.
        IndexModel("inactivity.look_at"),
        IndexModel("inactivity.state", partialFilterExpression={"inactivity.state": {"$gt": ""}}),
        IndexModel("identities.key", unique=True, partialFilterExpression={"identities.key": {"$exists": True}}),
        IndexModel("merged.identities.key", partialFilterExpression={"merged.identities.key": {"$exists": True}}),
        IndexModel("addresses", unique=True, partialFilterExpression={"addresses": {"$type": "string"}}),
    ),
)


class AccountStore:
    """Finds accounts by id, address or identity, and changes them one field at a time."""

    def __init__(self, database: Database) -> None:
        self._accounts = database.collection(ACCOUNTS)

    def find(self, account_id: str) -> Account | None:
        """The account with this id, also where it is disabled."""
        with translated():
            return read_account_if_any(self._accounts.find_one({"_id": account_id}))

    def of_session(self, session: Session | None) -> Account | None:
        """The account that is signed in in this browser, if one is, also where it is disabled."""
        return self.find(session.sign_in.account_id) if session and session.sign_in else None

    def signed_in(self, session: Session | None) -> Account | None:
        """The account that is signed in in this browser, where it may be used."""
        account = self.of_session(session)
        return None if account is None or account.disabled else account

    def by_address(self, address: str) -> Account | None:
        """The account that has this (clean) address, primary or not, also where it is disabled."""
        with translated():
            return read_account_if_any(self._accounts.find_one(_having(address)))

    def by_identities(self, identities: Sequence[Identity]) -> list[Account]:
        """Every account that one of these names."""
        keys = [identity_key(identity) for identity in identities]
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
        every = [{"$or": [{f"attributes.{name}": beginning_of_a_word(word)} for name in NAMES]} for word in words]
        with translated():
            return [read_account(document) for document in self._accounts.find({"$and": every}).limit(limit)]

    def create(self, account: Account) -> None:
        """Raises AlreadyExists when an identity or address belongs to somebody."""
        with translated():
            self._accounts.insert_one(account_document(account))

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

    def release_address(self, address: str, *, except_account: str | None, now: datetime) -> Account | None:
        """Take the address, and with it the password, from whichever other account has it; returns that account."""
        with translated():
            return read_account_if_any(
                self._accounts.find_one_and_update(
                    _having(address) | {"_id": {"$ne": except_account}},
                    {"$pull": {"addresses": address}, "$set": _no_password(now)},
                )
            )

    def give_back(self, account_id: str, address: str, *, now: datetime) -> bool:
        """Let this address alone lead into the account, by code; False where it ended in another one, or is erased.

        Raises AlreadyExists when the address belongs to somebody else.
        """
        changes: Document = {
            "addresses": [{"$literal": address}],
            "only_passkeys": False,
            "bounces": [],
        }
        return self._write(account_id, changes | _no_password(now))

    def set_password(self, account_id: str, password_hash: str, *, now: datetime, locale: str | None = None) -> None:
        """locale: the language in which it was chosen; None where that is not known."""
        with translated():
            self._accounts.update_one({"_id": account_id}, _new_password(password_hash, now, locale))

    def change_password(
        self, account: Account, password_hash: str, *, now: datetime, locale: str | None = None
    ) -> bool:
        """The same for who read the account before; False where it is closed, or somebody proved to be its person or
        chose another password since: who was in it then is put out."""
        as_read = {
            "_id": account.id,
            "disabled": False,
            "proved_at": account.proved_at,
            "password_changed_at": account.password_changed_at,
        }
        with translated():
            changed = self._accounts.update_one(as_read, _new_password(password_hash, now, locale))
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
        """The person prefers to have an ended status confirmed later."""
        with translated():
            self._accounts.update_one({"_id": account_id}, {"$set": {"confirmation_put_off_at": now}})

    def set_disabled(self, account_id: str, *, disabled: bool) -> bool:
        """Close or reopen the account; False where there is none, or where it cannot be had back.

        What is being erased is half gone, and what ended in another account is empty until the two are parted.
        """
        which: Document = {"_id": account_id, "erasing_until": None} | ({} if disabled else {"merged": None})
        # It replaces what the person had decided before.
        changes = {"disabled": disabled, "expired": False, "reopens_until": None}
        with translated():
            found = self._accounts.update_one(which, {"$set": changes})
        return found.matched_count == 1

    def unlink(self, account_id: str, identifier: str) -> bool:
        """Let this university identifier lead to nobody; False where the account does not have it."""
        account = self.find(account_id)
        found = account.identities if account else ()
        keys = [identity_key(identity) for identity in found if identity.value == identifier]
        named = {"key": {"$in": keys}}
        with translated():
            # First: an account that ended in this one would have it back when the two are parted.
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
        if not self._write(account.id, changes):
            raise AlreadyExists("merged or erased at the same moment")

    def _write(self, account_id: str, changes: Document) -> bool:
        """False where the account does not last."""
        lasting: Document = {"_id": account_id, "merged": None, "erasing_until": None}
        with translated():
            return self._accounts.update_one(lasting, [{"$set": changes}]).matched_count == 1


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


def _new_password(password_hash: str, now: datetime, locale: str | None) -> Document:
    language = {"locale": locale} if locale else {}
    return {"$set": {"password_hash": password_hash, "password_changed_at": now, **language}}


def _no_password(now: datetime) -> Document:
    """The password goes, and the moment with it: ``change_password`` at the same moment stores none for who saw the one
    of before."""
    return {"password_hash": None, "password_changed_at": now}


def _bounces_of_others(address: str) -> Document:
    is_other = {"$ne": ["$$this.address", {"$literal": address}]}
    return {"$filter": {"input": {"$ifNull": ["$bounces", []]}, "cond": is_other}}


def _proven(identities: Sequence[Identity], attributes: dict[str, tuple[str, ...]], now: datetime) -> Document:
    """What every proof changes, from the account as it stands at that moment: what was added, taken away or disabled
    since somebody read it stays so."""
    new = [identity_document(identity) for identity in identities]
    return {
        "identities": {"$concatArrays": [{"$literal": new}, _kept_beside(new)]},
        "attributes": {"$literal": {name: list(values) for name, values in attributes.items()}},
        "proved_at": now,
        # A person for whom a university vouches needs no invitation. They are let in again where nothing but its end
        # kept them out.
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
