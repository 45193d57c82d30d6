"""The guard on raw form values: O-12 and everything that is no response at all; refused before any key is tried."""

import base64
import zlib

import pytest
from lxml import etree

from idp.domain.errors import Refusal
from idp.saml.guard import MAX_BASE64_LENGTH, MAX_DEPTH, read_response
from tests.saml import identity_provider as university


def _reason(saml_response: str) -> str:
    with pytest.raises(Refusal) as caught:
        read_response(saml_response)
    return caught.value.reason


def _encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def _response() -> str:
    text: str = etree.tostring(university.build(university.Draft()), encoding="unicode")
    return text


def test_response_passes_as_it_is() -> None:
    read = read_response(_encoded(_response()))
    assert read.in_response_to == university.REQUEST_ID
    assert read.xml == _response().encode()


def test_line_breaks_in_base64_are_accepted() -> None:
    text = base64.encodebytes(_response().encode()).decode().replace("\n", "\r\n")
    assert read_response(text).in_response_to == university.REQUEST_ID


def test_xml_declaration_in_utf_8_is_accepted() -> None:
    assert read_response(_encoded('<?xml version="1.0" encoding="UTF-8"?>\n' + _response()))


@pytest.mark.parametrize("value", ["<xml>", "é", "YQ", "YWJj!", "=", "YWJj\x00", "%3D%3D"])
def test_what_is_not_base64_is_refused(value: str) -> None:
    assert _reason(value) == "saml.not_base64"


@pytest.mark.parametrize("text", ["", "hello", "<html>", "<a/><b/>", "{}", "\x00<a/>", "<a>&undefined;</a>"])
def test_what_is_not_xml_is_refused(text: str) -> None:
    assert _reason(_encoded(text)) == "saml.not_xml"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_other_encodings_are_refused(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + _response().replace("Camille", "Camillé")
    assert _reason(_encoded(text.encode(encoding))) == "saml.not_xml"


def test_declared_encoding_other_than_utf_8_is_refused() -> None:
    assert _reason(_encoded('<?xml version="1.0" encoding="UTF-7"?>' + _response())) == "saml.not_xml"


def test_another_root_is_refused() -> None:
    assert _reason(_encoded("<Response/>")) == "saml.structure"
    assert _reason(_encoded(etree.tostring(university.build_assertion(university.Draft())))) == "saml.structure"


def _with_document_type(declarations: str, use: str = "") -> str:
    return f"<!DOCTYPE r [{declarations}]>" + _response().replace("Camille Durand", use or "Camille Durand")


LAUGHS = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "text",
    [
        _with_document_type(""),
        _with_document_type(LAUGHS, "&a9;"),
        _with_document_type('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"),
        _with_document_type('<!ENTITY x SYSTEM "http://127.0.0.1:9/x">', "&x;"),
        _with_document_type('<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;'),
        f'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x">{_response()}',
    ],
)
def test_o_12_document_type_is_refused(text: str) -> None:
    assert _reason(_encoded(text)) == "saml.doctype"


def test_o_12_deflated_bomb_is_not_inflated() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(b"<a>" + b" " * 999_997) for _ in range(200)) + packer.flush()
    assert _reason(_encoded(bomb[: MAX_BASE64_LENGTH // 2])) == "saml.not_xml"
    assert _reason(_encoded(bomb + b" " * MAX_BASE64_LENGTH)) == "saml.too_large"


def test_o_12_deep_nesting_is_refused() -> None:
    deep = "<a>" * 20_000 + "</a>" * 20_000
    assert _reason(_encoded(deep)) == "saml.not_xml"
    # The limit itself, inside what is otherwise a response: a root of another name is refused for its name alone.
    around = 5  # Response, Assertion, AttributeStatement, Attribute, AttributeValue
    for inside, is_good in ((MAX_DEPTH - around, True), (MAX_DEPTH - around + 1, False)):
        nested = _encoded(_response().replace("Camille Durand", "<a>" * inside + "</a>" * inside))
        if is_good:
            assert read_response(nested)
        else:
            assert _reason(nested) == "saml.structure"


@pytest.mark.parametrize(
    "element",
    [
        '<x:RetrievalMethod xmlns:x="http://www.w3.org/2000/09/xmldsig#"/>',
        '<x:KeyInfoReference xmlns:x="http://www.w3.org/2009/xmldsig11#" URI="http://127.0.0.1:9/key"/>',
        '<x:CipherReference xmlns:x="http://www.w3.org/2001/04/xmlenc#" URI="http://127.0.0.1:9/x"/>',
        '<x:Object xmlns:x="http://www.w3.org/2000/09/xmldsig#"/>',
        '<x:Manifest xmlns:x="http://www.w3.org/2000/09/xmldsig#"/>',
        '<x:Extensions xmlns:x="urn:oasis:names:tc:SAML:2.0:protocol"/>',
        '<x:Advice xmlns:x="urn:oasis:names:tc:SAML:2.0:assertion"/>',
        '<x:EncryptedID xmlns:x="urn:oasis:names:tc:SAML:2.0:assertion"/>',
        '<x:EncryptedAttribute xmlns:x="urn:oasis:names:tc:SAML:2.0:assertion"/>',
        '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>',
        '<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0"/>',
    ],
)
def test_o_11_what_leads_elsewhere_is_refused_wherever_it_stands(element: str) -> None:
    assert _reason(_encoded(_response().replace("Camille Durand", element))) == "saml.structure"


def test_o_12_large_body_is_refused_before_it_is_decoded() -> None:
    # Not even base64: nobody has looked at the characters.
    with pytest.raises(Refusal) as caught:
        read_response("!" * 10_000_000)
    assert (caught.value.reason, caught.value.status) == ("saml.too_large", 413)


def test_o_12_many_elements_within_the_limit_are_refused() -> None:
    assert _reason(_encoded("<r>" + "<a/>" * 40_000 + "</r>")) == "saml.structure"


def test_o_12_many_attributes_within_the_limit_are_refused() -> None:
    attributes = " ".join(f'a{number}=""' for number in range(15_000))
    assert _reason(_encoded(f"<r {attributes}/>")) == "saml.structure"
    inside = _response().replace("<samlp:Status>", f"<samlp:Status {attributes}>")
    assert _reason(_encoded(inside)) == "saml.structure"


def test_refusals_never_hold_the_document() -> None:
    for text in (_response().replace("</samlp:Response>", ""), _with_document_type(""), _response() * 2):
        with pytest.raises(Refusal) as caught:
            read_response(_encoded(text))
        assert "Camille" not in str(caught.value)
