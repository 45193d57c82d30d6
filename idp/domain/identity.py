"""Whose identity a university may vouch for, and which account it belongs to."""

from collections.abc import Sequence

from idp.domain import addresses
from idp.domain.accounts import Account, Identity
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider, within
from idp.domain.proofing import Vouching


def accepted_identities(vouching: Vouching, provider: IdentityProvider) -> tuple[Identity, ...]:
    """The person's identifiers, best first, all within the provider's scopes.

    Refuses ``proofing.identifier_missing`` where there is none and ``proofing.identifier_out_of_scope`` where a scoped
    value lies outside ``shibmd:Scope`` (an identity provider speaks for its own people alone).
    """
    if not vouching.identifiers:
        raise Refusal("proofing.identifier_missing", provider.entity_id, status=403)
    for kind, value in vouching.identifiers:
        local_part, at, scope = value.rpartition("@")
        if not local_part or not at or not within(scope, provider.scopes):
            raise Refusal("proofing.identifier_out_of_scope", f"{provider.entity_id} {kind}", status=403)
    return tuple(Identity(provider.entity_id, kind, _normal(value)) for kind, value in vouching.identifiers)


def accepted_address(vouching: Vouching, provider: IdentityProvider) -> str:
    """The mail address that the university vouches for, clean, within its scopes or the administrator's list for it.

    Refuses ``proofing.mail_missing`` and ``proofing.mail_out_of_scope``. Of several values the one in scope counts,
    if it is the only one.
    """
    clean = {address for mail in vouching.mails if (address := _clean(mail)) is not None}
    if not clean:
        raise Refusal("proofing.mail_missing", provider.entity_id, status=403)
    allowed = provider.scopes + provider.mail_domains
    inside = sorted(address for address in clean if within(addresses.domain_of(address), allowed))
    if len(inside) != 1:
        domains = " ".join(sorted({addresses.domain_of(address) for address in clean}))
        raise Refusal("proofing.mail_out_of_scope", f"{provider.entity_id} {domains}", status=403)
    return inside[0]


def account_for(identities: Sequence[Identity], candidates: Sequence[Account]) -> Account | None:
    """The account among these that the identities name, or None for a new person.

    The best identifier decides. Refuses ``proofing.identity_conflict`` when two accounts are named, or when the account
    knows another value of a better kind from the same provider: a reassigned eduPersonPrincipalName is another person.
    """
    named = [account for account in candidates if set(account.identities) & set(identities)]
    if len({account.id for account in named}) > 1:
        raise Refusal("proofing.identity_conflict", "two accounts", status=403)
    if not named:
        return None
    account = named[0]
    shared = {(identity.entity_id, identity.kind): identity.value for identity in account.identities}
    for identity in identities:
        known = shared.get((identity.entity_id, identity.kind))
        if known is not None and known != identity.value and identity.kind != "eppn":
            raise Refusal("proofing.identity_conflict", f"{identity.entity_id} {identity.kind}", status=403)
    return account


def _normal(value: str) -> str:
    """Scoped identifiers are compared without regard to case (SAML Subject Identifier Attributes 1.0 section 3.3)."""
    return value.lower()


def _clean(mail: str) -> str | None:
    try:
        return addresses.clean(mail)
    except addresses.InvalidAddress:
        return None
