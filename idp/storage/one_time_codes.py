"""Collection ``one_time_codes``: records of mailed codes; the digits are derived, never stored."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import IndexModel

from idp.domain.one_time_codes import ATTEMPTS, CodePurpose, OneTimeCode
from idp.storage.database import AlreadyExists, Database, Indexes, translated

# ``slot`` exists while a code may still be asked for again: one live code per purpose, browser, address and account.
INDEXES = Indexes(
    "one_time_codes",
    (
        IndexModel("slot", unique=True, partialFilterExpression={"slot": {"$exists": True}}),
        IndexModel("address"),
        IndexModel("expires_at", expireAfterSeconds=3600),
    ),
)


class OneTimeCodeStore:
    """Issues, counts and takes codes, each step one atomic operation."""

    def __init__(self, database: Database) -> None:
        self._codes = database.collection("one_time_codes")

    def issue(self, code: OneTimeCode, *, now: datetime) -> OneTimeCode:
        """This code, or the one that is still live for the same purpose, browser, address and account (and proofing).

        The account, since a code for nobody, or for who was signed in here before, would be mailed in vain.
        """
        slot = _slot(code)
        try:
            with translated():
                self._codes.insert_one(_document(code) | {"slot": slot})
        except AlreadyExists:
            there = self.live(code, now=now)
            if there is not None:
                return there
            with translated():
                self._codes.update_one({"slot": slot, "expires_at": {"$lte": now}}, {"$unset": {"slot": ""}})
            # It has expired, or was used at this moment; then there is room, and what is mailed must be kept.
            return self.issue(code, now=now)
        return code

    def like(self, code: OneTimeCode) -> OneTimeCode | None:
        """The code that was issued before for what this one is for, unless it was used; expired or not."""
        with translated():
            document = self._codes.find_one({"slot": _slot(code)})
        return None if document is None else _read(document)

    def live(self, code: OneTimeCode, *, now: datetime) -> OneTimeCode | None:
        """The one that ``issue`` gives back instead of this code; None where it would issue this one."""
        there = self.like(code)
        return there if there is not None and there.expires_at > now else None

    def find(self, code_id: str, browser: str) -> OneTimeCode | None:
        """The code if it was asked for in this browser, expired or not."""
        with translated():
            document = self._codes.find_one({"_id": code_id, "browser": browser})
        return None if document is None else _read(document)

    def attempt(self, code_id: str, browser: str, *, now: datetime) -> OneTimeCode | None:
        """Count one guess; None when the code may not be evaluated: spent, dead, or asked for elsewhere."""
        with translated():
            document = self._codes.find_one_and_update(
                _live(code_id, browser, now) | {"attempts": {"$lt": ATTEMPTS}}, {"$inc": {"attempts": 1}}
            )
            if document is None:
                self._end_expired(code_id, browser, now)
        return None if document is None else _read(document)

    def why_not(self, code_id: str, browser: str, *, now: datetime) -> str:
        """The key of the field sentence for a code that ``attempt`` did not let be evaluated."""
        return "code.too_many" if self.is_used_up(code_id, browser, now=now) else "code.expired"

    def is_used_up(self, code_id: str, browser: str, *, now: datetime) -> bool:
        """Whether every try of a live code was wrong: it keeps its slot, so that asking again gives no fresh tries."""
        with translated():
            return self._codes.find_one(_live(code_id, browser, now) | {"attempts": {"$gte": ATTEMPTS}}) is not None

    def _end_expired(self, code_id: str, browser: str, now: datetime) -> None:
        """Refused once is refused for good, even by a clock that goes back."""
        self._codes.update_one(
            {"_id": code_id, "browser": browser, "used_at": None, "expires_at": {"$lte": now}},
            {"$set": {"used_at": now}, "$unset": {"slot": ""}},
        )

    def take(self, code_id: str, *, now: datetime) -> bool:
        """Use the code up; True for exactly one of all who try."""
        with translated():
            taken = self._codes.update_one(
                {"_id": code_id, "used_at": None, "expires_at": {"$gt": now}},
                {"$set": {"used_at": now}, "$unset": {"slot": ""}},
            )
        return taken.modified_count == 1

    def is_awaited(self, addresses: Sequence[str], *, now: datetime) -> bool:
        """Whether somebody may be about to type a code that was mailed to one of these."""
        with translated():
            live = {"address": {"$in": list(addresses)}, "used_at": None, "expires_at": {"$gt": now}}
            return self._codes.find_one(live, {"_id": 1}) is not None

    def void_address(self, *addresses: str, now: datetime) -> None:
        """Make every live code for these addresses worthless."""
        with translated():
            self._codes.update_many(
                {"address": {"$in": addresses}, "used_at": None}, {"$set": {"used_at": now}, "$unset": {"slot": ""}}
            )


def _live(code_id: str, browser: str, now: datetime) -> dict[str, Any]:
    return {"_id": code_id, "browser": browser, "used_at": None, "expires_at": {"$gt": now}}


def _slot(code: OneTimeCode) -> str:
    whose = f"{code.proofing_id or ''} {code.account_id or ''} {code.invitation_id or ''}"
    return f"{code.purpose} {code.browser} {whose} {code.address}"


def _document(code: OneTimeCode) -> dict[str, Any]:
    document = asdict(code)
    document["_id"] = document.pop("id")
    return document | {"purpose": str(code.purpose), "attempts": 0, "used_at": None}


def _read(document: dict[str, Any]) -> OneTimeCode:
    return OneTimeCode(
        id=document["_id"],
        purpose=CodePurpose(document["purpose"]),
        browser=document["browser"],
        address=document["address"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        account_id=document["account_id"],
        proofing_id=document["proofing_id"],
        invitation_id=document.get("invitation_id"),
    )
