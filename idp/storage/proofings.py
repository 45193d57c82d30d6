"""Collection ``proofings``: journeys of proof; and ``saml_messages``: ids of responses and assertions seen."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import IndexModel, ReturnDocument

from idp.domain.accounts import Identity
from idp.domain.proofing import ConfirmedBy, Proofing, ProofingState
from idp.storage.database import AlreadyExists, Database, Indexes, translated
from idp.storage.lifetimes import end_expired, find_live

INDEXES = (
    Indexes(
        "proofings",
        (
            IndexModel("request_id", unique=True),
            IndexModel("link_hash", unique=True),
            IndexModel("address"),
            IndexModel("account_id"),
            IndexModel("browser"),
            IndexModel("expires_at", expireAfterSeconds=0),
        ),
    ),
    Indexes("saml_messages", (IndexModel("expires_at", expireAfterSeconds=0),)),
)


class ProofingStore:
    """Moves a proofing from state to state, each move one conditional update that only one caller wins."""

    def __init__(self, database: Database) -> None:
        self._proofings = database.collection("proofings")
        self._messages = database.collection("saml_messages")

    def put(self, proofing: Proofing, *, link_hash: str) -> None:
        document = asdict(proofing)
        document["_id"] = document.pop("id")
        with translated():
            self._proofings.insert_one(document | {"link_hash": link_hash, "state": str(proofing.state)})

    def find(self, proofing_id: str, *, now: datetime) -> Proofing | None:
        return self._find({"_id": proofing_id}, now)

    def by_request(self, request_id: str, *, now: datetime) -> Proofing | None:
        return self._find({"request_id": request_id}, now)

    def by_link(self, link_hash: str, *, now: datetime) -> Proofing | None:
        return self._find({"link_hash": link_hash}, now)

    def move(
        self, proofing_id: str, come_from: ProofingState, to: ProofingState, *, now: datetime, **changes: Any
    ) -> Proofing | None:
        """The proofing in its new state, or None when it is not (or no longer) in the old one."""
        if "identities" in changes:
            changes["identities"] = [asdict(identity) for identity in changes["identities"]]
        with translated():
            moved = self._proofings.find_one_and_update(
                {"_id": proofing_id, "state": str(come_from), "expires_at": {"$gt": now}},
                {"$set": changes | {"state": str(to), f"{to}_at": now}},
                return_document=ReturnDocument.AFTER,
            )
        if moved is None:
            end_expired(self._proofings, proofing_id, now=now)
        return _read(moved)

    def follow(self, proofing_id: str, authorization_id: str, *, now: datetime) -> bool:
        """Let this one journey go on by the mailed link in another browser; False where another one does already."""
        waiting = {"_id": proofing_id, "state": str(ProofingState.VOUCHED), "expires_at": {"$gt": now}}
        with translated():
            followed = self._proofings.update_one(
                waiting | {"followed_as": None}, {"$set": {"followed_as": authorization_id}}
            )
        if not followed.modified_count:
            end_expired(self._proofings, proofing_id, now=now)
        return followed.modified_count == 1

    def forget(self, proofing_id: str) -> None:
        """End this journey: nothing leads on from it."""
        with translated():
            self._proofings.delete_one({"_id": proofing_id})

    def deny(self, proofing_id: str) -> None:
        """End this journey, unless its mailbox was proven meanwhile."""
        unproven = {"$in": [str(ProofingState.ANSWERED), str(ProofingState.VOUCHED)]}
        with translated():
            self._proofings.delete_one({"_id": proofing_id, "state": unproven})

    def void_address(self, address: str, *, by: Proofing) -> None:
        """End every other unfinished journey for this mailbox: their links and codes lead nowhere.

        by: the one that was confirmed. One that was confirmed after it stays, and ends this one: of several at once the
        last one goes on, where each would have ended all others.
        """
        self._void({"address": address} | _overtaken(by))

    def void_account(self, account_id: str, *addresses: str, by: Proofing | None = None) -> None:
        """End every unfinished journey that leads into this account: those for its addresses, and those that reached
        it already, whatever became of their address since. by: as in ``void_address``; None: all of them."""
        leads_there: dict[str, Any] = {"$or": [{"account_id": account_id}, {"address": {"$in": addresses}}]}
        if by is None:
            self._void(leads_there)
            return
        self._void({"$and": [leads_there, _overtaken(by)]})
        # One that was confirmed later may have looked for others before this one reached the account.
        later = leads_there | {"state": str(ProofingState.CONFIRMED), "$nor": [{"_id": by.id}, _overtaken(by)]}
        with translated():
            is_overtaken = self._proofings.find_one(later, {"_id": 1}) is not None
        if is_overtaken:
            self.forget(by.id)

    def forget_account(self, account_id: str, *addresses: str) -> None:
        """Delete what stands here of an account that is erased, finished journeys as well."""
        with translated():
            self._proofings.delete_many({"$or": [{"account_id": account_id}, {"address": {"$in": addresses}}]})

    def is_under_way(self, account_id: str, addresses: Sequence[str], *, now: datetime) -> bool:
        """Whether an unfinished journey leads into this account."""
        leads_there = [{"account_id": account_id}, {"address": {"$in": list(addresses)}}]
        unfinished = {"state": {"$ne": str(ProofingState.COMPLETED)}, "expires_at": {"$gt": now}}
        with translated():
            return self._proofings.find_one({"$or": leads_there} | unfinished, {"_id": 1}) is not None

    def is_other_in(self, browser: str, identities: Sequence[Identity], *, now: datetime) -> bool:
        """Whether this browser is on the way with a proofing of somebody else."""
        with translated():
            under_way = self._proofings.find(
                {
                    "browser": browser,
                    "state": {"$in": [str(ProofingState.VOUCHED), str(ProofingState.CONFIRMED)]},
                    "expires_at": {"$gt": now},
                }
            )
            return any(not set(identities) & set(_read_some(document).identities) for document in under_way)

    def first_use(self, entity_id: str, *message_ids: str, expires_at: datetime) -> bool:
        """Remember a provider's message ids; False when one of them was seen before (SAML profiles 4.1.4.5)."""
        seen = [{"_id": f"{entity_id} {message_id}", "expires_at": expires_at} for message_id in message_ids]
        try:
            with translated():
                self._messages.insert_many(seen)
        except AlreadyExists:
            return False
        return True

    def _void(self, which: dict[str, Any]) -> None:
        with translated():
            self._proofings.delete_many(which | {"state": {"$ne": str(ProofingState.COMPLETED)}})

    def _find(self, condition: dict[str, Any], now: datetime) -> Proofing | None:
        return _read(find_live(self._proofings, condition, now=now))


def _overtaken(by: Proofing) -> dict[str, Any]:
    """Every other one, but those that were confirmed later; two of one moment have an order as well."""
    earlier = [
        {"confirmed_at": None},
        {"confirmed_at": {"$lt": by.confirmed_at}},
        {"confirmed_at": by.confirmed_at, "_id": {"$lt": by.id}},
    ]
    return {"_id": {"$ne": by.id}, "$or": earlier}


def _read(document: dict[str, Any] | None) -> Proofing | None:
    return None if document is None else _read_some(document)


def _read_some(document: dict[str, Any]) -> Proofing:
    return Proofing(
        id=document["_id"],
        browser=document["browser"],
        authorization_id=document["authorization_id"],
        entity_id=document["entity_id"],
        request_id=document["request_id"],
        reference=document["reference"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        state=ProofingState(document["state"]),
        identities=tuple(Identity(**entry) for entry in document["identities"]),
        address=document["address"],
        attributes={name: tuple(values) for name, values in document["attributes"].items()},
        authn_instant=document["authn_instant"],
        authn_context=document["authn_context"],
        assertion_id=document["assertion_id"],
        metadata_digest=document["metadata_digest"],
        account_id=document["account_id"],
        has_earlier_account=document.get("has_earlier_account", False),
        is_new_account=document.get("is_new_account", False),
        link_browser=document["link_browser"],
        followed_as=document.get("followed_as"),
        # Journeys that were under way when these came in have neither.
        mails=tuple(document.get("mails", ())),
        address_given=document.get("address_given", False),
        provider_name=document.get("provider_name", ""),
        registration_authority=document.get("registration_authority", ""),
        answered_at=document.get("answered_at"),
        vouched_at=document.get("vouched_at"),
        confirmed_at=document.get("confirmed_at"),
        confirmed_by=ConfirmedBy(document["confirmed_by"]) if document.get("confirmed_by") else None,
    )
