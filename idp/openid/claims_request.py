"""The ``claims`` parameter (OpenID Connect Core section 5.5), reduced to what the client may have."""

import json
from typing import Any

from idp.domain.clients import Client
from idp.openid.claim_wishes import individual, read_object
from idp.openid.release import VERIFIED_CLAIMS, fits, releasable
from idp.openid.verified_claims_request import read_wishes

# Claims of the sign-in itself, which every client gets in the ID token and may ask to have with a certain value.
_OF_THE_SIGN_IN = frozenset({"sub", "acr", "auth_time"})
_LONGEST = 8192


def parse_claims_request(text: str, client: Client) -> dict[str, dict[str, Any]]:
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
    places = read_object(asked)
    return {
        place: _read_place(read_object(places[place]), client)
        for place in ("id_token", "userinfo")
        if places.get(place) is not None
    }


def fits_requested_subject(claims: dict[str, Any], subject: str) -> bool:
    """Whether this is a ``sub`` that the request insists on, if it names any (Core section 5.5.1)."""
    return all(fits(subject, claims.get(place, {}).get("sub")) for place in ("id_token", "userinfo"))


def _read_place(asked: dict[str, Any], client: Client) -> dict[str, Any]:
    allowed = releasable(client) | _OF_THE_SIGN_IN
    wishes: dict[str, Any] = {
        name: individual(wish, is_single=name in _OF_THE_SIGN_IN) for name, wish in asked.items() if name in allowed
    }
    if client.verified_claims and VERIFIED_CLAIMS in asked:
        verified = read_wishes(asked[VERIFIED_CLAIMS], client)
        wishes |= {} if verified is None else {VERIFIED_CLAIMS: verified}
    return wishes


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
