"""A service provider made with pysaml2, for which the demo's universities answer."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from saml2 import BINDING_HTTP_POST, saml, samlp
from saml2.config import SPConfig
from saml2.cryptography.asymmetric import load_pem_private_key
from saml2.metadata import entity_descriptor
from saml2.pack import http_redirect_message
from saml2.s_utils import sid
from saml2.sigver import RSACrypto

from idp.demo import xml_security
from idp.demo.keys import KeyPair, key_pair
from idp.demo.service_provider import ServiceProvider, read_metadata

ENTITY_ID = "http://localhost:5000/saml/metadata"
ACS_URL = "http://localhost:5000/saml/acs"


@dataclass(frozen=True)
class RequestingService:
    """What a service provider has: keys, metadata, and signed requests."""

    keys: KeyPair
    metadata: str

    @property
    def known(self) -> ServiceProvider:
        return read_metadata(self.metadata)

    def request(self, destination: str, acs_url: str = ACS_URL, issuer: str = ENTITY_ID) -> samlp.AuthnRequest:
        return samlp.AuthnRequest(
            id=sid(),
            version="2.0",
            issue_instant=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            destination=destination,
            issuer=saml.Issuer(text=issuer),
            assertion_consumer_service_url=acs_url,
            protocol_binding=BINDING_HTTP_POST,
        )

    def redirect_query(self, request: samlp.AuthnRequest, keys: KeyPair | None = None, *, signed: bool = True) -> str:
        backend = RSACrypto(load_pem_private_key((keys or self.keys).key))
        algorithm = xml_security.RSA_SHA256 if signed else None
        message = http_redirect_message(
            request, "http://idp.example/sso", "état & suite", sigalg=algorithm, sign=signed, backend=backend
        )
        return urlsplit(dict(message["headers"])["Location"]).query

    def post_field(self, request: samlp.AuthnRequest, keys: KeyPair | None = None, *, signed: bool = True) -> str:
        root = xml_security.parse(str(request))
        if signed:
            xml_security.sign(root, keys or self.keys, position=1)
        return base64.b64encode(xml_security.serialise(root)).decode()


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def service(keys_folder: Path) -> RequestingService:
    keys = key_pair(keys_folder, "service")
    files = {"key_file": str(keys.key_file), "cert_file": str(keys.certificate_file)}
    config = SPConfig().load(
        {
            "entityid": ENTITY_ID,
            "crypto_backend": "XMLSecurity",
            **files,
            "encryption_keypairs": [files],
            "service": {"sp": {"endpoints": {"assertion_consumer_service": [(ACS_URL, BINDING_HTTP_POST)]}}},
        }
    )
    return RequestingService(keys, str(entity_descriptor(config)))


@pytest.fixture(scope="session")
def stranger(keys_folder: Path) -> KeyPair:
    """Keys that nobody trusts."""
    return key_pair(keys_folder, "stranger")
