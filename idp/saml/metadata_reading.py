"""Reading a whole metadata file in one pass: each identity provider with the bytes that describe it.

No tree is built: 10,000 identity providers take no more memory than one. What is read here is believed only when the
same bytes were verified (``metadata_files``), and when both readers saw the same outline of them: another parser builds
the tree that signatures are checked on.
"""

import hashlib
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from idp.domain.federation import IdentityProvider
from idp.saml import xml_names as names
from idp.saml.plain_values import domain_name, moment, plain_name, web_address

_CHUNK: Final = 1 << 20
_TAG: Final = re.compile(rb"<(?:[^\s<>/:]+:)?EntityDescriptor(?=[\s/>])")
# A public key of 2048, 3072 or 4096 bits in a certificate: rsaEncryption and the lengths around it (RFC 3279 section
# 2.3.1). Nearly every one; others are taken apart.
_ORDINARY_KEY: Final = re.compile(
    rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82"
    rb"(?:\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01|\x01\x8f\x00\x30\x82\x01\x8a\x02\x82\x01\x81"
    rb"|\x02\x0f\x00\x30\x82\x02\x0a\x02\x82\x02\x01)\x00[\x80-\xff]"
)


class Unreadable(Exception):
    """The text is not XML as we accept it."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What two readers of one document must agree upon.

    elements: how many there are. entity_ids: SHA-256 in hex of all of them, in the order of the document.
    """

    elements: int
    entity_ids: str

    @classmethod
    def of(cls, elements: int, entity_ids: list[str]) -> "Outline":
        return cls(elements, hashlib.sha256("\n".join(entity_ids).encode()).hexdigest())


def identity_provider(document: bytes) -> IdentityProvider | None:
    """The SAML 2.0 identity provider that this EntityDescriptor describes, or None where we could not use it.

    Usable is one with an entity id, a sign-in endpoint (HTTP-Redirect or HTTP-POST) and a signing key. Its
    ``metadata_digest`` is that of the document. Raises Unreadable.
    """
    return next((provider for provider, _ in MetadataReader(document, None)), None)


class MetadataReader:
    """The usable identity providers of a document, each with its own EntityDescriptor, in the order of the document.

    An EntityDescriptor is handed out byte for byte, with the namespace declarations that it stood in written into it:
    the same bytes have the same digest. now: what has expired by itself is left out; None takes everything.
    """

    def __init__(self, content: bytes, now: datetime | None) -> None:
        self._content, self._now = content, now
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 16
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartNamespaceDeclHandler = self._declare
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.ProcessingInstructionHandler = self._instruct
        self._step: _Step = _ROOT
        self._steps: list[_Step] = [_ROOT]
        self._elements = 0
        self._entity_ids: list[str] = []
        # Of the groups around, outermost first; what the next element declares.
        self._spaces: list[dict[str, str]] = [{}]
        self._declared: dict[str, str] = {}
        self._found: list[tuple[IdentityProvider, bytes]] = []
        self._ended_group = 0
        self._text: list[str] | None = None
        self._begin_entity({}, 0)

    def __iter__(self) -> Iterator[tuple[IdentityProvider, bytes]]:
        """Once only. Raises Unreadable."""
        content = memoryview(self._content)
        try:
            for start in range(0, len(content), _CHUNK):
                self._parser.Parse(content[start : start + _CHUNK], False)
                found, self._found = self._found, []
                yield from found
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise Unreadable(str(error)) from None

    def outline(self) -> Outline:
        """Of the whole document, after everything was read."""
        return Outline.of(self._elements, self._entity_ids)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        step = self._step.inside.get(name)
        if step is None:
            if self._step.end_text:
                # A value that holds elements is none (safe_xml.whole_text).
                self._text = None
            step = _ASIDE
        elif step.begin:
            step = step.begin(self, attributes, step)
        if step.end_text:
            self._text = []
            self._parser.CharacterDataHandler = self._text.append
        self._steps.append(step)
        self._step = step

    def _end(self, name: str) -> None:
        step = self._steps.pop()
        self._step = self._steps[-1]
        if step.end_text:
            self._parser.CharacterDataHandler = None
            if self._text is not None:
                step.end_text(self, "".join(self._text))
        elif step.end:
            step.end(self)

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        if self._step.is_group:
            self._declared[prefix or ""] = uri or ""

    def _refuse(self, *_: object) -> None:
        raise Unreadable("document type declaration")

    def _instruct(self, *_: object) -> None:
        if self._step.end_text:
            self._text = None

    # Groups and entities

    def group(self, attributes: dict[str, str], step: "_Step") -> "_Step":
        self._spaces.append(self._spaces[-1] | self._declared)
        self._declared = {}
        if self._is_over(attributes):
            self._ended_group += 1
            return _ENDED_GROUP
        return step

    def end_group(self) -> None:
        self._spaces.pop()

    def end_ended_group(self) -> None:
        self._spaces.pop()
        self._ended_group -= 1

    def entity(self, attributes: dict[str, str], step: "_Step") -> "_Step":
        self._entity_ids.append((attributes.get("entityID") or "").strip())
        own, self._declared = self._declared, {}
        if self._ended_group or self._is_over(attributes):
            return _ASIDE
        self._own = own
        self._begin_entity(attributes, self._parser.CurrentByteIndex)
        return step

    def _begin_entity(self, attributes: dict[str, str], start: int) -> None:
        self._entity_start = start
        self._entity_id = (attributes.get("entityID") or "").strip()
        self._has_role = self._has_location = self._has_key = False
        self._names: dict[str, str] = {}
        self._organization: dict[str, str] = {}
        self._role_scopes: list[str | None] = []
        self._scopes: list[str | None] = []
        self._hints: list[str | None] = []
        self._error_url = ""
        self._authority: str | None = None

    def end_entity(self) -> None:
        if not (self._entity_id and self._has_location and self._has_key):
            return
        document = self._document()
        shown = self._names if any(self._names.values()) else self._organization
        provider = IdentityProvider(
            entity_id=self._entity_id,
            names=tuple((language, name) for language, name in shown.items() if name)
            or (("", plain_name(self._entity_id)),),
            scopes=_unique(self._role_scopes + self._scopes),
            domain_hints=_unique(self._hints),
            error_url=self._error_url,
            registration_authority=self._authority or "",
            metadata_digest=hashlib.sha256(document).hexdigest(),
        )
        self._found.append((provider, document))

    def _document(self) -> bytes:
        content, start = self._content, self._entity_start
        tag = _TAG.match(content, start)
        end = content.find(b">", self._parser.CurrentByteIndex) + 1
        if tag is None or not end:
            raise Unreadable("the place of an element is not where it is")
        inherited = self._spaces[-1]
        declarations = "".join(
            f" xmlns{prefix and ':'}{prefix}={quoteattr(uri)}"
            for prefix, uri in sorted(inherited.items())
            if prefix not in self._own and uri
        )
        return b"".join((tag.group(), declarations.encode(), content[tag.end() : end]))

    def _is_over(self, attributes: dict[str, str]) -> bool:
        until = attributes.get("validUntil")
        if until is None or self._now is None:
            return False
        try:
            return moment(until) <= self._now
        except ValueError:
            return True
