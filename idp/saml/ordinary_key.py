"""Recognizing a certificate with an ordinary key by its bytes, which saves loading a library that takes it apart."""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Final

# The public key of an ordinary certificate: RSA of 2048, 3072 or 4096 bits, between the lengths that belong to it
# (RFC 3279 section 2.3.1). Any other is taken apart, which costs more.
_ORDINARY_KEY: Final = re.compile(
    rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82"
    rb"(?:\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01|\x01\x8f\x00\x30\x82\x01\x8a\x02\x82\x01\x81"
    rb"|\x02\x0f\x00\x30\x82\x02\x0a\x02\x82\x02\x01)\x00[\x80-\xff]"
)


def is_ordinary(certificate: str | bytes) -> bool:
    """Whether this certificate, DER in Base64, has such a key; nothing else of it is looked at."""
    try:
        return _ORDINARY_KEY.search(a2b_base64(certificate)) is not None
    except (Base64Error, ValueError):
        return False
