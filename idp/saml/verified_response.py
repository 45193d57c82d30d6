"""From a guarded response to a verified assertion: schema, signatures, decryption, and the guard once more.

The order matters and is the order of the text below: nothing is decrypted that should not be, and what is read
afterwards is the canonical text of the very element that a signature covers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import xmlsec
from lxml import etree

from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.guard import ReceivedResponse, check_decrypted, parse_guarded
from idp.saml.response_schema import is_valid
from idp.saml.safe_xml import Element
from idp.saml.xml_encryption import uses_cbc, with_decrypted_assertion
from idp.saml.xml_signature import is_signed, verify


@dataclass(frozen=True, slots=True)
class VerifiedResponse:
    """A response whose assertion is covered by a signature of the identity provider's key.

    xml: the received bytes. response: their root. signed: the ids of the elements with a good signature of their own.
    opened: the response with its assertion decrypted, or None where nothing was encrypted.
    assertion: the verified Assertion, parsed from its own canonical text, without a parent.
    """

    xml: bytes
    response: Element
    signed: frozenset[str]
    opened: bytes | None
    assertion: Element


def verify_response(
    received: ReceivedResponse, keys: Sequence[xmlsec.Key], private_keys: Sequence[bytes]
) -> VerifiedResponse:
    """Verify with the identity provider's keys, decrypt with ours (PEM).

    Raises Refusal: ``saml.schema``, ``saml.signature_invalid``, ``saml.signature_missing``, ``saml.status``,
    ``saml.algorithm``, ``saml.decryption`` and those of the guard.
    """
    _check_schema(received.root)
    response_signed = _is_signed_by(received.root, keys)
    _check_status(received.root)
    opened = _open(received.root, response_signed, private_keys)
    assertion = _assertion(received.root if opened is None else parse_guarded(opened))
    signed = [received.root] if response_signed else []
    signed += [assertion] if _is_signed_by(assertion, keys) else []
    if not signed:
        raise Refusal("saml.signature_missing", "neither the response nor the assertion is signed")
    ids = frozenset(element.get("ID") or "" for element in signed)
    return VerifiedResponse(received.xml, received.root, ids, opened, _alone(assertion))


def _check_schema(element: Element) -> None:
    if not is_valid(element):
        # The library's message would quote the document.
        raise Refusal("saml.schema", "not valid against the SAML schema")


def _is_signed_by(element: Element, keys: Sequence[xmlsec.Key]) -> bool:
    """False where there is no signature; a signature that does not hold is refused even where another one does."""
    if not is_signed(element):
        return False
    if not verify(element, keys):
        raise Refusal("saml.signature_invalid", f"signature of the {etree.QName(element).localname.lower()}")
    return True


def _check_status(response: Element) -> None:
    codes = [code.get("Value") or "" for code in response.iterfind("samlp:Status//samlp:StatusCode", names.NS)]
    if codes[:1] != [names.STATUS_SUCCESS]:
        # Unsigned, perhaps: only a plain word of each code goes to the log.
        short = " ".join(re.sub(r"[^A-Za-z0-9]", "", code.rpartition(":")[2])[:60] for code in codes[:3])
        raise Refusal("saml.status", short, status=403)


def _open(response: Element, response_signed: bool, private_keys: Sequence[bytes]) -> bytes | None:
    if response.find(names.ENCRYPTED_ASSERTION) is None:
        return None
    # CBC cipher text can be changed at will, so somebody who may change it must not get to see our answer.
    if uses_cbc(response) and not response_signed:
        raise Refusal("saml.algorithm", "AES-CBC inside an unsigned response")
    opened = with_decrypted_assertion(response, private_keys)
    root = parse_guarded(opened)
    check_decrypted(root)
    _check_schema(_assertion(root))
    return opened


def _assertion(root: Element) -> Element:
    return next(root.iter(names.ASSERTION))


def _alone(assertion: Element) -> Element:
    return parse_guarded(etree.tostring(assertion, method="c14n", exclusive=True, with_tail=False))
