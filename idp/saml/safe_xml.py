"""Reading XML that strangers send: nothing is fetched, nothing expands, no value hides behind a comment.

The text is tested before any parser sees it, so that the answer does not depend on what a parser's version does with
document types, encodings or processing instructions.
"""

import re
from codecs import getincrementaldecoder
from typing import Final, TypeAlias

from lxml import etree

Element: TypeAlias = etree._Element

_DOCUMENT_TYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_DECLARATION: Final = re.compile(r"<\?xml\s[^<>]*?\?>")
_PIECE: Final = 1 << 16
_HEAD: Final = 4096
_ENCODING: Final = re.compile(r"encoding\s*=\s*[\"']([^\"']*)[\"']")


class UnsafeXML(Exception):
    """The text is not XML as we accept it; ``reason`` is one of ``not_xml``, ``doctype``, ``markup``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def parse_message(xml: bytes) -> Element:
    """The root of a protocol message: UTF-8, without document type, comment, CDATA or processing instruction.

    Raises UnsafeXML.
    """
    body = _without_declaration(_text(xml))
    if "<!DOCTYPE" in body or "<!ENTITY" in body:
        raise UnsafeXML("doctype", "document type declaration")
    if "<!" in body or "<?" in body:
        # Outside a comment, CDATA section, instruction or document type no "<" may be followed by "!" or "?" (XML 1.0
        # section 2.4); refused because parsers differ in what they read around them (CVE-2017-11428).
        raise UnsafeXML("markup", "comment, CDATA section or processing instruction")
    return _parse(xml)


def parse_metadata(xml: bytes) -> Element:
    """The root of a metadata document: UTF-8, without document type; comments are dropped, as signatures drop them.

    Raises UnsafeXML.
    """
    if _DOCUMENT_TYPE.search(xml):
        raise UnsafeXML("doctype", "document type declaration")
    _check_large_text(xml)
    return _parse(xml)


def whole_text(element: Element | None) -> str | None:
    """All the text of an element, trimmed; None where there is no element, or where it holds other elements."""
    if element is None or len(element):
        return None
    return (element.text or "").strip()


def depth_of(root: Element) -> int:
    """How many elements are nested in one another, the root included."""
    depth = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _text(xml: bytes) -> str:
    try:
        text = xml.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnsafeXML("not_xml", f"not UTF-8 at byte {error.start}") from None
    # NUL bytes would let a parser that sniffs encodings see UTF-16 where we saw UTF-8.
    if "\x00" in text or not text.lstrip(" \t\r\n\ufeff").startswith("<"):
        raise UnsafeXML("not_xml", "does not begin with an element")
    return text


def _check_large_text(xml: bytes) -> None:
    """As ``_text`` and ``_without_declaration``, for a text that takes much memory as a whole."""
    view, decoder = memoryview(xml), getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(xml), _PIECE):
            decoder.decode(view[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise UnsafeXML("not_xml", "not UTF-8") from None
    if b"\x00" in xml:
        raise UnsafeXML("not_xml", "NUL byte")
    _without_declaration(_text(xml[:_HEAD].decode("utf-8", "ignore").encode()))


def _without_declaration(text: str) -> str:
    declaration = _DECLARATION.match(text.lstrip("\ufeff"))
    if declaration is None:
        return text
    encoding = _ENCODING.search(declaration.group())
    if encoding and encoding.group(1).lower() not in ("utf-8", "us-ascii"):
        raise UnsafeXML("not_xml", "declares another encoding than UTF-8")
    return text.lstrip("\ufeff")[declaration.end() :]


def _parse(xml: bytes) -> Element:
    # One parser for each document: lxml parsers are not shared between threads.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_blank_text=False,
        strip_cdata=True,
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        # Without the name of the source that lxml adds, as there is none.
        raise UnsafeXML("not_xml", str(getattr(error, "msg", error))[:200]) from None
    if root.getroottree().docinfo.doctype:
        raise UnsafeXML("doctype", "document type declaration")
    return root
