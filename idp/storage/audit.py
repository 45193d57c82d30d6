"""Collection ``audit``: what happened, append-only, found by the reference shown on pages."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from idp.domain.federation_health import AnswerCount
from idp.domain.keyed import SecretKey
from idp.domain.measures import Hears, nobody
from idp.storage.audit_writer import AuditWriter
from idp.storage.database import Database, Document, Indexes, translated
from idp.storage.walking import reading_much

logger = logging.getLogger(__name__)

# What universities answered: the events that ``university_answers`` counts.
_ACCEPTED = "proofing.vouched"
_OF_UNIVERSITIES = {"event": {"$in": [_ACCEPTED, "request.refused"]}, "fields.entity_id": {"$gt": ""}}

INDEXES = Indexes(
    "audit",
    (
        IndexModel("reference"),
        IndexModel([("account_id", ASCENDING), ("at", ASCENDING)]),
        IndexModel([("event", ASCENDING), ("at", ASCENDING)]),
        IndexModel([("seal", ASCENDING), ("at", ASCENDING)]),
        IndexModel("purge_at", expireAfterSeconds=0),
    ),
)
KEPT = timedelta(days=365)
BACKUP_MADE = "backup.made"
# What anybody makes happen to an account who knows an address of it, as often as they like: where the newest events are
# read, these must not push out the rest.
OF_STRANGERS = frozenset({"sign_in.failed", "sign_in.mail_limit"})
_MOST_FOUND = 1000
_MOST_OF_STRANGERS = 200
# Fields that serve to find and verify an event, and tell nothing of what happened.
_NOT_SHOWN = {"_id": 0, "seal": 0, "proof": 0, "mac": 0}


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event as it was appended."""

    at: datetime
    event: str
    reference: str
    account_id: str | None
    fields: dict[str, str]


class AuditTrail:
    """Appends events, and tells the log the same; fields are short and never a code, token, password or assertion.

    Each trail is a writer of its own: a process makes one. kept: for how long. heard: told of each event once it is
    kept.
    """

    def __init__(self, database: Database, secret: SecretKey, kept: timedelta = KEPT, heard: Hears = nobody) -> None:
        self._events = database.collection("audit")
        self._writer = AuditWriter(secret)
        self._kept = kept
        self._heard = heard

    def saw_seal(self, number: int, mac: str) -> None:
        """See ``AuditWriter.saw_seal``."""
        self._writer.saw_seal(number, mac)

    def append(self, event: str, *, at: datetime, reference: str, account_id: str | None = None, **fields: str) -> None:
        """Keep what happened, and tell the log the same.

        event: a dotted, stable name, e.g. ``sign_in.failed``. reference: of the journey or request that it belongs to.
        account_id: None where it is about nobody in particular.
        """
        logger.info(event, extra={"fields": {"reference": reference, "account_id": account_id or "", **fields}})
        self._insert(
            {
                "event": event,
                "at": at,
                "reference": reference,
                "account_id": account_id,
                "fields": fields,
                "purge_at": at + self._kept,
            }
        )
        self._heard(event, fields)

    def _insert(self, event: Document) -> None:
        place = self._writer.begin(event["at"])
        try:
            with translated():
                self._events.insert_one(self._writer.proven(event, place))
        except BaseException:
            self._writer.gave_up(place)
            raise
        self._writer.kept(place)

    def by_account(self, account_id: str) -> list[dict[str, object]]:
        """The events of one person as they are kept, oldest first."""
        with translated():
            return list(self._events.find({"account_id": account_id}, _NOT_SHOWN).sort("at", ASCENDING))

    def lately(self, account_id: str, names: Collection[str], *, since: datetime, limit: int) -> tuple[AuditEvent, ...]:
        """The newest events of these names that are about this person, the newest first."""
        theirs = {"account_id": account_id, "at": {"$gte": since}, "event": {"$in": list(names)}}
        return self._newest(theirs, limit)

    def last_backup(self) -> datetime | None:
        """When one was made, None where no event tells of any."""
        newest = self._newest({"event": BACKUP_MADE}, 1)
        return newest[0].at if newest else None

    def named(self, names: Collection[str], *, since: datetime) -> tuple[AuditEvent, ...]:
        """Every event of these names, oldest first."""
        which = {"event": {"$in": list(names)}, "at": {"$gte": since}}
        with translated():
            return tuple(_event(document) for document in self._events.find(which).sort("at", ASCENDING))

    def events(self, *, references: Collection[str] = (), account_ids: Collection[str] = ()) -> tuple[AuditEvent, ...]:
        """The newest events of these journeys and people, oldest first; of what strangers cause, fewer."""
        either = {"$or": [{"reference": {"$in": list(references)}}, {"account_id": {"$in": list(account_ids)}}]}
        others, strangers = {"event": {"$nin": [*OF_STRANGERS]}}, {"event": {"$in": [*OF_STRANGERS]}}
        found = [*self._newest(either | others, _MOST_FOUND), *self._newest(either | strangers, _MOST_OF_STRANGERS)]
        return tuple(sorted(found, key=lambda event: event.at, reverse=True))[::-1]

    def university_answers(self, *, since: datetime) -> tuple[AnswerCount, ...]:
        """How often each identity provider's answers were accepted, or refused and why, since then."""
        fields = {name: f"$fields.{name}" for name in ("entity_id", "reason", "received")}
        # The details of other refusals are for the log, and differ from one to the next.
        codes = {"$cond": [{"$eq": ["$fields.reason", "saml.status"]}, "$fields.detail", ""]}
        stages: list[dict[str, Any]] = [
            {"$match": _OF_UNIVERSITIES | {"at": {"$gte": since}}},
            {"$group": {"_id": {"event": "$event", "codes": codes, **fields}, "count": {"$sum": 1}}},
        ]
        with reading_much(self._events):
            return tuple(_answer_count(document) for document in self._events.aggregate(stages))

    def last_successes(self) -> dict[str, datetime | None]:
        """When the last answer of each identity provider was accepted, for all that answered in what is kept."""
        accepted = {"$max": {"$cond": [{"$eq": ["$event", _ACCEPTED]}, "$at", None]}}
        stages: list[dict[str, Any]] = [
            {"$match": _OF_UNIVERSITIES},
            {"$group": {"_id": "$fields.entity_id", "last": accepted}},
        ]
        with reading_much(self._events):
            return {found["_id"]: found["last"] for found in self._events.aggregate(stages)}

    def _newest(self, which: Document, limit: int) -> tuple[AuditEvent, ...]:
        with translated():
            return tuple(_event(document) for document in self._events.find(which).sort("at", DESCENDING).limit(limit))


def _event(document: dict[str, Any]) -> AuditEvent:
    return AuditEvent(
        document["at"],
        document["event"],
        document["reference"],
        document["account_id"],
        {str(name): str(value) for name, value in document["fields"].items()},
    )


def _answer_count(document: dict[str, Any]) -> AnswerCount:
    group = document["_id"]
    return AnswerCount(
        entity_id=group["entity_id"],
        # The last code is the one that tells most (SAML Core section 3.2.2.2).
        refused=".".join(filter(None, (group.get("reason"), (group.get("codes") or "").rpartition(" ")[2]))),
        received=tuple((group.get("received") or "").split()),
        count=document["count"],
    )
