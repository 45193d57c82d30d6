"""Values of metadata and of the administrator that reach pages and decisions: names, domains, addresses, times.

Nothing of them reaches a page as markup, script address or direction control (O-10).
"""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
# What nearly every address in metadata looks like; others are taken apart.
_PLAIN_ADDRESS: Final = re.compile(
    r"https://(?:[a-z0-9][a-z0-9-]{0,62}\.)*[a-z0-9][a-z0-9-]{0,62}/[A-Za-z0-9/._~?=&%+-]*"
)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_MAX_NAME: Final = 200
# Letters and marks that are drawn as nothing: a name of them would be none.
_UNSEEN: Final = dict.fromkeys(map(ord, "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"), None)
# How many combining marks in a row are kept: decomposed Vietnamese needs two. More would be drawn over the neighbouring
# lines.
_MOST_MARKS: Final = 2
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,12})?(Z|[+-]\d\d:\d\d)")


def plain_name(text: str) -> str:
    """A name for people: one line, without control and direction characters, of bounded length."""
    if not text.isascii():
        text = _without_stacked_marks(text.translate(_UNSEEN))
    # Nearly every name is printable throughout, which Python sees at once: then no character of it would go.
    if text.isprintable():
        return " ".join(text.split())[:_MAX_NAME]
    # Separators of lines are white space, which is one space in the end.
    kept = "".join(" " if unicodedata.category(char) == "Cc" else char for char in text)
    kept = "".join(char for char in kept if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn"))
    return " ".join(kept.split())[:_MAX_NAME]


def _without_stacked_marks(text: str) -> str:
    if not any(map(unicodedata.combining, text)):
        return text
    kept, marks = list[str](), 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def domain_name(text: str | None) -> str | None:
    """The domain in lower case, or None where it is not one."""
    domain = (text or "").strip().lower().rstrip(".")
    return domain if _DOMAIN.fullmatch(domain) else None


def web_address(text: str | None) -> str:
    """The address where it is https (or http on this machine), else the empty string: never ``javascript:``."""
    address = (text or "").strip()
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    try:
        parts = urlsplit(address)
        # What is no port or no host name would only be found when somebody is sent there.
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return ""
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return address if secure and parts.hostname and not re.search(r"[\s\x00-\x1f\"'<>\\]", address) else ""


def moment(text: str) -> datetime:
    """A time with its zone (SAML core section 1.3.3), in UTC. Raises ValueError."""
    if not _DATE_TIME.fullmatch(text.strip()):
        raise ValueError("not a time with its zone")
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None
