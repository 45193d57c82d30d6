"""Our own metadata: valid, complete for registration, readable by pysaml2 and by our own reader."""

from saml2.mdstore import InMemoryMetaData
from saml2.xml.schema import validate

from idp.saml.keys import KeyPair
from idp.saml.safe_xml import parse_metadata
from idp.saml.service_provider import ServiceProvider
from tests.saml import identity_provider as university

NS = university.NS | {
    "mdui": "urn:oasis:names:tc:SAML:metadata:ui",
    "mdattr": "urn:oasis:names:tc:SAML:metadata:attribute",
}


def test_metadata_is_valid_against_the_schema(service_provider: ServiceProvider) -> None:
    validate(service_provider.metadata().decode())


def test_metadata_is_readable_by_pysaml2(service_provider: ServiceProvider) -> None:
    metadata = InMemoryMetaData(None, service_provider.metadata().decode())
    metadata.load()
    services = metadata.service(university.SP_ENTITY_ID, "spsso_descriptor", "assertion_consumer_service")
    assert [(service["binding"], service["location"]) for found in services.values() for service in found] == [
        ("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", university.ACS_URL)
    ]


def test_metadata_demands_signed_assertions_and_announces_signed_requests(service_provider: ServiceProvider) -> None:
    role = parse_metadata(service_provider.metadata()).find("md:SPSSODescriptor", NS)
    assert (role.get("WantAssertionsSigned"), role.get("AuthnRequestsSigned")) == ("true", "true")


def test_metadata_publishes_every_key_for_signing_and_for_encryption(
    service_provider: ServiceProvider, sp_keys: list[KeyPair]
) -> None:
    root = parse_metadata(service_provider.metadata())
    published = {
        (descriptor.get("use"), "".join(certificate.text.split()))
        for descriptor in root.iterfind(".//md:KeyDescriptor", NS)
        for certificate in descriptor.iterfind(".//ds:X509Certificate", NS)
    }
    ours = {university.Key(b"", path.read_bytes()).certificate_text for _, path in sp_keys}
    assert published == {(use, certificate) for use in ("signing", "encryption") for certificate in ours}


def test_metadata_names_encryption_methods_that_we_open(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata())
    methods = {method.get("Algorithm") for method in root.iterfind(".//md:EncryptionMethod", NS)}
    assert "http://www.w3.org/2009/xmlenc11#aes256-gcm" in methods
    assert not any("cbc" in method or "rsa-1_5" in method for method in methods)


def test_metadata_names_the_service_in_french_and_english(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata())
    shown = root.iterfind(".//mdui:UIInfo/mdui:DisplayName", NS)
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    assert {name.get(lang): name.text for name in shown} == {"fr": "Connexion Exemple", "en": "Example Sign-in"}


def test_metadata_requests_the_attributes_that_accounts_use(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata())
    requested = {
        attribute.get("FriendlyName"): attribute.get("isRequired")
        for attribute in root.iterfind(".//md:RequestedAttribute", NS)
    }
    assert requested["mail"] == "true"
    assert {"subject-id", "pairwise-id", "eduPersonPrincipalName", "supannEtuId", "displayName"} <= requested.keys()


def test_metadata_asks_for_any_subject_identifier(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata())
    attribute = root.find("md:Extensions/mdattr:EntityAttributes/saml:Attribute", NS)
    assert attribute.get("Name") == "urn:oasis:names:tc:SAML:profiles:subject-id:req"
    assert [value.text for value in attribute] == ["any"]


def test_metadata_has_a_security_contact(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata())
    kinds = {
        person.get("{http://refeds.org/metadata}contactType") or person.get("contactType")
        for person in root.iterfind("md:ContactPerson", NS)
    }
    assert kinds == {"technical", "http://refeds.org/metadata/contactType/security"}
