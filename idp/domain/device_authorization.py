"""Device authorizations (RFC 8628): a device without a keyboard shows a code that a person types elsewhere."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Section 6.1: consonants alone, so that no word appears and nothing is mistaken for a digit; 20^8 is 2^34.
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8

LIFETIME = timedelta(minutes=10)
INTERVAL = timedelta(seconds=5)
# A device that asks too often waits this much longer from then on (section 3.5).
SLOWER_BY = timedelta(seconds=5)

# Wrong codes that one account may type in one window.
MOST_GUESSES = 10
GUESS_WINDOW = timedelta(hours=1)


class DeviceState(StrEnum):
    """What the person has said."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """A device that waits for its person.

    device_code_hash: of what the device polls with; user_code_hash: keyed hash of what the person types.
    scope, resources: as they will be granted. interval: how long the device waits between two requests.
    polled_at: when it asked last; None before the first time. code_hash: of the grant that the person gave.
    """

    device_code_hash: str
    user_code_hash: str
    client_id: str
    scope: tuple[str, ...]
    expires_at: datetime
    resources: tuple[str, ...] = ()
    state: DeviceState = DeviceState.WAITING
    interval: timedelta = INTERVAL
    polled_at: datetime | None = None
    code_hash: str | None = None

    @property
    def began_at(self) -> datetime:
        """When the device asked first."""
        return self.expires_at - LIFETIME

    def is_too_fast(self, now: datetime) -> bool:
        """Whether the device asks again before its interval is over."""
        return self.polled_at is not None and now - self.polled_at < self.interval


def new_user_code() -> str:
    """A fresh code as people read it, e.g. ``WDJB-MJHT``."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
    return f"{text[:4]}-{text[4:]}"


def clean_user_code(typed: str) -> str | None:
    """The code in its one form, whatever the case and the signs between; None where it cannot be one (section 6.1)."""
    if len(typed) > 4 * _LENGTH:
        return None
    text = "".join(character for character in typed.upper() if character.isascii() and character.isalnum())
    if len(text) != _LENGTH or not set(text) <= set(ALPHABET):
        return None
    return f"{text[:4]}-{text[4:]}"
