"""A request for ``verified_claims``, read into wishes (OpenID Connect for Identity Assurance 1.0 section 5).

What we do not know is gone from a wish, and a wish that insists on something unknown is none at all.
"""

from typing import Any

from idp.domain.claims import SCOPES
from idp.domain.clients import Client
from idp.openid.claim_wishes import individual, read_object, read_short_list
from idp.openid.release import releasable

# What a university says of a person; what we say ourselves (locale, dates, our own identifiers) is not verified so.
VERIFIABLE = (
    *("name", "given_name", "family_name", "email"),
    *(claim for claim in SCOPES["eduperson"] if claim != "affiliation_checked_at"),
    *("voperson_external_id", "voperson_external_affiliation"),
)

Wish = dict[str, Any]

_CHECK = {"check_method": None, "organization": None, "txn": None, "time": None}
_RECORD = {"type": None, "created_at": None, "source": {"name": None}}
# The elements of ``verification`` that we know: a leaf is None, an object a mapping, an array a list of its one kind.
SHAPE: dict[str, Any] = {
    "trust_framework": None,
    "time": None,
    "verification_process": None,
    "assurance_process": {"policy": None},
    "evidence": [{"type": None, "check_details": [_CHECK], "record": _RECORD}],
}
_MOST_SETS = 10
_LONGEST_AGE = 10**10
_REQUIREMENTS = frozenset({"value", "values", "max_age"})


class _NeverMet(Exception):
    """The wish insists on something that no verification of ours has."""


def read_wishes(asked: Any, client: Client) -> Wish | list[Wish] | None:
    """The member ``verified_claims``, one set of claims or several; None where nothing of it can ever be given.

    Raises ``ValueError`` where it is not such a request.
    """
    if not isinstance(asked, list):
        return _read_set(asked, client)
    if not 1 <= len(asked) <= _MOST_SETS:
        raise ValueError("not a short list")
    return [wish for one in asked if (wish := _read_set(one, client)) is not None] or None


def _read_set(asked: Any, client: Client) -> Wish | None:
    found = read_object(asked)
    verification, claims = read_object(found.get("verification")), read_object(found.get("claims"))
    if not claims:
        raise ValueError("no claims")
    allowed = releasable(client).intersection(VERIFIABLE)
    wished = {name: individual(wish) for name, wish in claims.items() if name in allowed}
    try:
        wish = {"verification": _read(SHAPE, verification), "claims": wished}
    except _NeverMet:
        return None
    return wish if wished else None


def _read(shape: Any, asked: Any) -> Any:
    """The wish for one element of this shape; raises ``_NeverMet``."""
    if shape is None:
        return _read_leaf(asked)
    if isinstance(shape, list):
        entries = [] if asked is None else read_short_list(asked)
        return [_read_entry(shape[0], read_object(entry)) for entry in entries]
    # A request for an object has to name the members that it wants (section 5.4).
    members = {} if asked is None else read_object(asked)
    if any(_insists(wish) for name, wish in members.items() if name not in shape):
        raise _NeverMet
    return {name: _read(shape[name], wish) for name, wish in members.items() if name in shape}


def _read_entry(shape: dict[str, Any], entry: dict[str, Any]) -> Wish | None:
    """One entry of an array: a filter, and what is told of what passes it. None: nothing ever passes."""
    if "record" in shape and "value" not in read_object(entry.get("type")):
        raise ValueError("evidence without the value of its type")
    try:
        wish: Wish = _read(shape, entry)
    except _NeverMet:
        return None
    return wish


def _read_leaf(asked: Any) -> Wish:
    kept = individual(asked, is_single=True)
    max_age = asked.get("max_age") if asked is not None else None
    if max_age is not None:
        if not isinstance(max_age, int) or isinstance(max_age, bool) or not 0 <= max_age <= _LONGEST_AGE:
            raise ValueError("not a number of seconds")
        kept["max_age"] = max_age
    return kept


def _insists(wish: Any) -> bool:
    """Whether a wish for an element that we do not know holds a requirement, however deep."""
    waiting = [wish]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if not _REQUIREMENTS.isdisjoint(one):
                return True
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False
