"""SAML authentication requests as a university reads them: signed, known, and answered only where the metadata says."""

import base64
import binascii
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from lxml import etree
from saml2 import samlp

from idp.demo import xml_security
from idp.demo.service_provider import ServiceProvider
from idp.demo.xml_security import BadSignature

MAX_BYTES = 64 * 1024


class RefusedRequest(Exception):
    """A request that this university does not answer; the text says why, in French, for the page."""


@dataclass(frozen=True, slots=True)
class AuthenticationRequest:
    """A verified request. acs_url: where the answer goes, one of the service provider's metadata."""

    request_id: str
    acs_url: str
    relay_state: str
    force_authn: bool
    is_passive: bool


def read_redirect(query: str, service_provider: ServiceProvider, destination: str) -> AuthenticationRequest:
    """Reads the HTTP-Redirect binding from the raw query string (SAML Bindings 3.4)."""
    parameters = dict(parse_qsl(query))
    try:
        inflated = zlib.decompressobj(-15).decompress(_decoded(parameters.get("SAMLRequest", "")), MAX_BYTES)
    except zlib.error as error:
        raise RefusedRequest("la demande n’est pas lisible") from error
    _signed_by(service_provider, lambda certificate: xml_security.verify_query(query, certificate))
    return _read(inflated, service_provider, destination, parameters.get("RelayState", ""))


def read_post(
    saml_request: str, relay_state: str, service_provider: ServiceProvider, destination: str
) -> AuthenticationRequest:
    """Reads the HTTP-POST binding: the signature is in the message (SAML Bindings 3.5)."""
    document = _decoded(saml_request)
    try:
        root = xml_security.parse(document)
    except etree.XMLSyntaxError as error:
        raise RefusedRequest("la demande n’est pas lisible") from error
    _signed_by(service_provider, lambda certificate: xml_security.verify(root, certificate))
    return _read(document, service_provider, destination, relay_state)


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedRequest("la demande n’est pas lisible") from error


def _signed_by(service_provider: ServiceProvider, check: Callable[[bytes], None]) -> None:
    for certificate in service_provider.signing_certificates:
        try:
            check(certificate)
        except BadSignature:
            continue
        return
    raise RefusedRequest("la demande n’est pas signée par un service connu")


def _read(
    document: bytes, service_provider: ServiceProvider, destination: str, relay_state: str
) -> AuthenticationRequest:
    request = samlp.authn_request_from_string(document.decode())
    if request is None or not request.id:
        raise RefusedRequest("le message n’est pas une demande d’authentification")
    if request.issuer is None or request.issuer.text.strip() != service_provider.entity_id:
        raise RefusedRequest("la demande vient d’un service inconnu")
    if request.destination not in (None, destination):
        raise RefusedRequest("la demande est destinée à une autre université")
    return AuthenticationRequest(
        request.id,
        _acs_url(request, service_provider),
        relay_state,
        force_authn=request.force_authn == "true",
        is_passive=request.is_passive == "true",
    )


def _acs_url(request: samlp.AuthnRequest, service_provider: ServiceProvider) -> str:
    """SAML Profiles 4.1.4.1: the answer goes to a location of the metadata only."""
    asked: str = request.assertion_consumer_service_url or service_provider.acs_urls[0]
    if asked not in service_provider.acs_urls:
        raise RefusedRequest("l’adresse de retour n’est pas celle de ce service")
    return asked
