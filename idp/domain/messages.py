"""Mails to be sent: which one, to whom, about which record; never a code or a link."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

_ADDRESS = r"""[^\s<>()"',;:=]+@[^\s<>()"',;:=]+"""


@dataclass(frozen=True, slots=True)
class Message:
    """One mail in the outbox.

    kind: the folder of its templates, e.g. ``sign_in_code`` (``mail/templates``).
    locale: None where nobody said which language the person reads: the mail is then in every language of ours.
    record_id: the one-time code or proofing from whose id codes and links are derived at the time of sending.
    fields: harmless values for the templates (name of the university, of the application, …).
    expires_at: after this moment it is dropped unsent.
    """

    id: str
    kind: str
    to: str
    locale: str | None
    created_at: datetime
    expires_at: datetime
    reference: str
    record_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def message_id(name: str, domain: str) -> str:
    """The Message-ID of the message with this id (RFC 5322 section 3.6.4), the same for every attempt."""
    return f"<{name}@{domain}>"


def without_addresses(reply: str, to: str) -> str:
    """What a mail server said, for those who keep it without the mail: servers quote to whom it was going."""
    mailbox = re.escape(to.rpartition("@")[0])
    return re.sub(rf"{_ADDRESS}|(?<![\w.-]){mailbox}(?![\w-])", "…", reply, flags=re.IGNORECASE)


def id_in(header: str, domain: str) -> str | None:
    """The id of our message that this Message-ID names; None where it is none of our domain."""
    found = re.fullmatch(rf"\s*<([A-Za-z0-9_-]{{1,64}})@{re.escape(domain)}>\s*", header, re.IGNORECASE)
    return found[1] if found else None


class DeliveryState(StrEnum):
    """What the mail server last said to a message: nothing yet, yes, later, never, or nothing in time."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a message got. at: since when. retry_at: when it is tried again, where it is."""

    state: DeliveryState
    at: datetime
    retry_at: datetime | None = None


class MailQueue(Protocol):
    """Takes a message that will be sent soon; never waits for the sending."""

    def put(self, message: Message) -> None: ...

    def last_delivery(self, reference: str, to: str) -> Delivery | None:
        """What became of the newest message of this journey to this address."""
