"""Names of SAML and XML security: namespaces, element names, and the algorithms that we accept."""

from typing import Final

SAML: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
MD: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
MDUI: Final = "urn:oasis:names:tc:SAML:metadata:ui"
MDRPI: Final = "urn:oasis:names:tc:SAML:metadata:rpi"
MDATTR: Final = "urn:oasis:names:tc:SAML:metadata:attribute"
SHIBMD: Final = "urn:mace:shibboleth:metadata:1.0"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
DS11: Final = "http://www.w3.org/2009/xmldsig11#"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
XENC11: Final = "http://www.w3.org/2009/xmlenc11#"
XML: Final = "http://www.w3.org/XML/1998/namespace"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"

# Prefixes for ElementPath queries.
NS: Final = {
    "saml": SAML,
    "samlp": SAMLP,
    "md": MD,
    "mdui": MDUI,
    "mdrpi": MDRPI,
    "shibmd": SHIBMD,
    "ds": DS,
    "xenc": XENC,
    "xenc11": XENC11,
}

RESPONSE: Final = f"{{{SAMLP}}}Response"
ASSERTION: Final = f"{{{SAML}}}Assertion"
ENCRYPTED_ASSERTION: Final = f"{{{SAML}}}EncryptedAssertion"
ISSUER: Final = f"{{{SAML}}}Issuer"
SIGNATURE: Final = f"{{{DS}}}Signature"
ENCRYPTED_DATA: Final = f"{{{XENC}}}EncryptedData"
ENCRYPTED_KEY: Final = f"{{{XENC}}}EncryptedKey"
ENTITY: Final = f"{{{MD}}}EntityDescriptor"
ENTITIES: Final = f"{{{MD}}}EntitiesDescriptor"

STATUS_SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
HTTP_REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
HTTP_POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"

# RFC 9231; SHA-1, MD5, DSA and HMAC are missing on purpose. In the order in which our metadata names them: identity
# providers take the first that they can, and SHA-256 is what all of them have.
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SIGNATURE_ALGORITHMS: Final = tuple(
    f"http://www.w3.org/2001/04/xmldsig-more#{kind}-{digest}"
    for kind in ("rsa", "ecdsa")
    for digest in ("sha256", "sha384", "sha512")
)
DIGEST_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
DIGEST_ALGORITHMS: Final = (
    DIGEST_SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
)
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
# "WithComments" is harmless where no comment can be: the guard refuses every comment.
CANONICALIZATIONS: Final = frozenset({EXC_C14N, EXC_C14N + "WithComments"})

# XML Encryption 1.1; RSA-1.5 is missing on purpose. The SHA-1 inside OAEP is no signature digest and is what Shibboleth
# sends.
KEY_TRANSPORTS: Final = frozenset({XENC + "rsa-oaep-mgf1p", XENC11 + "rsa-oaep"})
AES_GCM: Final = frozenset(f"{XENC11}aes{bits}-gcm" for bits in (128, 192, 256))
AES_CBC: Final = frozenset(f"{XENC}aes{bits}-cbc" for bits in (128, 192, 256))
