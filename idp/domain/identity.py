"""Whose identity a university may vouch for, and which account it belongs to."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from idp.domain import addresses
from idp.domain.accounts import Account, Identity
from idp.domain.clocks import CLOCK_SKEW
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider, within
from idp.domain.proofing import Proofing, Vouching

# Who gave a code: « int:esi:<organization> » (European Student Identifier) or « <country>:<organization> » (SCHAC 1.6).
_GIVER: Final = re.compile(r"urn:schac:personaluniquecode:(?:int:esi|[^:]*):([^:]*)", re.IGNORECASE)
# What turns the direction of writing (UAX 9), and what parts lines: whatever follows a name would be read otherwise.
_TURNING: Final = re.compile("[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class IdentityConflict(Refusal):
    """What a university says does not fit what is known of the person: nothing is merged, the audit trail is told.

    entity_id, kind: the university, and the kind of identifier that does not fit, or ``address``.
    """

    def __init__(self, entity_id: str, kind: str, detail: str) -> None:
        super().__init__("proofing.identity_conflict", f"{entity_id} {kind}: {detail}", status=403)
        self.entity_id = entity_id
        self.kind = kind


def accepted_identities(vouching: Vouching, provider: IdentityProvider) -> tuple[Identity, ...]:
    """The person's identifiers, best first, all within the provider's scopes.

    Refuses ``proofing.identifier_missing`` where there is none and ``proofing.identifier_out_of_scope`` where a scoped
    value lies outside ``shibmd:Scope`` (an identity provider speaks for its own people alone). A ``targeted-id`` has no
    scope: it must be qualified with the provider's own entity id.
    """
    if not vouching.identifiers:
        raise Refusal("proofing.identifier_missing", provider.entity_id, status=403)
    for kind, value in vouching.identifiers:
        if not (_is_qualified if kind == "targeted-id" else _is_in_scope)(value, provider):
            raise Refusal("proofing.identifier_out_of_scope", f"{provider.entity_id} {kind}", status=403)
    return tuple(Identity(provider.entity_id, kind, _normal(kind, value)) for kind, value in vouching.identifiers)


def _is_in_scope(value: str, provider: IdentityProvider) -> bool:
    # Exactly one @ (eduPerson 202208, eduPersonPrincipalName): with two, a reader that splits at the second one sees
    # another scope.
    local_part, _, scope = value.partition("@")
    # No character either that becomes an @ when names are normalized (NFKC), and none that is invisible.
    is_plain = local_part.isprintable() and "@" not in unicodedata.normalize("NFKC", local_part)
    return bool(local_part) and is_plain and _is_scope(scope, provider)


def _is_scope(domain: str, provider: IdentityProvider) -> bool:
    """Whether it is a scope to the letter (``shibmd:Scope``): what lies below may be another provider's scope."""
    return domain.isascii() and domain.lower() in provider.scopes


def _is_own_code(value: str, provider: IdentityProvider) -> bool:
    """Whether a personal code was given by this provider, or by nobody who has a domain (a country)."""
    found = _GIVER.match(value)
    return found is None or "." not in found[1] or _is_scope(found[1], provider)


# Attributes whose values tell of which university they are (eduPerson 202208; SCHAC 1.6), and whether it is this one.
_IS_OWN: Final[dict[str, Callable[[str, IdentityProvider], bool]]] = {
    "eduPersonScopedAffiliation": _is_in_scope,
    "schacHomeOrganization": _is_scope,
    "schacPersonalUniqueCode": _is_own_code,
}


# Attributes whose values are compared without regard to case (eduPerson 202208; SCHAC 1.6): told in small letters,
# since applications compare to the letter.
_WITHOUT_CASE: Final = frozenset(
    {
        "eduPersonAffiliation",
        "eduPersonPrimaryAffiliation",
        "eduPersonScopedAffiliation",
        "schacHomeOrganization",
    }
)


def _is_qualified(value: str, provider: IdentityProvider) -> bool:
    """``IdP!SP!value`` of this provider."""
    qualifier, _, rest = value.removeprefix(provider.entity_id).partition("!")
    service, _, name = rest.partition("!")
    return value.startswith(provider.entity_id) and not qualifier and bool(service and name)


def accepted_address(vouching: Vouching, provider: IdentityProvider) -> str:
    """The mail address that the university vouches for, clean, within its scopes or the administrator's list for it.

    Of several values the one in scope counts. Refuses ``proofing.mail_missing``, ``proofing.mail_out_of_scope`` where
    none is in scope, and ``proofing.mail_ambiguous`` where several are: which one is the person's is not ours to say.
    """
    clean = released_mails(vouching)
    if not clean:
        raise Refusal("proofing.mail_missing", provider.entity_id, status=403)
    allowed = provider.scopes + provider.mail_domains
    inside = [address for address in clean if within(addresses.domain_of(address), allowed)]
    if len(inside) != 1:
        domains = " ".join(sorted({addresses.domain_of(address) for address in clean}))
        reason = "proofing.mail_ambiguous" if inside else "proofing.mail_out_of_scope"
        raise Refusal(reason, f"{provider.entity_id} {domains}", status=403)
    return inside[0]


def accepted_attributes(vouching: Vouching, provider: IdentityProvider) -> dict[str, tuple[str, ...]]:
    """What the university says of the person, without values that only another one may give.

    A scoped affiliation, home organization or personal code outside ``shibmd:Scope`` is left out and refuses nobody: it
    may be true, but this provider is not the one to say so. Nothing stays that turns the direction of writing. A
    status is told in small letters.
    """
    kept = {
        name: tuple(
            dict.fromkeys(
                shown
                for value in values
                if (name not in _IS_OWN or _IS_OWN[name](value, provider)) and (shown := _shown(name, value))
            )
        )
        for name, values in vouching.attributes.items()
    }
    return {name: values for name, values in kept.items() if values}


def _shown(name: str, value: str) -> str:
    text = _TURNING.sub("", value).strip()
    return text.lower() if name in _WITHOUT_CASE else text


def released_mails(vouching: Vouching) -> tuple[str, ...]:
    """Every mail address that the university released, clean, whatever its domain."""
    return tuple(dict.fromkeys(address for mail in vouching.mails if (address := _clean(mail)) is not None))


def given_address_problem(address: str, provider: IdentityProvider) -> str | None:
    """Why a person of this provider may not give this (clean) address as theirs: a field sentence's key, or None.

    Only where the provider releases none; it may lie where the provider could have vouched for it, and nowhere else.
    """
    allowed = provider.scopes + provider.mail_domains
    return None if within(addresses.domain_of(address), allowed) else "email.other_domain"


def is_expected(typed: str | None, proofing: Proofing, named: Callable[[], Account | None]) -> bool:
    """Whether the typed address is one of the person whom the university named: released now, or known before.

    named: their account, if they have one; nearly everybody typed what the university says, and it is not asked for.
    """
    if typed is None or typed == proofing.address or typed in proofing.mails:
        return True
    account = named()
    return account is not None and typed in account.addresses


def is_named(account: Account, identities: Iterable[Identity]) -> bool:
    """Whether one of these identities is the account's."""
    return not set(account.identities).isdisjoint(identities)


def renamed(identities: Iterable[Identity], previous: Account) -> Identity | None:
    """The identity of a kind by which the same university named this other account, which had the same address.

    One person under a new name, or two persons: which of both, only people can tell.
    """
    known = _sources(previous)
    return next((identity for identity in identities if (identity.entity_id, identity.kind) in known), None)


def authenticated_anew(proofing: Proofing) -> bool:
    """Whether the university authenticated the person for this request, and not at some time before."""
    return proofing.authn_instant is not None and proofing.authn_instant >= proofing.created_at - CLOCK_SKEW


def account_for(identities: Sequence[Identity], candidates: Sequence[Account]) -> Account | None:
    """The account among these that the identities name, or None for a new person.

    The best identifier decides. Refuses ``proofing.identity_conflict`` when two accounts are named, or when the account
    knows another value of a better kind from the same provider: a reassigned eduPersonPrincipalName is another person.
    Names that marriages and new software change (eppn, targeted-id) may be others where a lasting one is the same.
    """
    named = [account for account in candidates if is_named(account, identities)]
    if len({account.id for account in named}) > 1:
        kinds = [identity.kind for identity in identities if any(is_named(account, [identity]) for account in named)]
        raise IdentityConflict(identities[0].entity_id, " ".join(kinds), "two accounts")
    if not named:
        return None
    account = named[0]
    # Two accounts that became one may have two values of a kind: each of them is this person's.
    sources = _sources(account)
    may_change = _may_change(account, identities)
    for identity in identities:
        is_other = (identity.entity_id, identity.kind) in sources and identity not in account.identities
        if is_other and identity.kind not in may_change:
            raise IdentityConflict(identity.entity_id, identity.kind, "another value than before")
    return account


def _sources(account: Account) -> set[tuple[str, str]]:
    """Of which provider and kind the account's identifiers are."""
    return {(identity.entity_id, identity.kind) for identity in account.identities}


def _may_change(account: Account, identities: Iterable[Identity]) -> frozenset[str]:
    same = {identity.kind for identity in identities if is_named(account, [identity])}
    if same & {"subject-id", "pairwise-id"}:
        return frozenset({"eppn", "targeted-id"})
    return frozenset({"eppn"})


def _normal(kind: str, value: str) -> str:
    """Scoped identifiers are compared without regard to case (SAML Subject Identifier Attributes 1.0 section 3.3)."""
    return value if kind == "targeted-id" else value.lower()


def _clean(mail: str) -> str | None:
    try:
        return addresses.clean(mail)
    except addresses.InvalidAddress:
        return None
