"""pysaml2's crypto backend without the ``xmlsec1`` program.

pysaml2 knows two backends and neither runs in this process, so ours is put in place after its own was made
(``pysaml2_client``). It signs our requests. What was received is verified and opened before pysaml2 reads it, so
pysaml2 gets no keys at all for that: it asks one context, made for one response, which answers from what was verified.
"""

from pathlib import Path
from typing import Any

from lxml import etree
from saml2.sigver import CryptoBackend, DecryptError, SecurityContext, SignatureError

from idp.saml.safe_xml import UnsafeXML, parse_message
from idp.saml.verified_response import VerifiedResponse
from idp.saml.xml_signature import sign


class InProcessCrypto(CryptoBackend):  # type: ignore[misc]
    """Signatures for pysaml2, on xmlsec and lxml."""

    @property
    def version(self) -> str:
        """pysaml2 asks for the version of its program; there is none."""
        return "0.0.0"

    def validate_signature(
        self, signedtext: str | bytes, cert_file: str, cert_type: str, node_name: str, node_id: str
    ) -> bool:
        """Always refused: for a received signature pysaml2 asks ``VerifiedContent``."""
        raise SignatureError("not verified here")

    def sign_statement(self, statement: object, node_name: str, key_file: str, node_id: str) -> str:
        """The statement with its signature template filled in."""
        try:
            root = parse_message(statement if isinstance(statement, bytes) else str(statement).encode())
            sign(root, node_id, Path(key_file).read_bytes())
        except (UnsafeXML, ValueError) as error:
            raise SignatureError(str(error)) from None
        signed: str = etree.tostring(root, encoding="unicode")
        return signed


class VerifiedContent(SecurityContext):  # type: ignore[misc]
    """What pysaml2 may take for signed, and for decrypted, in this one response: what was verified, and nothing else.

    Elements are told apart by their ids: the guard has found these unique in what was received and in what was opened.
    """

    def __init__(self, verified: VerifiedResponse) -> None:
        super().__init__(InProcessCrypto())
        self._signed = verified.signed
        self._opened = verified.opened

    def _check_signature(self, decoded_xml: object, item: Any, *rest: object, **options: object) -> Any:
        """The item, where a signature of its own was verified; pysaml2 asks for every signature that it sees."""
        if item.id not in self._signed:
            raise SignatureError("not what was verified")
        return item

    def decrypt_keys(self, enctext: object, keys: object = None) -> str:
        """The response with its assertion opened; pysaml2 has only the cipher text to show for it."""
        if self._opened is None:
            raise DecryptError("nothing was opened")
        return self._opened.decode()
