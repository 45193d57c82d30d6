"""Reading a whole metadata file in one pass: each identity provider with the bytes that describe it.

No tree is built: 10,000 identity providers take no more memory than one. What is read here is believed only when the
same bytes were verified (``metadata_files``) and both readers saw the same outline of them: another parser builds the
tree that a signature is checked on.
"""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.parsers import expat

from idp.domain.federation import IdentityProvider
from idp.saml import xml_names as names
from idp.saml.entity_reading import ENTITY, Attributes, ElementStep, EntityDraft
from idp.saml.metadata_trust import Outline
from idp.saml.plain_values import moment

_CHUNK: Final = 1 << 18
_ENTITY: Final = f"{names.MD} EntityDescriptor"
_GROUP: Final = f"{names.MD} EntitiesDescriptor"
_TAG: Final = re.compile(rb"<(?:[^\s<>/:=]+:)?EntityDescriptor(?=[\s/>])")
_NOTHING: Final = ElementStep()


class MalformedMetadata(Exception):
    """The text is not XML as we accept it."""


@dataclass(frozen=True, slots=True)
class _Group:
    """An EntitiesDescriptor. spaces: the namespaces declared so far, by prefix. is_over: it has expired by itself."""

    spaces: dict[str, str]
    declarations: bytes
    is_over: bool


def identity_provider(document: bytes) -> IdentityProvider | None:
    """The SAML 2.0 identity provider that this EntityDescriptor describes, or None where we could not use it.

    Usable is one with an entity id, a sign-in endpoint (HTTP-Redirect or HTTP-POST) and a signing key. Its
    ``metadata_digest`` is that of the document. Raises MalformedMetadata.
    """
    return next((provider for provider, _ in MetadataReader(document)), None)


class MetadataReader:
    """The usable identity providers of a document, each with its own EntityDescriptor, in the order of the document.

    An EntityDescriptor is handed out byte for byte, with the namespaces that were declared around it written into its
    first tag: the same bytes have the same digest. now: what has expired by itself is left out; None takes everything.
    """

    def __init__(self, content: bytes, now: datetime | None = None) -> None:
        self._content, self._now = content, now
        self._elements = 0
        self._entity_ids: list[str] = []
        self._groups = [_Group({}, b"", is_over=False)]
        # Namespaces that the next element declares, while we are in no entity.
        self._declared: dict[str, str] = {}
        self._found: list[tuple[IdentityProvider, bytes]] = []
        self._draft = EntityDraft("", self._is_over)
        self._steps: list[ElementStep] = []
        # How deep we are in elements that do not matter.
        self._aside = 0
        # Of the element whose value is being read, if any.
        self._text: list[str] = []
        self._hear = self._text.append
        self._attributes: Attributes = {}
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_document_type
        self._parser.ProcessingInstructionHandler = self._instruction
        self._watch_groups()

    def __iter__(self) -> Iterator[tuple[IdentityProvider, bytes]]:
        """Once only. Raises MalformedMetadata."""
        content = memoryview(self._content)
        try:
            for start in range(0, max(len(content), 1), _CHUNK):
                # Whatever follows nothing is said to be the last, or the parser counts the lines of it too.
                self._parser.Parse(content[start : start + _CHUNK], start + _CHUNK >= len(content))
                found, self._found = self._found, []
                yield from found
        except expat.ExpatError as error:
            raise MalformedMetadata(str(error)) from None

    def outline(self) -> Outline:
        """Of the whole document, after everything was read."""
        return Outline.of(self._elements, self._entity_ids)

    def _watch_groups(self) -> None:
        self._parser.StartNamespaceDeclHandler = self._declare
        self._parser.StartElementHandler = self._start_outside
        self._parser.EndElementHandler = self._end_outside

    def _watch_entity(self) -> None:
        self._parser.StartNamespaceDeclHandler = None
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""

    def _start_outside(self, name: str, attributes: Attributes) -> None:
        self._elements += 1
        group, declared, self._declared = self._groups[-1], self._declared, {}
        is_over = group.is_over or self._is_over(attributes)
        if name == _ENTITY and not self._aside:
            self._begin_entity(attributes, declared, is_over=is_over)
        elif name == _GROUP and not self._aside:
            spaces = group.spaces | declared
            self._groups.append(_Group(spaces, _declarations(spaces), is_over))
        else:
            # Signatures, extensions, and whatever else is neither an entity nor a group.
            self._aside += 1

    def _end_outside(self, _: str) -> None:
        if self._aside:
            self._aside -= 1
        else:
            self._groups.pop()

    def _begin_entity(self, attributes: Attributes, declared: dict[str, str], *, is_over: bool) -> None:
        entity_id = attributes.get("entityID", "")
        self._entity_ids.append(entity_id)
        self._draft = EntityDraft(entity_id, self._is_over)
        self._begin, self._own_spaces = self._parser.CurrentByteIndex, declared
        self._steps.append(_NOTHING if is_over else ENTITY)
        self._watch_entity()

    def _start(self, name: str, attributes: Attributes) -> None:
        self._elements += 1
        if self._aside:
            self._aside += 1
            return
        around = self._steps[-1]
        step = around.inside.get(name)
        if step is None or (step.begin and not step.begin(self._draft, attributes)):
            self._aside = 1
            if around.text:
                # A value that holds elements is none (safe_xml.whole_text).
                self._spoil_text()
            return
        if step.text:
            self._text.clear()
            self._attributes = attributes
            self._parser.CharacterDataHandler = self._hear
        self._steps.append(step)

    def _end(self, _: str) -> None:
        if self._aside:
            self._aside -= 1
            return
        step = self._steps.pop()
        if step.text:
            self._parser.CharacterDataHandler = None
            step.text(self._draft, "".join(self._text), self._attributes)
        elif not self._steps:
            self._end_entity()

    def _spoil_text(self) -> None:
        self._parser.CharacterDataHandler = None
        self._text.clear()

    def _instruction(self, *_: str) -> None:
        if self._steps and self._steps[-1].text:
            self._spoil_text()

    def _end_entity(self) -> None:
        self._watch_groups()
        if self._draft.is_usable:
            document = self._document()
            self._found.append((self._draft.provider(document), document))

    def _document(self) -> bytes:
        content = self._content
        tag = _TAG.match(content, self._begin)
        end = content.find(b">", self._parser.CurrentByteIndex) + 1
        if tag is None or not end:
            raise MalformedMetadata("an element that does not stand where it begins")
        around = self._groups[-1].declarations
        if self._own_spaces:
            around = _declarations(self._groups[-1].spaces, self._own_spaces)
        return b"".join((tag.group(), around, memoryview(content)[tag.end() : end]))

    def _is_over(self, attributes: Attributes) -> bool:
        """Whether this role, entity or group has expired by itself."""
        until = attributes.get("validUntil")
        if until is None or self._now is None:
            return False
        try:
            return moment(until) <= self._now
        except ValueError:
            return True


# XML 1.0, sections 2.3 and 3.3.3. (xml.sax.saxutils would do it, and brings the HTTP client: a third of all imports.)
_IN_ATTRIBUTE: Final = str.maketrans({char: f"&#{ord(char)};" for char in '&<"\t\n\r'})


def _declarations(spaces: dict[str, str], others: Container[str] = ()) -> bytes:
    """These namespaces as attributes of a tag that declares those others itself."""
    told = (
        f' xmlns{prefix and ":"}{prefix}="{uri.translate(_IN_ATTRIBUTE)}"'
        for prefix, uri in sorted(spaces.items())
        if uri and prefix not in others
    )
    return "".join(told).encode()


def _refuse_document_type(*_: object) -> None:
    raise MalformedMetadata("document type declaration")
