"""Collection ``invitations``: who may come without a university, until when."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument

from idp.domain.errors import ServiceUnavailable
from idp.domain.invitations import Invitation, InvitationState, Invitee
from idp.storage.database import Database, Indexes, translated

# ``address`` exists while the invitation was not withdrawn: one for each.
INDEXES = Indexes(
    "invitations",
    (
        IndexModel("address", unique=True, partialFilterExpression={"address": {"$exists": True}}),
        IndexModel("account_id"),
        IndexModel("purge_at", expireAfterSeconds=0),
    ),
)
# What became of an invitation can be told this long after its end.
_MEMORY = timedelta(days=30)


class InvitationStore:
    """One invitation for each address; each step is one write."""

    def __init__(self, database: Database) -> None:
        self._invitations = database.collection(INDEXES.collection)

    def put(self, invitation: Invitation, *, anew: bool) -> Invitation:
        """Invite, or change what an earlier invitation of this address says; the one that stands then.

        anew: nobody has an account from an earlier one, be it withdrawn.
        """
        changes = {
            "invitee": asdict(invitation.invitee),
            "operator": invitation.operator,
            "reference": invitation.reference,
            "purge_at": invitation.invitee.expires_at + _MEMORY,
        }
        state = InvitationState.OPEN if anew else InvitationState.USED
        leads_to = {"account_id": invitation.account_id, "state": str(state)}
        at_first = {"_id": invitation.id, "created_at": invitation.created_at} | ({} if anew else leads_to)
        with translated():
            found = self._invitations.find_one_and_update(
                {"address": invitation.invitee.address},
                {"$set": changes | (leads_to if anew else {}), "$setOnInsert": at_first},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        if found is None:
            raise ServiceUnavailable("database", "nothing came back from an upsert")
        return _read(found)

    def of_address(self, address: str) -> Invitation | None:
        """The invitation of this address, open or used."""
        with translated():
            found = self._invitations.find_one({"address": address})
        return None if found is None else _read(found)

    def open_for(self, address: str, *, now: datetime) -> Invitation | None:
        """The invitation that waits for this address."""
        waiting = {"address": address, "state": str(InvitationState.OPEN), "invitee.expires_at": {"$gt": now}}
        with translated():
            found = self._invitations.find_one(waiting)
        return None if found is None else _read(found)

    def use(self, invitation_id: str, address: str, *, now: datetime) -> Invitation | None:
        """The invitation, used from now on; None where it is another address's, withdrawn or over.

        Using it again gives it again: what follows is done once by itself, and a process may have died in between.
        """
        usable = {"_id": invitation_id, "address": address, "invitee.expires_at": {"$gt": now}}
        with translated():
            found = self._invitations.find_one_and_update(
                usable, {"$set": {"state": str(InvitationState.USED)}}, return_document=ReturnDocument.AFTER
            )
        return None if found is None else _read(found)

    def withdraw(self, address: str) -> Invitation | None:
        """End the invitation of this address, used or not; as it was before."""
        with translated():
            found = self._invitations.find_one_and_update(
                {"address": address},
                [
                    {"$set": {"state": str(InvitationState.WITHDRAWN)}},
                    {"$unset": "address"},
                ],
            )
        return None if found is None else _read(found)

    def forget_account(self, account_id: str) -> None:
        """Delete what led to an account that is erased."""
        with translated():
            self._invitations.delete_many({"account_id": account_id})

    def every(self) -> tuple[Invitation, ...]:
        """Those that were not withdrawn, the one that ends first first."""
        with translated():
            found = list(self._invitations.find({"address": {"$exists": True}}).sort("invitee.expires_at", ASCENDING))
        return tuple(_read(document) for document in found)


def _read(found: dict[str, Any]) -> Invitation:
    return Invitation(
        id=found["_id"],
        account_id=found["account_id"],
        invitee=Invitee(**found["invitee"]),
        operator=found["operator"],
        reference=found["reference"],
        created_at=found["created_at"],
        state=InvitationState(found["state"]),
    )
