"""What we take over from one EntityDescriptor while it goes by, element after element."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeAlias

from idp.domain.federation import IdentityProvider, host_of
from idp.domain.languages import LANGUAGES
from idp.saml import xml_names as names
from idp.saml.ordinary_key import is_ordinary
from idp.saml.plain_values import domain_name, plain_name, web_address

Attributes: TypeAlias = dict[str, str]

_LANGUAGE: Final = f"{names.XML} lang"
# As many as the Union has official languages, and more hints than anybody needs: each is found by everybody's search,
# and stands beside the universities of everybody whose address ends in it.
_MOST_NAMES: Final = 24
_MOST_HINTS: Final = 50
# What operators write into the name of a provider that nobody should choose, not yet or not any more; overrides.toml
# can show it all the same. Every alternative begins with one of few letters: nearly every name is dismissed by those
# alone.
_SAYS_RETIRED: Final = re.compile(
    r"(?im)\b(?=[delnoprtz])"
    r"(?:(?:ne pas utiliser|do not use|obsol[eè]te|old idp|deprecated|pr[eé][- ]?prod(?:uction)?)\b"
    r"|legacy\b(?:(?<=\(legacy)|(?<= [-–] legacy))|(?:^|(?<=^\W))(?:z+test|(?-i:TEST))\b"
    # « validation des acquis » is a course, and « recette » means a test system only at the end of a name.
    r"|en validation\b(?! d)|recette\W*$)"
)
# REFEDS Hide From Discovery Entity Category 1.0, section 3; the attribute is that of RFC 8409.
_CATEGORIES: Final = "http://macedir.org/entity-category"
_HIDDEN: Final = "http://refeds.org/category/hide-from-discovery"


class EntityDraft:
    """An identity provider of which some elements have been read; has_role: its SAML 2.0 role has begun.

    is_over: whether an element with these attributes has expired by itself (metadata section 2.4.1).
    """

    __slots__ = (
        "entity_id",
        "error_url",
        "has_key",
        "has_role",
        "hints",
        "is_over",
        "is_reachable",
        "is_withdrawn",
        "organization",
        "own_scopes",
        "registration_authority",
        "role_names",
        "role_scopes",
        "sign_in_host",
    )

    def __init__(self, entity_id: str, is_over: Callable[[Attributes], bool]) -> None:
        self.entity_id = entity_id
        self.is_over = is_over
        self.has_role = self.has_key = self.is_reachable = self.is_withdrawn = False
        self.role_names: dict[str, str] = {}
        self.organization: dict[str, str] = {}
        self.role_scopes: list[str | None] = []
        self.own_scopes: list[str | None] = []
        self.hints: list[str | None] = []
        self.error_url = self.sign_in_host = ""
        self.registration_authority: str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it has an entity id, a sign-in endpoint (HTTP-Redirect or HTTP-POST) and a signing key."""
        return _is_entity_id(self.entity_id) and self.is_reachable and self.has_key

    @property
    def is_nameless(self) -> bool:
        """Whether its role has no name: the organization's name counts then, which comes later (metadata section
        2.3.2)."""
        return not any(self.role_names.values())

    def provider(self, document: bytes) -> IdentityProvider:
        """The identity provider whose EntityDescriptor, now at its end, is this document."""
        found = self.organization if self.is_nameless else self.role_names
        shown = tuple([(language, name) for language, name in found.items() if name])
        if len(shown) > _MOST_NAMES:
            shown = tuple(sorted(shown, key=lambda named: named[0] not in LANGUAGES)[:_MOST_NAMES])
        return IdentityProvider(
            entity_id=self.entity_id,
            names=shown or (("", plain_name(self.entity_id)),),
            scopes=_unique(self.role_scopes + self.own_scopes),
            domain_hints=_unique(self.hints)[:_MOST_HINTS],
            hidden=self.is_withdrawn or bool(_SAYS_RETIRED.search("\n".join(found.values()))),
            error_url=self.error_url,
            registration_authority=self.registration_authority or "",
            metadata_digest=sha256(document).hexdigest(),
            sign_in_host=self.sign_in_host,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ElementStep:
    """What to do with an element at one place of an EntityDescriptor.

    inside: the elements in it that matter. begin: whether it matters itself. text: takes its text; an element without
    this is not asked for any.
    """

    inside: dict[str, "ElementStep"] = field(default_factory=dict)
    begin: Callable[[EntityDraft, Attributes], bool] | None = None
    text: Callable[[EntityDraft, str, Attributes], None] | None = None


def _is_entity_id(text: str) -> bool:
    """Whether every character of this entity id can be seen.

    With a blank before or after it, the id would pass for another provider's. A blank inside stays: some ids have
    one.
    """
    return bool(text) and text.isprintable() and text == text.strip()


def _role(draft: EntityDraft, attributes: Attributes) -> bool:
    """The first role of an identity provider that speaks SAML 2.0 counts, and no other role, also where the first one
    has expired."""
    if draft.has_role or names.SAMLP not in attributes.get("protocolSupportEnumeration", "").split():
        return False
    draft.has_role = True
    if draft.is_over(attributes):
        return False
    draft.error_url = web_address(attributes.get("errorURL"))
    return True


def _endpoint(draft: EntityDraft, attributes: Attributes) -> bool:
    if draft.is_reachable or attributes.get("Binding") not in (names.HTTP_REDIRECT, names.HTTP_POST):
        return False
    if address := web_address(attributes.get("Location")):
        draft.is_reachable = True
        draft.sign_in_host = host_of(address)
    return False


def _is_wanted_key(draft: EntityDraft, attributes: Attributes) -> bool:
    return not draft.has_key and attributes.get("use") in (None, "signing")


def _certificate(draft: EntityDraft, text: str, _: Attributes) -> None:
    draft.has_key = draft.has_key or is_ordinary(text) or _is_usable(text)


def _is_usable(certificate: str) -> bool:
    # Imported for the few that need it: the library takes longer to load than most files to read.
    from idp.saml.verification_keys import certified_key

    return certified_key(certificate) is not None


def _is_plain_scope(_: EntityDraft, attributes: Attributes) -> bool:
    # A scope may be a regular expression (``shibmd:Scope``). Whether it respects the dots of a domain would depend on
    # whoever wrote it, so none is taken.
    return attributes.get("regexp", "false").strip() in ("false", "0")


def _registration(draft: EntityDraft, attributes: Attributes) -> bool:
    if draft.registration_authority is None:
        draft.registration_authority = attributes.get("registrationAuthority", "").strip()
    return False


def _holds_categories(_: EntityDraft, attributes: Attributes) -> bool:
    return attributes.get("Name") == _CATEGORIES


def _entity_category(draft: EntityDraft, text: str, _: Attributes) -> None:
    draft.is_withdrawn = draft.is_withdrawn or text.strip() == _HIDDEN


def _scope(text: str) -> str | None:
    """The scope; None for a top-level domain, with which a university could vouch for half of the world's addresses."""
    domain = domain_name(text)
    return domain if domain and "." in domain else None


def _role_scope(draft: EntityDraft, text: str, _: Attributes) -> None:
    draft.role_scopes.append(_scope(text))


def _own_scope(draft: EntityDraft, text: str, _: Attributes) -> None:
    draft.own_scopes.append(_scope(text))


def _hint(draft: EntityDraft, text: str, _: Attributes) -> None:
    draft.hints.append(domain_name(text))


def _role_name(draft: EntityDraft, text: str, attributes: Attributes) -> None:
    draft.role_names[_language(attributes)] = plain_name(text)


def _is_nameless(draft: EntityDraft, _: Attributes) -> bool:
    return draft.is_nameless


def _organization_name(draft: EntityDraft, text: str, attributes: Attributes) -> None:
    draft.organization[_language(attributes)] = plain_name(text)


def _language(attributes: Attributes) -> str:
    return attributes.get(_LANGUAGE, "").split("-")[0].lower()


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([value for value in values if value]))


def _md(name: str) -> str:
    return f"{names.MD} {name}"


def _path(*tags: str, end: ElementStep) -> ElementStep:
    for tag in reversed(tags):
        end = ElementStep({tag: end})
    return end


_CERTIFICATES: Final = _path(
    f"{names.DS} KeyInfo", f"{names.DS} X509Data", f"{names.DS} X509Certificate", end=ElementStep(text=_certificate)
)
_ROLE_EXTENSIONS: Final = ElementStep(
    {
        f"{names.SHIBMD} Scope": ElementStep(begin=_is_plain_scope, text=_role_scope),
        f"{names.MDUI} UIInfo": _path(f"{names.MDUI} DisplayName", end=ElementStep(text=_role_name)),
        f"{names.MDUI} DiscoHints": _path(f"{names.MDUI} DomainHint", end=ElementStep(text=_hint)),
    }
)
_OWN_EXTENSIONS: Final = ElementStep(
    {
        f"{names.SHIBMD} Scope": ElementStep(begin=_is_plain_scope, text=_own_scope),
        f"{names.MDRPI} RegistrationInfo": ElementStep(begin=_registration),
        f"{names.MDATTR} EntityAttributes": ElementStep(
            {
                f"{names.SAML} Attribute": ElementStep(
                    {f"{names.SAML} AttributeValue": ElementStep(text=_entity_category)}, begin=_holds_categories
                )
            }
        ),
    }
)
_ROLE: Final = ElementStep(
    {
        _md("Extensions"): _ROLE_EXTENSIONS,
        _md("KeyDescriptor"): ElementStep(_CERTIFICATES.inside, begin=_is_wanted_key),
        _md("SingleSignOnService"): ElementStep(begin=_endpoint),
    },
    begin=_role,
)
# The whole of an EntityDescriptor.
ENTITY: Final = ElementStep(
    {
        _md("Extensions"): _OWN_EXTENSIONS,
        _md("IDPSSODescriptor"): _ROLE,
        _md("Organization"): ElementStep(
            {_md("OrganizationDisplayName"): ElementStep(text=_organization_name)}, begin=_is_nameless
        ),
    }
)
