"""What relying parties may learn about a person, by scope (OpenID Connect Core 5.1, 5.4; REFEDS OIDCre)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from idp.domain.accounts import Account
from idp.domain.affiliations import AffiliationPeriods

# The scope that lets a client come back without the person (OpenID Connect Core section 11).
OFFLINE_ACCESS = "offline_access"

SCOPES: dict[str, tuple[str, ...]] = {
    "openid": ("sub", "former_subs"),
    "profile": ("name", "given_name", "family_name", "locale", "updated_at", "account_type", "invited_role"),
    "email": ("email", "email_verified"),
    "eduperson": (
        "eduperson_principal_name",
        "eduperson_scoped_affiliation",
        "eduperson_affiliation",
        "eduperson_primary_affiliation",
        "schac_home_organization",
        "supann_etu_id",
        "eduperson_assurance",
        "eduperson_orcid",
        "schac_personal_unique_code",
        "affiliation_checked_at",
    ),
    "voperson": ("voperson_id", "voperson_external_id", "voperson_external_affiliation"),
    "roles": ("roles",),
    OFFLINE_ACCESS: (),
}

# As in ``domain.accounts.FormerSubject``; ``openid.release`` leaves each client only those by which it knew the person.
FORMER_SUBS = "former_subs"

_SINGLE = {
    "name": "displayName",
    "given_name": "givenName",
    "family_name": "sn",
    "eduperson_primary_affiliation": "eduPersonPrimaryAffiliation",
    "schac_home_organization": "schacHomeOrganization",
    "supann_etu_id": "supannEtuId",
}
_LISTS = {
    "eduperson_scoped_affiliation": "eduPersonScopedAffiliation",
    "eduperson_affiliation": "eduPersonAffiliation",
    "eduperson_assurance": "eduPersonAssurance",
    "eduperson_orcid": "eduPersonOrcid",
    "schac_personal_unique_code": "schacPersonalUniqueCode",
    # What the university says of its own member is external to us (AARC-G025).
    "voperson_external_affiliation": "eduPersonScopedAffiliation",
}
# Never pairwise-id: it was made for us alone, so that others cannot compare people; passing it on would let them.
_EXTERNAL_IDS = ("subject-id", "eppn")


# On whose word an account rests.
UNIVERSITY = "university"
INVITED = "invited"

# Attributes that tell a status, which is dated.
AFFILIATIONS = ("eduPersonPrimaryAffiliation", "eduPersonAffiliation", "eduPersonScopedAffiliation")


class GivesClaims(Protocol):
    """Every claim that this account can give now, with those that do not stand in it (``roles``); without ``sub``."""

    def __call__(self, account: Account) -> dict[str, Any]: ...


def claims_of_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Every claim that these scopes can release."""
    return frozenset().union(*(SCOPES.get(scope, ()) for scope in scopes))


def claims_of(account: Account, periods: AffiliationPeriods, *, now: datetime) -> dict[str, Any]:
    """Every claim that stands in the account, without ``sub``; which of them a client gets is decided by its scopes.

    An affiliation that was checked too long ago is left out, and everything else stays.
    """
    attributes = _still_true(account, periods, now)
    claims: dict[str, Any] = {
        claim: attributes[attribute][0] for claim, attribute in _SINGLE.items() if attributes.get(attribute)
    }
    claims |= {claim: list(attributes[attribute]) for claim, attribute in _LISTS.items() if attributes.get(attribute)}
    claims |= {"locale": account.locale, "updated_at": int((account.proved_at or account.created_at).timestamp())}
    claims["account_type"] = INVITED if account.invited else UNIVERSITY
    if account.invited and account.invited.role:
        claims["invited_role"] = account.invited.role
    principal_name = next((identity.value for identity in account.identities if identity.kind == "eppn"), None)
    if principal_name is not None:
        claims["eduperson_principal_name"] = principal_name
    external = [identity.value for identity in account.identities if identity.kind in _EXTERNAL_IDS]
    if external:
        claims["voperson_external_id"] = list(dict.fromkeys(external))
    if account.address:
        claims |= {"email": account.address, "email_verified": True}
    if account.former_subjects:
        claims[FORMER_SUBS] = account.former_subjects
    if account.proved_at is not None:
        claims["affiliation_checked_at"] = int(account.proved_at.timestamp())
    return claims


def _still_true(account: Account, periods: AffiliationPeriods, now: datetime) -> dict[str, tuple[str, ...]]:
    checked_at = account.proved_at or account.created_at
    dated = {
        name: periods.counting(values, checked_at, now=now)
        for name, values in account.attributes.items()
        if name in AFFILIATIONS
    }
    return account.attributes | dated


def display_name(attributes: dict[str, tuple[str, ...]]) -> str:
    """How a page names the person, or an empty text."""
    whole = attributes.get("displayName")
    if whole:
        return whole[0]
    parts = [attributes[name][0] for name in ("givenName", "sn") if attributes.get(name)]
    return " ".join(parts)
