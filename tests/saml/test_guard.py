"""The guard on raw form values: O-12 and everything that is no response at all; refused before any key is tried."""

import base64
import zlib
from collections.abc import Callable
from copy import deepcopy

import pytest
from lxml import etree

from idp.domain.errors import Refusal
from idp.saml.guard import MAX_ATTRIBUTES, MAX_BASE64_LENGTH, MAX_DEPTH, check_decrypted, read_response
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


# Several rules refuse most attacks, so each of them is asked by itself: what it says tells that it was the one.
Change = Callable[[university.Element], object]
DS, XENC = university.DS, university.XENC


def _one(root: university.Element, path: str) -> university.Element:
    return root.find(f".//{path}", university.NS)


def _wrapped_assertion(root: university.Element) -> None:
    etree.SubElement(_one(root, "samlp:Status"), "{urn:x}wrap").append(university.assertion_of(root))


def _foreign_assertion(root: university.Element) -> None:
    root.replace(university.assertion_of(root), etree.Element("{urn:x}Assertion"))


def _moved_signature(path: str) -> Change:
    return lambda root: _one(root, path).append(_one(root, "ds:Signature"))


def _late_signature(root: university.Element) -> None:
    _one(root, "saml:Subject").addnext(_one(root, "ds:Signature"))


def _first_signature(root: university.Element) -> None:
    university.assertion_of(root).insert(0, _one(root, "ds:Signature"))


def _second_issuer(root: university.Element) -> None:
    university.assertion_of(root).insert(1, deepcopy(_one(root, "saml:Assertion/saml:Issuer")))


def _foreign_issuer(root: university.Element) -> None:
    _one(root, "saml:Assertion/saml:Issuer").tag = "{urn:x}Issuer"


def _foreign_signature(root: university.Element) -> None:
    _one(root, "ds:Signature").tag = "{urn:x}Signature"


def _added(path: str, tag: str, **attributes: str) -> Change:
    return lambda root: etree.SubElement(_one(root, path), tag, attributes)


def _set(path: str, name: str, value: str) -> Change:
    return lambda root: _one(root, path).set(name, value)


def _emptied(path: str) -> Change:
    return lambda root: setattr(_one(root, path), "text", " ")


def _without_id(root: university.Element) -> None:
    del university.assertion_of(root).attrib["ID"]


def _transforms(*places: int) -> Change:
    """The two transforms, enveloped and canonicalization, in these places."""

    def change(root: university.Element) -> None:
        parent = _one(root, "ds:Transform").getparent()
        kept = [deepcopy(parent[place]) for place in places]
        parent[:] = kept

    return change


def _detail(check: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as caught:
        check()
    return caught.value.detail


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (_wrapped_assertion, "not a child"),
        (_foreign_assertion, "not a child"),
        (_moved_signature("saml:Subject"), "belongs neither"),
        (_moved_signature("samlp:Status"), "belongs neither"),
        (_foreign_signature, "belongs neither"),
        (_late_signature, "right after the issuer"),
        (_first_signature, "right after the issuer"),
        (_second_issuer, "right after the issuer"),
        (_foreign_issuer, "right after the issuer"),
        (_without_id, "has no id"),
        (_added("ds:Signature", "{urn:x}y"), "content of a signature"),
        (_set("ds:CanonicalizationMethod", "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), "REC-xml"),
        (_added("ds:CanonicalizationMethod", "{urn:x}y"), "xml-exc-c14n#"),
        (_added("ds:SignatureMethod", f"{{{DS}}}HMACOutputLength"), "rsa-sha256"),
        (_added("ds:DigestMethod", "{urn:x}y"), "sha256"),
        (_added("ds:Reference", "{urn:x}y"), "content of a reference"),
        (_transforms(1), "transforms"),
        (_transforms(1, 0), "transforms"),
        (_transforms(0, 1, 1), "transforms"),
        (_transforms(), "transforms"),
        (_added("ds:Transform", "{urn:x}y"), "transform with content"),
        (_emptied("ds:SignatureValue"), "empty signature value"),
        (_emptied("ds:DigestValue"), "empty digest value"),
        (_added("saml:AttributeValue", f"{{{XENC}}}EncryptedData"), "outside an encrypted assertion"),
        (_added("saml:AttributeValue", f"{{{XENC}}}DataReference", URI="http://127.0.0.1:9/x"), "outside the message"),
        (_added("saml:AttributeValue", f"{{{XENC}}}DataReference"), "outside the message"),
    ],
)
def test_o_01_each_rule_of_the_guard_refuses_by_itself(key: university.Key, change: Change, detail: str) -> None:
    root = university.signed(university.Draft(), key)
    change(root)
    assert detail in _detail(lambda: read_response(university.encode(root)))


@pytest.mark.parametrize("change", [_transforms(0), _transforms(0, 1)])
def test_what_a_signature_may_look_like(key: university.Key, change: Change) -> None:
    root = university.signed(university.Draft(), key)
    change(root)
    for path in ("ds:CanonicalizationMethod", "ds:Transform"):
        etree.SubElement(_one(root, path), "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces")
    assert read_response(university.encode(root))


def _twice(path: str) -> Change:
    return lambda root: _one(root, path).addnext(deepcopy(_one(root, path)))


def _removed(path: str) -> Change:
    return lambda root: _one(root, path).getparent().remove(_one(root, path))


def _nested_cipher_text(root: university.Element) -> None:
    _one(root, "xenc:CipherData").append(deepcopy(_one(root, "xenc:EncryptedData")))
    _one(root, "xenc:CipherData//xenc:EncryptedKey").tag = "{urn:x}y"


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (_twice("xenc:EncryptedData"), "one cipher text and one key"),
        (_twice("xenc:EncryptedKey"), "one cipher text and one key"),
        (_removed("xenc:EncryptedKey"), "one cipher text and one key"),
        (_nested_cipher_text, "one cipher text and one key"),
        (_set("xenc:EncryptedData", "Type", f"{XENC}Content"), "does not hold an element"),
        (_removed("xenc:EncryptedData/xenc:EncryptionMethod"), "None"),
        (_removed("xenc:EncryptedKey/xenc:EncryptionMethod"), "None"),
    ],
)
def test_o_13_each_rule_on_cipher_texts_refuses_by_itself(sp_certificate: bytes, change: Change, detail: str) -> None:
    root = university.build(university.Draft())
    university.encrypt(root, sp_certificate)
    assert read_response(university.encode(root))
    change(root)
    assert detail in _detail(lambda: read_response(university.encode(root)))


def _renamed_root(root: university.Element) -> None:
    root.tag = "{urn:x}Answer"


def _unlike_signature(root: university.Element) -> None:
    _one(root, "saml:Assertion/saml:Issuer").addnext(etree.Element(f"{{{DS}}}Signature"))


def _nested(root: university.Element) -> None:
    _one(root, "saml:AttributeValue").append(etree.fromstring("<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH))


def _many_attributes(root: university.Element) -> None:
    _one(root, "saml:Subject").attrib.update({f"a{number}": "" for number in range(MAX_ATTRIBUTES + 1)})


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (_twice("saml:Assertion"), "exactly one assertion"),
        (_added("saml:AttributeValue", "{urn:x}Response"), "exactly one assertion"),
        (_removed("saml:Assertion"), "exactly one assertion"),
        (_added("saml:AttributeValue", f"{{{XENC}}}EncryptedData"), "inside a cipher text"),
        (_added("saml:AttributeValue", f"{{{XENC}}}EncryptedKey"), "inside a cipher text"),
        # The rules that hold everywhere: nobody could see before what the cipher text held.
        (_renamed_root, "not a Response"),
        (_added("saml:AttributeValue", f"{{{university.SAML}}}Advice"), "advice"),
        (_added("saml:AttributeValue", "{urn:x}y", ID="_assertion-1"), "one id on two elements"),
        (_added("saml:AttributeValue", f"{{{DS}}}Reference", URI="http://127.0.0.1:9/x"), "outside the message"),
        (_added("saml:AttributeValue", f"{{{DS}}}Signature"), "belongs neither"),
        (_unlike_signature, "content of a signature"),
        (_nested, "nested deeper"),
        (_many_attributes, "more than 64 attributes"),
    ],
)
def test_o_01_each_rule_on_what_was_decrypted_refuses_by_itself(change: Change, detail: str) -> None:
    root = university.build(university.Draft())
    etree.SubElement(root, f"{{{university.SAML}}}EncryptedAssertion").append(university.assertion_of(root))
    check_decrypted(root)
    change(root)
    assert detail in _detail(lambda: check_decrypted(root))
