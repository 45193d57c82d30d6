"""The ``claims`` parameter (OpenID Connect Core section 5.5), reduced to what the client may have."""

import json
from typing import Any

from idp.domain.clients import Client
from idp.openid.release import fits, releasable

# Claims of the sign-in itself, which every client gets in the ID token and may ask to have with a certain value.
_OF_THE_SIGN_IN = frozenset({"sub", "acr", "auth_time"})
_LONGEST = 8192
_MOST_VALUES = 20
_LARGEST_INTEGER = 2**53


def parse_claims_request(text: str, client: Client) -> dict[str, dict[str, dict[str, Any]]]:
    """``{"id_token": {claim: {"essential", "value", "values"}}, "userinfo": …}``, members present only where asked.

    Claims that the client may not receive at all are left out, and so is what the specification does
    not define. Raises ``ValueError`` where the text is not such a request.
    """
    if len(text) > _LONGEST:
        raise ValueError("too long")
    try:
        asked = json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("too deep") from error
    places = _object(asked)
    allowed = releasable(client) | _OF_THE_SIGN_IN
    return {
        place: {name: _individual(wish) for name, wish in _object(places[place]).items() if name in allowed}
        for place in ("id_token", "userinfo")
        if places.get(place) is not None
    }


def fits_requested_subject(claims: dict[str, Any], subject: str) -> bool:
    """Whether this is a ``sub`` that the request insists on, if it names any (Core section 5.5.1)."""
    return all(fits(subject, claims.get(place, {}).get("sub")) for place in ("id_token", "userinfo"))


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _individual(wish: Any) -> dict[str, Any]:
    """Core section 5.5.1: null, or an object of ``essential``, ``value`` and ``values``."""
    if wish is None:
        return {}
    found = _object(wish)
    kept: dict[str, Any] = {}
    if "essential" in found:
        kept["essential"] = _boolean(found["essential"])
    if "value" in found:
        kept["value"] = _plain(found["value"])
    if "values" in found:
        kept["values"] = [_plain(value) for value in _short_list(found["values"])]
    return kept


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not a boolean")
    return value


def _short_list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST_VALUES:
        raise ValueError("not a short list")
    return value


def _plain(value: Any) -> str | int:
    """A text or a number that every part of the system can carry; bool counts as number in Python and passes."""
    if isinstance(value, str):
        value.encode()  # ValueError for half of a surrogate pair
        return value
    if isinstance(value, int) and abs(value) < _LARGEST_INTEGER:
        return value
    raise ValueError("neither text nor number")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
