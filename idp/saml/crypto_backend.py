"""pysaml2's crypto backend without the ``xmlsec1`` program.

pysaml2 knows two backends and neither runs in this process, so ours is put in place after its own was made
(``pysaml2_client``). For a received response there is one backend for this response alone: what pysaml2 gets to see as
the opened assertion is what was opened and tested before.
"""

from pathlib import Path

from lxml import etree
from saml2.sigver import CryptoBackend, DecryptError, SignatureError

from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.safe_xml import UnsafeXML, parse_message
from idp.saml.signature_form import check_own_signature
from idp.saml.xml_signature import UnusableKey, public_key_of, sign, verify


class InProcessCrypto(CryptoBackend):  # type: ignore[misc]
    """Signatures for pysaml2, on xmlsec and lxml.

    opened: the one received response with its assertion decrypted, or None where nothing was encrypted.
    """

    def __init__(self, opened: bytes | None = None) -> None:
        super().__init__()
        self._opened = opened

    @property
    def version(self) -> str:
        """pysaml2 asks for the version of its program; there is none."""
        return "0.0.0"

    def validate_signature(
        self, signedtext: str | bytes, cert_file: str, cert_type: str, node_name: str, node_id: str
    ) -> bool:
        """Whether the element ``node_id`` of this text carries a signature by the key of this certificate file."""
        try:
            root = parse_message(signedtext.encode() if isinstance(signedtext, str) else signedtext)
            elements = [element for element in root.iter() if element.get("ID") == node_id]
            if len(elements) != 1 or elements[0].find(names.SIGNATURE) is None:
                return False
            check_own_signature(elements[0], elements[0].find(names.SIGNATURE))
            return verify(elements[0], [public_key_of(Path(cert_file).read_bytes())])
        except (UnsafeXML, UnusableKey, Refusal) as error:
            raise SignatureError(str(error)) from None

    def decrypt(self, enctext: str | bytes, key_file: str) -> str:
        """What the guard has opened; pysaml2 asks once for each of our keys, the answer does not depend on it."""
        if self._opened is None:
            raise DecryptError("nothing was opened")
        return self._opened.decode()

    def sign_statement(self, statement: object, node_name: str, key_file: str, node_id: str) -> str:
        """The statement with its signature template filled in."""
        try:
            root = parse_message(statement if isinstance(statement, bytes) else str(statement).encode())
            sign(root, node_id, Path(key_file).read_bytes())
        except (UnsafeXML, ValueError) as error:
            raise SignatureError(str(error)) from None
        signed: str = etree.tostring(root, encoding="unicode")
        return signed
