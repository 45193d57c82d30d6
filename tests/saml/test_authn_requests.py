"""AuthnRequests: signed with RSA-SHA256, by redirect where the university has that, by form elsewhere."""

import base64
import zlib
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.saml.service_provider import ServiceProvider
from idp.saml.signature_form import check_own_signature
from idp.saml.verification_keys import key_of_pem
from idp.saml.xml_signature import verify
from tests.saml import identity_provider as university

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


def _query(url: str) -> Mapping[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


def _message(query: Mapping[str, str]) -> university.Element:
    return etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"]), -15))


def test_request_is_redirected_with_a_signature_over_the_query(
    service_provider: ServiceProvider, provider: IdentityProvider, sp_certificate: bytes
) -> None:
    sent = service_provider.begin(provider, "handle-1", now=university.NOW)
    query = _query(sent.url)
    assert sent.fields == ()
    assert sent.url.startswith("https://idp.univ-exemple.fr/sso/HTTP-Redirect?")
    assert (query["RelayState"], query["SigAlg"]) == ("handle-1", RSA_SHA256)
    signed = urlencode([(name, query[name]) for name in ("SAMLRequest", "RelayState", "SigAlg")]).encode()
    public_key = x509.load_pem_x509_certificate(sp_certificate).public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    public_key.verify(base64.b64decode(query["Signature"]), signed, padding.PKCS1v15(), hashes.SHA256())


def test_request_says_who_asks_where_the_answer_goes_and_forces_no_name_format(
    service_provider: ServiceProvider, provider: IdentityProvider
) -> None:
    sent = service_provider.begin(provider, "handle-1", now=university.NOW)
    message = _message(_query(sent.url))
    assert message.get("ID") == sent.request_id
    assert message.get("AssertionConsumerServiceURL") == university.ACS_URL
    assert message.get("Destination") == "https://idp.univ-exemple.fr/sso/HTTP-Redirect"
    assert message.get("IssueInstant") == "2026-03-02T09:30:00Z"
    assert message.get("ForceAuthn") is None
    assert message.find("saml:Issuer", university.NS).text == university.SP_ENTITY_ID
    policy = message.find("samlp:NameIDPolicy", university.NS)
    assert (policy.get("Format"), policy.get("AllowCreate")) == (None, "true")


def test_request_is_posted_with_an_enveloped_signature_where_there_is_no_redirect(
    service_provider: ServiceProvider, other_provider: IdentityProvider, sp_certificate: bytes
) -> None:
    sent = service_provider.begin(other_provider, "handle-2", now=university.NOW)
    fields = dict(sent.fields)
    assert (sent.url, fields["RelayState"]) == ("https://idp.autre.fr/sso/HTTP-POST", "handle-2")
    message = etree.fromstring(base64.b64decode(fields["SAMLRequest"]))
    check_own_signature(message, message.find("ds:Signature", university.NS))
    assert verify(message, [key_of_pem(sp_certificate)])


def test_forced_authentication_is_asked_for_only_where_wanted(
    service_provider: ServiceProvider, provider: IdentityProvider
) -> None:
    sent = service_provider.begin(provider, "handle-1", now=university.NOW, force=True)
    assert _message(_query(sent.url)).get("ForceAuthn") == "true"


def test_every_request_has_an_id_of_its_own(service_provider: ServiceProvider, provider: IdentityProvider) -> None:
    sent = {service_provider.begin(provider, "h", now=university.NOW).request_id for _ in range(20)}
    assert len(sent) == 20


def test_unknown_identity_provider_gets_no_request(service_provider: ServiceProvider) -> None:
    unknown = IdentityProvider("https://idp.inconnue.fr/idp", ())
    with pytest.raises(Refusal) as caught:
        service_provider.begin(unknown, "h", now=university.NOW)
    assert caught.value.reason == "saml.unknown_provider"
