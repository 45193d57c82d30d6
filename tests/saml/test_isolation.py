"""O-11, O-12 and the log: nothing goes out, nothing grows, nothing is told, whatever comes in."""

import logging
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.proofing import Vouching
from idp.saml.guard import read_response
from idp.saml.keys import KeyPair
from idp.saml.service_provider import ServiceProvider
from idp.saml.verification_keys import key_of_pem
from idp.saml.xml_encryption import with_decrypted_assertion
from idp.saml.xml_signature import verify
from tests.saml import identity_provider as university

DS = university.DS


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0.1)
        yield listening


def _address(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}/x"


def _nobody_called(listening: socket.socket) -> bool:
    try:
        listening.accept()
    except TimeoutError:
        return True
    return False


def _retrieval_method(root: university.Element, address: str) -> None:
    info = etree.SubElement(root.find(".//ds:Signature", university.NS), f"{{{DS}}}KeyInfo")
    etree.SubElement(info, f"{{{DS}}}RetrievalMethod", URI=address)


def _external_reference(root: university.Element, address: str) -> None:
    root.find(".//ds:Reference", university.NS).set("URI", address)


def _stylesheet(root: university.Element, address: str) -> None:
    transform = root.findall(".//ds:Transform", university.NS)[1]
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
    sheet = etree.SubElement(transform, "{http://www.w3.org/1999/XSL/Transform}stylesheet", version="1.0")
    etree.SubElement(sheet, "{http://www.w3.org/1999/XSL/Transform}include", href=address)


@pytest.mark.parametrize("change", [_retrieval_method, _external_reference, _stylesheet])
def test_o_11_nothing_is_fetched(
    service_provider: ServiceProvider,
    provider: IdentityProvider,
    key: university.Key,
    listener: socket.socket,
    change: Callable[[university.Element, str], None],
) -> None:
    root = university.signed(university.Draft(), key)
    change(root, _address(listener))
    with pytest.raises(Refusal):
        service_provider.verify(university.encode(root), provider, university.REQUEST_ID, now=university.NOW)
    assert _nobody_called(listener)


@pytest.mark.parametrize("change", [_retrieval_method, _external_reference, _stylesheet])
def test_o_11_nothing_is_fetched_even_without_the_guard(
    key: university.Key, listener: socket.socket, change: Callable[[university.Element, str], None]
) -> None:
    assertion = university.assertion_of(university.signed(university.Draft(), key))
    change(assertion, _address(listener))
    verify(assertion, [key_of_pem(key.certificate)])
    assert _nobody_called(listener)


def test_o_11_cipher_text_is_not_fetched_even_without_the_guard(
    key: university.Key, sp_certificate: bytes, sp_keys: list[KeyPair], listener: socket.socket
) -> None:
    root = university.signed(university.Draft(), key)
    encrypted = university.encrypt(root, sp_certificate)
    data = encrypted.find("xenc:EncryptedData/xenc:CipherData", university.NS)
    data.remove(data[0])
    etree.SubElement(data, f"{{{university.XENC}}}CipherReference", URI=_address(listener))
    with suppress(Refusal):
        with_decrypted_assertion(root, [sp_keys[0][0].read_bytes()])
    assert _nobody_called(listener)


def test_o_12_hostile_documents_cost_no_memory() -> None:
    hostile = [
        b"<a>" * 30_000,
        b"<!DOCTYPE a [" + b"<!ENTITY b 'c'>" * 10_000 + b"]><a/>",
        b"<r>" + b"<a/>" * 45_000 + b"</r>",
        b"<r " + b" ".join(b"a%d=''" % number for number in range(18_000)) + b"/>",
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for xml in hostile * 3:
        with pytest.raises(Refusal):
            read_response(university.encode(xml))
    with pytest.raises(Refusal):
        read_response("A" * 10_000_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


@pytest.mark.parametrize("tamper", [False, True])
def test_log_tells_nothing_of_the_assertion_at_any_level(
    verify: Callable[[Any], Vouching],
    key: university.Key,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tamper: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    root = university.signed(university.Draft(), key, response=True)
    if tamper:
        root.find(".//saml:Audience", university.NS).text = "https://autre.exemple.fr"
    with suppress(Refusal):
        verify(root)
    told = caplog.text + "".join(capfd.readouterr())
    assert "camille" not in told.lower()
    assert "Assertion" not in told


def test_program_xmlsec1_is_not_needed(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    sp_keys: list[KeyPair],
    description: Any,
    provider: IdentityProvider,
    key: university.Key,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    service_provider = ServiceProvider(
        entity_id=university.SP_ENTITY_ID,
        acs_url=university.ACS_URL,
        keys=sp_keys,
        description=description,
        metadata_source=lambda entity_id: university.entity_descriptor(entity_id, (key,)),
    )
    response = university.encode(university.signed(university.Draft(), key))
    assert service_provider.verify(response, provider, university.REQUEST_ID, now=university.NOW)
    assert service_provider.begin(provider, "h", now=university.NOW).url
