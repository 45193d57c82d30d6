"""The name that a university made for one person and one service: eduPersonTargetedID, or a persistent NameID.

eduPersonTargetedID (eduPerson 202208, section 2.2.10) is a NameID element inside the attribute's value; a persistent
NameID of the subject (SAML core 8.3.7) says the same. Both are written ``IdP!SP!value``, as federations do.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.safe_xml import Element, whole_text

NAME_ID: Final = f"{{{names.SAML}}}NameID"
PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
# SAML core section 8.3.7.
_MAX_LENGTH: Final = 256


@dataclass(frozen=True, slots=True)
class Name:
    """A NameID as it stands there; text None: it holds elements. persistent: whether its format says so."""

    text: str | None
    format: str | None
    name_qualifier: str | None
    sp_name_qualifier: str | None

    @property
    def persistent(self) -> bool:
        return self.format == PERSISTENT

    def written(self, issuer: str, us: str) -> str | None:
        """``IdP!SP!value``, or None for a name that is of another provider's or for another service.

        An absent qualifier means the provider that asserts the name, or the service to which it does (core 2.2.2).
        Raises Refusal ``saml.attribute_values``.
        """
        if self.format not in (None, "", PERSISTENT):
            return None
        if (self.name_qualifier or issuer) != issuer or (self.sp_name_qualifier or us) != us:
            return None
        return f"{issuer}!{us}!{_value(self.text)}"


def name_of(element: Element) -> Name:
    """This NameID element."""
    return Name(
        whole_text(element), element.get("Format"), element.get("NameQualifier"), element.get("SPNameQualifier")
    )


def names_in_values(attribute: Element) -> list[Name]:
    """The names in this attribute's values; values of text alone, the form of SAML 1, name nobody for us.

    Raises Refusal ``saml.attribute_values`` for a value of any other form.
    """
    found = []
    for value in attribute.findall("saml:AttributeValue", names.NS):
        if [child.tag for child in value] == [NAME_ID] and not _text_around(value):
            found.append(name_of(value[0]))
        elif len(value):
            raise Refusal("saml.attribute_values", "eduPersonTargetedID holds something else than one NameID")
    return found


def subject_name(assertion: Element) -> Name | None:
    """The persistent NameID of the subject, None where the subject has another NameID or none."""
    element = assertion.find("saml:Subject/saml:NameID", names.NS)
    name = None if element is None else name_of(element)
    return name if name is not None and name.persistent else None


def targeted_ids(in_attribute: Iterable[Name], subject: Name | None, issuer: str, us: str) -> list[str]:
    """What the person is called for us: by the attribute, else by the subject's persistent NameID."""
    found = [written for name in in_attribute if (written := name.written(issuer, us))]
    if found or subject is None:
        return list(dict.fromkeys(found))
    written = subject.written(issuer, us)
    return [written] if written else []


def _value(text: str | None) -> str:
    if text is None:
        raise Refusal("saml.attribute_values", "a persistent name holds elements instead of text")
    odd = any(unicodedata.category(character)[0] in "CZ" for character in text)
    if not text or len(text) > _MAX_LENGTH or odd:
        raise Refusal("saml.attribute_values", "a persistent name is empty, too long or holds odd characters")
    return text


def _text_around(value: Element) -> bool:
    return bool((value.text or "").strip() or (value[0].tail or "").strip())
