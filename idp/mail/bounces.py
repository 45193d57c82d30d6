"""Delivery status notifications (RFC 3464): which of our mails came back, and why.

What is read here was written by anybody: nothing in it is believed that does not name one of our messages.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Part
from email.policy import compat32

from idp.domain.addresses import PLAIN
from idp.domain.messages import id_in

MOST_BYTES = 1_000_000
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_HEADER_PARTS = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_WORDS_LIMIT = 500


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """One recipient of one of our mails, as a mail server reports it.

    recipients: the address as it was given and as it was last known (RFC 3464 sections 2.3.1 and 2.3.2), lower case.
    is_final: given up; else it is still being tried. status: RFC 3463. reply: status and diagnosis, one line.
    """

    message_id: str
    recipients: frozenset[str]
    is_final: bool
    status: str
    reply: str

    @property
    def is_permanent(self) -> bool:
        """Whether the same mail would come back again."""
        return self.is_final and self.status.startswith("5")


def read_report(raw: bytes, domain: str) -> tuple[ReturnedMail, ...]:
    """What a mail reports about mails of ours; nothing where it is no report, too large, or about something else.

    domain: of our Message-IDs.
    """
    if len(raw) > MOST_BYTES:
        return ()
    try:
        return _read(raw, domain)
    except RecursionError:
        # Parts in parts, a thousand deep: no mail server writes such, and ``email`` reads each level by a call. A fault
        # here would come back for ever: the folder's reader begins with this mail again, and never passes it.
        return ()


def _read(raw: bytes, domain: str) -> tuple[ReturnedMail, ...]:
    report = message_from_bytes(raw, policy=compat32)
    if report.get_content_type() != "multipart/report" or not report.is_multipart():
        return ()
    name = _named_message(report, domain)
    return tuple(_returned(report, name)) if name else ()


def _named_message(report: Part, domain: str) -> str | None:
    """The id of our message: from the headers that came back with it, else from what the report answers."""
    headers = [text for part in report.walk() for text in _message_ids(part)]
    headers += [_text(report, "In-Reply-To"), *_text(report, "References").split()]
    return next((name for name in (id_in(text, domain) for text in headers) if name), None)


def _message_ids(part: Part) -> Iterator[str]:
    if part.get_content_type() not in _HEADER_PARTS:
        return
    content = part.get_payload()
    if isinstance(content, list):
        yield from (_text(inner, "Message-ID") for inner in content if isinstance(inner, Part))
    else:
        decoded = part.get_payload(decode=True)
        yield _text(message_from_bytes(decoded if isinstance(decoded, bytes) else b""), "Message-ID")


def _returned(report: Part, name: str) -> Iterator[ReturnedMail]:
    for part in report.walk():
        content = part.get_payload()
        if part.get_content_type() != "message/delivery-status" or not isinstance(content, list):
            continue
        # The first block is about the message, each further one about one recipient (RFC 3464 section 2.1).
        for block in (block for block in content if isinstance(block, Part)):
            recipients = frozenset(filter(None, (_address(block, field) for field in _RECIPIENT_FIELDS)))
            action, status = _text(block, "Action").lower(), _text(block, "Status")
            if recipients and action in ("failed", "delayed") and (code := _STATUS.match(status)):
                words = f"{code[0]} {_text(block, 'Diagnostic-Code')}".strip()[:_WORDS_LIMIT]
                yield ReturnedMail(name, recipients, action == "failed", code[0], words)


_RECIPIENT_FIELDS = ("Original-Recipient", "Final-Recipient")


def _address(block: Part, field: str) -> str | None:
    kind, _, address = _text(block, field).partition(";")
    address = address.strip().strip("<>").lower()
    return address if kind.strip().lower() == "rfc822" and re.fullmatch(PLAIN, address) else None


def _text(part: Part, field: str) -> str:
    """A header on one line, without what could harm a log."""
    return " ".join(re.sub(r"[^\x20-\x7e]", " ", str(part.get(field, ""))).split())
