"""What the metadata of an identity provider says, for an administrator to look at; no decision rests on it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KeyDetails:
    """One published certificate. use: ``signing``, ``encryption`` or both (empty). kind: e.g. ``RSA 2048``.

    The dates are only shown: a key counts as long as it stands in the metadata.
    """

    use: str
    kind: str
    fingerprint: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Endpoint:
    """role: e.g. ``SingleSignOnService``. binding: the last word of its name, e.g. ``HTTP-POST``."""

    role: str
    binding: str
    location: str


@dataclass(frozen=True, slots=True)
class EntityDetails:
    """Keys and endpoints in the order of the metadata; unreadable: certificates that are none."""

    keys: tuple[KeyDetails, ...]
    endpoints: tuple[Endpoint, ...]
    unreadable: int = 0
