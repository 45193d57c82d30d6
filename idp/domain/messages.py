"""Mails to be sent: which one, to whom, about which record; never a code or a link."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One mail in the outbox.

    kind: the folder of its templates: ``sign_in_code``, ``proofing``, ``unknown_account``, ``password_changed``.
    record_id: the one-time code or proofing from whose id codes and links are derived at the time of sending.
    fields: harmless values for the templates (name of the university, of the application, …).
    expires_at: after this moment it is dropped unsent.
    """

    id: str
    kind: str
    to: str
    locale: str
    created_at: datetime
    expires_at: datetime
    reference: str
    record_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class MailQueue(Protocol):
    """Takes a message that will be sent soon; never waits for the sending."""

    def put(self, message: Message) -> None: ...
