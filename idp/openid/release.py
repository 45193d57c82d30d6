"""Which claims a client receives: what scope and request ask for, as far as its registration allows."""

from collections.abc import Iterable, Mapping
from typing import Any

from idp.domain.claims import FORMER_SUBS, OFFLINE_ACCESS, SCOPES, claims_of_scopes
from idp.domain.clients import Client
from idp.openid.subjects import Subjects

Wish = Mapping[str, Any] | None

# The claim that holds other claims (OpenID Connect for Identity Assurance 1.0), for clients that may ask for it.
VERIFIED_CLAIMS = "verified_claims"


# Only how the client calls the person. It learns nothing more by these, so nobody is asked to agree to them.
_IDENTIFIERS = frozenset({"sub", FORMER_SUBS})


def granted_scopes(client: Client, asked: Iterable[str], *, gives_code: bool = True) -> tuple[str, ...]:
    """What this client gets of the scopes it asks for: unknown ones, and those not for it, are left out (Core 3.1.2.1).

    gives_code: whether the answer holds one, without which there is no refresh token either (Core section 11).
    """
    possible = {*client.scopes} & SCOPES.keys()
    if not (gives_code and client.may_refresh):
        possible.discard(OFFLINE_ACCESS)
    return tuple(scope for scope in asked if scope in possible)


def every_claim() -> tuple[str, ...]:
    """All claims that a scope can release, in the order of the scopes."""
    return tuple(dict.fromkeys(claim for claims in SCOPES.values() for claim in claims))


def releasable(client: Client) -> frozenset[str]:
    """Every claim that this client may receive at all: those of its scopes, and of its own list where it has one."""
    of_scopes = claims_of_scopes(client.scopes)
    return of_scopes if client.claims is None else of_scopes & {*_IDENTIFIERS, *client.claims}


def asked_claims(client: Client, scope: Iterable[str], claims: Mapping[str, Any]) -> frozenset[str]:
    """The claims that this scope and this ``claims`` parameter bring to the client, wherever.

    Without ``sub`` and ``former_subs``: those are what it calls the person, not what it learns.
    """
    places = [claims.get(place, {}) for place in ("id_token", "userinfo")]
    verified = [_verified_claims(place) for place in places] if client.verified_claims else []
    asked = claims_of_scopes(scope).union(*places, *verified)
    named = {VERIFIED_CLAIMS} if any(verified) else set()
    return (asked & releasable(client)) - _IDENTIFIERS | named


def _verified_claims(place: Mapping[str, Any]) -> frozenset[str]:
    """The claims within ``verified_claims``, one set of them or several."""
    wishes = place.get(VERIFIED_CLAIMS, ())
    return frozenset(
        claim for wish in (wishes if isinstance(wishes, list) else [wishes]) if wish for claim in wish["claims"]
    )


def with_scoped_id(claims: Mapping[str, Any], subject: str, domain: str) -> dict[str, Any]:
    """The claims and ``voperson_id``: the ``sub`` that this client sees, within our own scope (voPerson 2.0).

    It is made of that ``sub``, so that it tells no more than it: clients with pairwise subjects cannot compare it.
    """
    return {**claims, "voperson_id": f"{subject}@{domain}"}


def with_former_subs(claims: Mapping[str, Any], client: Client, subjects: Subjects) -> dict[str, Any]:
    """The claims with ``former_subs`` as this client may see them: those by which it knew the person, if any."""
    former = claims.get(FORMER_SUBS, ())
    known = [subjects.of(client, one.subject) for one in former if client.client_id in one.clients]
    kept = {name: value for name, value in claims.items() if name != FORMER_SUBS}
    return kept | ({FORMER_SUBS: known} if known else {})


def fits(value: Any, wish: Wish) -> bool:
    """Whether the claim has the value that was asked for, if one was (Core section 5.5.1)."""
    if wish is None:
        return True
    if "value" in wish:
        return bool(value == wish["value"])
    return "values" not in wish or value in wish["values"]
