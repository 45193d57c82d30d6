"""What applications received about a person, and when last: kept with the account, after every token has ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

# Claims that are not made from the account: whoever may have them gets them.
_FROM_ELSEWHERE = frozenset({"voperson_id", "verified_claims"})


@dataclass(frozen=True, slots=True)
class Release:
    """What one application received so far, beside the ``sub``.

    claims: by name, never with their values. at: of the last time, to the day: it is written once a day.
    """

    client_id: str
    claims: frozenset[str]
    at: datetime


def news(
    known: Iterable[Release], client_id: str, asked: frozenset[str], available: Iterable[str], *, now: datetime
) -> Release | None:
    """What has to be written; None where it says nothing new, so that such a sign-in costs the database nothing.

    asked: claims that the client asked for and may have. available: those that the account can give.
    """
    release = Release(client_id, asked & _FROM_ELSEWHERE.union(available), now)
    before = next((one for one in known if one.client_id == client_id), None)
    is_known = before is not None and release.claims <= before.claims and now.date() <= before.at.date()
    return None if is_known else release
