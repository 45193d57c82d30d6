"""What relying parties may learn about a person, by scope (OpenID Connect Core 5.1, 5.4; REFEDS OIDCre)."""

from typing import Any

from idp.domain.accounts import Account

SCOPES: dict[str, tuple[str, ...]] = {
    "openid": ("sub",),
    "profile": ("name", "given_name", "family_name", "locale", "updated_at"),
    "email": ("email", "email_verified"),
    "eduperson": (
        "eduperson_principal_name",
        "eduperson_scoped_affiliation",
        "eduperson_affiliation",
        "eduperson_primary_affiliation",
        "schac_home_organization",
        "supann_etu_id",
        "affiliation_checked_at",
    ),
    "offline_access": (),
}

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
}


def claims_of(account: Account) -> dict[str, Any]:
    """Every claim that the account can give, without ``sub``; which of them a client gets is decided by its scopes."""
    claims: dict[str, Any] = {
        claim: account.attributes[attribute][0]
        for claim, attribute in _SINGLE.items()
        if account.attributes.get(attribute)
    }
    claims |= {
        claim: list(account.attributes[attribute])
        for claim, attribute in _LISTS.items()
        if account.attributes.get(attribute)
    }
    claims |= {"locale": account.locale, "updated_at": int((account.proved_at or account.created_at).timestamp())}
    principal_name = next((identity.value for identity in account.identities if identity.kind == "eppn"), None)
    if principal_name is not None:
        claims["eduperson_principal_name"] = principal_name
    if account.address:
        claims |= {"email": account.address, "email_verified": True}
    if account.proved_at is not None:
        claims["affiliation_checked_at"] = int(account.proved_at.timestamp())
    return claims


def display_name(attributes: dict[str, tuple[str, ...]]) -> str:
    """How a page names the person, or an empty text."""
    whole = attributes.get("displayName")
    if whole:
        return whole[0]
    parts = [attributes[name][0] for name in ("givenName", "sn") if attributes.get(name)]
    return " ".join(parts)
