"""The attributes that we read from an assertion, by their names on the wire; every other one is ignored.

Names: eduPerson (202208), SCHAC 1.6, SupAnn 2021, SAML V2.0 Subject Identifier Attributes 1.0.
"""

import unicodedata
from typing import Final

from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.safe_xml import Element, whole_text
from idp.saml.targeted_id import names_in_values, subject_name, targeted_ids

SUBJECT_ID: Final = "urn:oasis:names:tc:SAML:attribute:subject-id"
PAIRWISE_ID: Final = "urn:oasis:names:tc:SAML:attribute:pairwise-id"
EPPN: Final = "urn:oid:1.3.6.1.4.1.5923.1.1.1.6"
TARGETED_ID: Final = "urn:oid:1.3.6.1.4.1.5923.1.1.1.10"
MAIL: Final = "urn:oid:0.9.2342.19200300.100.1.3"

# Kinds of identifiers, best first.
IDENTIFIERS: Final = (
    ("subject-id", SUBJECT_ID),
    ("pairwise-id", PAIRWISE_ID),
    ("eppn", EPPN),
    ("targeted-id", TARGETED_ID),
)
# Only what claims and pages use: the rest of what a university releases is not kept (GDPR article 5, 1 c; GÉANT CoCo).
FRIENDLY_NAMES: Final = {
    "urn:oid:2.16.840.1.113730.3.1.241": "displayName",
    "urn:oid:2.5.4.42": "givenName",
    "urn:oid:2.5.4.4": "sn",
    "urn:oid:2.5.4.3": "cn",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.1": "eduPersonAffiliation",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.5": "eduPersonPrimaryAffiliation",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.9": "eduPersonScopedAffiliation",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.11": "eduPersonAssurance",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.16": "eduPersonOrcid",
    "urn:oid:1.3.6.1.4.1.25178.1.2.9": "schacHomeOrganization",
    "urn:oid:1.3.6.1.4.1.25178.1.2.14": "schacPersonalUniqueCode",
    "urn:oid:1.3.6.1.4.1.7135.1.2.1.10": "supannEtuId",
}
# Names of SAML 1 that identity providers of long ago still send (MACE-Dir attribute profile, TERENA's SCHAC).
_OLD_NAMES: Final = {
    "urn:mace:dir:attribute-def:mail": MAIL,
    "urn:mace:dir:attribute-def:eduPersonPrincipalName": EPPN,
    "urn:mace:dir:attribute-def:eduPersonTargetedID": TARGETED_ID,
    **{
        f"urn:mace:{'terena.org' if friendly.startswith('schac') else 'dir'}:attribute-def:{friendly}": name
        for name, friendly in FRIENDLY_NAMES.items()
        if not friendly.startswith("supann")
    },
}
# What people are called: words in a line, whatever stands between them in a university's directory.
_NAMES_OF_PEOPLE: Final = frozenset(
    name for name, friendly in FRIENDLY_NAMES.items() if friendly in ("displayName", "givenName", "sn", "cn")
)
_TEXTS: Final = frozenset({*FRIENDLY_NAMES, *(name for _, name in IDENTIFIERS), MAIL}) - {TARGETED_ID}
_MAX_VALUES: Final = 200
_MAX_LENGTH: Final = 1024
_MAX_IDENTIFIER_LENGTH: Final = 256


def known_name(name: str) -> str:
    """Today's name of the attribute with this name on the wire; names that we do not know stay as they are."""
    return _OLD_NAMES.get(name, name)


def values_by_name(assertion: Element, us: str) -> dict[str, tuple[str, ...]]:
    """Values by the attribute's (today's) name, for the attributes that we know; empty ones are left out.

    assertion: what was verified. us: our entity id. Values under an old and the new name are put together. Raises
    Refusal ``saml.attribute_values`` where a value is not text, too long or one of too many: a value is read whole or
    not at all (O-08).
    """
    found: dict[str, list[str]] = {}
    targeted = []
    for attribute in assertion.findall("saml:AttributeStatement/saml:Attribute", names.NS):
        name = known_name(attribute.get("Name") or "")
        if name in _TEXTS:
            found.setdefault(name, []).extend(_values(name, attribute))
        elif name == TARGETED_ID:
            targeted += names_in_values(attribute)
    for name, values in found.items():
        if len(values) > _MAX_VALUES:
            raise Refusal("saml.attribute_values", f"{name} with {len(values)} values")
    issuer = whole_text(assertion.find(names.ISSUER)) or ""
    found[TARGETED_ID] = targeted_ids(targeted, subject_name(assertion), issuer, us)
    return {name: tuple(dict.fromkeys(values)) for name, values in found.items() if values}


def identifiers(values: dict[str, tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    """(kind, value) of the person's identifiers, best first; each has one value (O-07).

    Raises Refusal ``proofing.identifier_ambiguous``: not a fault of the answer's form, but of what is released.
    """
    for kind, name in IDENTIFIERS:
        if len(values.get(name, ())) > 1:
            raise Refusal("proofing.identifier_ambiguous", f"{kind} with {len(values[name])} values", status=403)
    return tuple((kind, values[name][0]) for kind, name in IDENTIFIERS if values.get(name))


def friendly(values: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What is neither identifier nor mail address, by friendly name; a person's names are one line each."""
    lines = {
        name: tuple(dict.fromkeys(line for value in said if (line := _one_line(value))))
        for name, said in values.items()
        if name in _NAMES_OF_PEOPLE
    }
    return {friendly: told for name, friendly in FRIENDLY_NAMES.items() if (told := lines.get(name, values.get(name)))}


def _values(name: str, attribute: Element) -> list[str]:
    elements = attribute.findall("saml:AttributeValue", names.NS)
    return [value for value in (_value(name, element) for element in elements) if value]


def _value(name: str, element: Element) -> str:
    text = whole_text(element)
    if text is None:
        raise Refusal("saml.attribute_values", f"{name} holds elements instead of text")
    limit = _MAX_LENGTH if name in FRIENDLY_NAMES else _MAX_IDENTIFIER_LENGTH
    if len(text) > limit or (name not in _NAMES_OF_PEOPLE and any(map(_is_control, text))):
        raise Refusal("saml.attribute_values", f"{name} is too long or holds control characters")
    return text


def _one_line(name: str) -> str:
    return " ".join("".join(" " if _is_control(char) else char for char in name).split())


def _is_control(char: str) -> bool:
    return unicodedata.category(char) == "Cc"
