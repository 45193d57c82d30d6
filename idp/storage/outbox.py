"""Collection ``outbox``: mails on their way, and what mail servers said to each attempt.

Holds no code and no link: those are derived from ``record_id`` when the mail is sent.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from pymongo import DESCENDING, IndexModel

from idp.domain.messages import Delivery, DeliveryState, Message
from idp.storage import leased_queue
from idp.storage.database import Database, Document, Indexes, translated
from idp.storage.leased_queue import Attempt, LeasedQueue

_ORDER = [("urgency", DESCENDING), ("created_at", DESCENDING)]
INDEXES = Indexes(
    "outbox",
    (
        IndexModel([*_ORDER, ("due_at", DESCENDING)], name="next", partialFilterExpression=leased_queue.WAITING),
        IndexModel([("reference", DESCENDING), ("created_at", DESCENDING)], name="journey"),
        IndexModel([("to", DESCENDING), ("created_at", DESCENDING)], name="recipient"),
        *leased_queue.INDEXES,
    ),
)
# Somebody is looking at a page that asks for the code in these. The one to an address without account is among them
# because that page tells when the mail left, and must not tell thereby whether there is an account.
_URGENT = frozenset({"sign_in_code", "proofing", "given_address", "new_address", "unknown_account"})
_HANDED_OVER = {"tries": {"$gte": 1}, "state": {"$in": ["done", "waiting"]}}
# More than a mail server that keeps trying reports of one mail. Who received it may report as often as they like.
_MOST_ATTEMPTS = 50
_STATES = {
    "done": DeliveryState.ACCEPTED,
    # By workers of the first release (migration 002).
    "sent": DeliveryState.ACCEPTED,
    "deferred": DeliveryState.DEFERRED,
    "refused": DeliveryState.REFUSED,
    "expired": DeliveryState.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class MailHistory:
    """A message, how far it got, and what mail servers said to each attempt, word for word."""

    message: Message
    delivery: Delivery
    attempts: tuple[Attempt, ...]

    @property
    def accepted_at(self) -> tuple[datetime, ...]:
        """When mail servers took it, if any did."""
        return tuple(one.at for one in self.attempts if _STATES[one.outcome] is DeliveryState.ACCEPTED)


class Outbox(LeasedQueue[Message]):
    """Mails with codes come first, the newest of them first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, INDEXES.collection, _message, _ORDER)

    def put(self, message: Message) -> None:
        """Store the message, due at once."""
        document = asdict(message)
        document["_id"] = document.pop("id")
        self._put([document | {"urgency": int(message.kind in _URGENT)}])

    def last_delivery(self, reference: str, to: str) -> Delivery | None:
        """What became of the newest message of this journey to this address."""
        with translated():
            document = self._queue.find_one({"reference": reference, "to": to}, sort=[("created_at", DESCENDING)])
        return None if document is None else _delivery(document)

    def history(
        self, *, references: Collection[str] = (), addresses: Collection[str] = (), limit: int = 200
    ) -> tuple[MailHistory, ...]:
        """The newest messages of these journeys and to these addresses, oldest first."""
        either = {"$or": [{"reference": {"$in": list(references)}}, {"to": {"$in": list(addresses)}}]}
        with translated():
            found = list(self._queue.find(either).sort("created_at", DESCENDING).limit(limit))
        return tuple(
            MailHistory(_message(one), _delivery(one), tuple(Attempt(**attempt) for attempt in one["attempts"]))
            for one in reversed(found)
        )

    def handed_over(self, message_id: str, recipients: Collection[str]) -> Message | None:
        """The message that a mail server accepted for one of these, and did not give up yet."""
        with translated():
            document = self._queue.find_one({"_id": message_id, "to": {"$in": list(recipients)}} | _HANDED_OVER)
        return None if document is None else _message(document)

    def returned(self, message_id: str, recipients: Collection[str], reply: str, *, now: datetime) -> Message | None:
        """A mail server gave the message up after all; None where no such message went to one of these recipients.

        Once for each message: a report that comes twice, or about a message that never left, changes nothing.
        """
        return self._reported(message_id, recipients, Attempt(now, "refused", reply), {"state": "refused"})

    def delayed(self, message_id: str, recipients: Collection[str], reply: str, *, now: datetime) -> Message | None:
        """A mail server that accepted the message still tries to hand it on; as ``returned``, so many times."""
        return self._reported(message_id, recipients, Attempt(now, "deferred", reply), {}, _MOST_ATTEMPTS)

    def forget_addresses(self, addresses: Collection[str]) -> None:
        """Delete what was sent to the addresses of an account that is erased; what is on its way still goes."""
        ended: Document = {"$ne": leased_queue.WAITING["state"]}
        with translated():
            self._queue.delete_many({"to": {"$in": list(addresses)}, "state": ended})

    def _reported(
        self, message_id: str, recipients: Collection[str], attempt: Attempt, change: Document, most: int | None = None
    ) -> Message | None:
        which = {"_id": message_id, "to": {"$in": list(recipients)}} | _HANDED_OVER
        if most is not None:
            which[f"attempts.{most - 1}"] = {"$exists": False}
        changes: Document = {"$push": {"attempts": asdict(attempt)}} | ({"$set": change} if change else {})
        with translated():
            document = self._queue.find_one_and_update(which, changes)
        return None if document is None else _message(document)


def _message(document: Document) -> Message:
    return Message(
        id=document["_id"],
        kind=document["kind"],
        to=document["to"],
        locale=document["locale"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        reference=document["reference"],
        record_id=document["record_id"],
        fields=document["fields"],
    )


def _delivery(document: Document) -> Delivery:
    if not document["attempts"]:
        return Delivery(DeliveryState.WAITING, document["created_at"])
    last = Attempt(**document["attempts"][-1])
    is_waiting = document["state"] == "waiting"
    return Delivery(_STATES[last.outcome], last.at, document["due_at"] if is_waiting else None)
