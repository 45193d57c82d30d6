"""Our own metadata: valid, complete for registration, readable by pysaml2 and by our own reader."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from saml2.mdstore import InMemoryMetaData
from saml2.xml.schema import validate

from idp.saml.keys import KeyPair
from idp.saml.own_metadata import Contact, Logo, ServiceDescription
from idp.saml.safe_xml import parse_metadata
from idp.saml.service_provider import ServiceProvider
from idp.saml.signature_form import check_own_signature
from idp.saml.verification_keys import key_of_pem
from idp.saml.xml_signature import verify
from tests.saml import identity_provider as university

NS = university.NS | {
    "mdui": "urn:oasis:names:tc:SAML:metadata:ui",
    "alg": "urn:oasis:names:tc:SAML:metadata:algsupport",
    "idpdisc": "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol",
    "mdattr": "urn:oasis:names:tc:SAML:metadata:attribute",
}

COCO = "https://refeds.org/category/code-of-conduct/v2"


@pytest.fixture
def complete(description: ServiceDescription) -> ServiceDescription:
    """Everything that there is to say."""
    return replace(
        description,
        information_urls={"fr": "https://connexion.exemple.fr/aide", "en": "https://connexion.exemple.fr/help"},
        privacy_urls={"fr": "https://connexion.exemple.fr/donnees", "en": "https://connexion.exemple.fr/privacy"},
        contacts=tuple(
            Contact(kind, f"Équipe {kind}", f"{kind}@exemple.fr")
            for kind in ("technical", "support", "administrative", "security")
        ),
        logo=Logo("https://connexion.exemple.fr/logo.png", 80, 60),
        discovery_url="https://connexion.exemple.fr/saml/discovery",
        entity_categories=(COCO, "http://refeds.org/category/research-and-scholarship"),
        assurance_certifications=("https://refeds.org/sirtfi", "https://refeds.org/sirtfi2"),
        valid_for=timedelta(days=10),
    )


def _metadata(sp_keys: list[KeyPair], description: ServiceDescription, **options: Any) -> bytes:
    service_provider = ServiceProvider(
        entity_id=university.SP_ENTITY_ID,
        acs_url=university.ACS_URL,
        keys=sp_keys,
        description=description,
        metadata_source=lambda entity_id: None,
    )
    return service_provider.metadata(now=university.NOW + timedelta(minutes=7), **options)


@pytest.mark.parametrize("signed", [False, True])
def test_complete_metadata_is_valid_against_the_schema(
    sp_keys: list[KeyPair], complete: ServiceDescription, signed: bool
) -> None:
    validate(_metadata(sp_keys, complete, signed=signed).decode())


def test_metadata_says_everything_that_registration_wants_in_french_and_english(
    sp_keys: list[KeyPair], complete: ServiceDescription
) -> None:
    root = parse_metadata(_metadata(sp_keys, complete))
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    for name in ("DisplayName", "Description", "InformationURL", "PrivacyStatementURL"):
        assert {element.get(lang) for element in root.iterfind(f".//mdui:UIInfo/mdui:{name}", NS)} == {"fr", "en"}, name
    for name in ("OrganizationName", "OrganizationDisplayName", "OrganizationURL"):
        assert {element.get(lang) for element in root.iterfind(f"md:Organization/md:{name}", NS)} == {"fr", "en"}, name
    for name in ("ServiceName", "ServiceDescription"):
        assert {element.get(lang) for element in root.iterfind(f".//md:{name}", NS)} == {"fr", "en"}, name
    logo = root.find(".//mdui:Logo", NS)
    assert (logo.text, logo.get("width"), logo.get("height")) == ("https://connexion.exemple.fr/logo.png", "80", "60")


def test_metadata_has_every_contact_and_a_security_contact_as_refeds_writes_it(
    sp_keys: list[KeyPair], complete: ServiceDescription
) -> None:
    root = parse_metadata(_metadata(sp_keys, complete))
    people = {
        person.find("md:EmailAddress", NS).text: (
            person.get("contactType"),
            person.get("{http://refeds.org/metadata}contactType"),
        )
        for person in root.iterfind("md:ContactPerson", NS)
    }
    assert people == {
        "mailto:technical@exemple.fr": ("technical", None),
        "mailto:support@exemple.fr": ("support", None),
        "mailto:administrative@exemple.fr": ("administrative", None),
        "mailto:security@exemple.fr": ("other", "http://refeds.org/metadata/contactType/security"),
    }


def _entity_attributes(root: university.Element) -> dict[str, list[str]]:
    return {
        attribute.get("Name"): [value.text for value in attribute]
        for attribute in root.iterfind("md:Extensions/mdattr:EntityAttributes/saml:Attribute", NS)
    }


def test_metadata_names_the_entity_categories_of_the_settings(
    sp_keys: list[KeyPair], complete: ServiceDescription
) -> None:
    told = _entity_attributes(parse_metadata(_metadata(sp_keys, complete)))
    assert told["http://macedir.org/entity-category"] == list(complete.entity_categories)


def test_metadata_names_the_frameworks_of_the_settings(sp_keys: list[KeyPair], complete: ServiceDescription) -> None:
    name = "urn:oasis:names:tc:SAML:attribute:assurance-certification"
    told = _entity_attributes(parse_metadata(_metadata(sp_keys, complete)))
    assert told[name] == ["https://refeds.org/sirtfi", "https://refeds.org/sirtfi2"]
    none = replace(complete, assurance_certifications=())
    assert name not in _entity_attributes(parse_metadata(_metadata(sp_keys, none)))


@pytest.mark.parametrize(
    ("required", "asked"),
    [
        ("any", {"subject-id", "pairwise-id"}),
        ("none", {"subject-id", "pairwise-id"}),
        ("subject-id", {"subject-id"}),
        ("pairwise-id", {"pairwise-id"}),
    ],
)
def test_metadata_requires_the_subject_identifier_of_the_settings(
    sp_keys: list[KeyPair], complete: ServiceDescription, required: str, asked: set[str]
) -> None:
    root = parse_metadata(_metadata(sp_keys, replace(complete, subject_id=required)))
    assert _entity_attributes(root)["urn:oasis:names:tc:SAML:profiles:subject-id:req"] == [required]
    requested = {attribute.get("FriendlyName") for attribute in root.iterfind(".//md:RequestedAttribute", NS)}
    assert requested & {"subject-id", "pairwise-id"} == asked


def test_metadata_tells_which_signature_algorithms_are_verified(
    sp_keys: list[KeyPair], complete: ServiceDescription
) -> None:
    root = parse_metadata(_metadata(sp_keys, complete))
    methods = {method.get("Algorithm") for method in root.iterfind("md:Extensions/alg:SigningMethod", NS)}
    assert "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" in methods
    assert not any("sha1" in method for method in methods)


def test_metadata_names_algorithms_in_order_of_preference(sp_keys: list[KeyPair], complete: ServiceDescription) -> None:
    """OpenSAML signs and encrypts with the first that it can: SHA-256, which every implementation has (SDP-ALG01)."""
    root = parse_metadata(_metadata(sp_keys, complete))
    digests = [method.get("Algorithm") for method in root.iterfind("md:Extensions/alg:DigestMethod", NS)]
    assert [name.rpartition("#")[2] for name in digests] == ["sha256", "sha384", "sha512"]
    methods = [method.get("Algorithm").rpartition("#")[2] for method in root.iterfind(".//alg:SigningMethod", NS)]
    assert methods == [f"{kind}-{digest}" for kind in ("rsa", "ecdsa") for digest in ("sha256", "sha384", "sha512")]
    for descriptor in root.iterfind(".//md:KeyDescriptor[@use='encryption']", NS):
        offered = [method.get("Algorithm") for method in descriptor.iterfind("md:EncryptionMethod", NS)]
        assert [name.rpartition("#")[2] for name in offered] == [
            "aes256-gcm",
            "aes128-gcm",
            "rsa-oaep-mgf1p",
            "rsa-oaep",
        ]


def test_metadata_says_where_an_outside_discovery_service_may_send_people(
    sp_keys: list[KeyPair], complete: ServiceDescription
) -> None:
    for said, expected in ((complete, [complete.discovery_url]), (replace(complete, discovery_url=""), [])):
        root = parse_metadata(_metadata(sp_keys, said))
        assert [found.get("Location") for found in root.iterfind(".//idpdisc:DiscoveryResponse", NS)] == expected


def test_metadata_ends_when_the_settings_say_so(sp_keys: list[KeyPair], complete: ServiceDescription) -> None:
    assert parse_metadata(_metadata(sp_keys, complete)).get("validUntil") == "2026-03-12T09:00:00Z"
    assert parse_metadata(_metadata(sp_keys, replace(complete, valid_for=None))).get("validUntil") is None


def test_metadata_is_signed_with_our_first_key_where_that_is_asked_for(
    sp_keys: list[KeyPair], complete: ServiceDescription
) -> None:
    root = parse_metadata(_metadata(sp_keys, complete, signed=True))
    check_own_signature(root, root.find("ds:Signature", NS))
    assert verify(root, [key_of_pem(sp_keys[0][1].read_bytes())])
    root.find(".//md:AssertionConsumerService", NS).set("Location", "https://autre.exemple.fr/acs")
    assert not verify(root, [key_of_pem(sp_keys[0][1].read_bytes())])


def test_metadata_is_unsigned_unless_asked_for_or_always_wanted(
    sp_keys: list[KeyPair], complete: ServiceDescription
) -> None:
    assert parse_metadata(_metadata(sp_keys, complete)).find("ds:Signature", NS) is None
    always = replace(complete, always_signed=True)
    assert parse_metadata(_metadata(sp_keys, always)).find("ds:Signature", NS) is not None


def test_metadata_is_made_once_an_hour(service_provider: ServiceProvider) -> None:
    first = service_provider.metadata(now=university.NOW, signed=True)
    assert service_provider.metadata(now=university.NOW + timedelta(minutes=20), signed=True) is first
    assert service_provider.metadata(now=university.NOW + timedelta(hours=1), signed=True) != first


def test_metadata_is_valid_against_the_schema(service_provider: ServiceProvider) -> None:
    validate(service_provider.metadata(now=university.NOW).decode())


def test_metadata_is_readable_by_pysaml2(service_provider: ServiceProvider) -> None:
    metadata = InMemoryMetaData(None, service_provider.metadata(now=university.NOW).decode())
    metadata.load()
    services = metadata.service(university.SP_ENTITY_ID, "spsso_descriptor", "assertion_consumer_service")
    assert [(service["binding"], service["location"]) for found in services.values() for service in found] == [
        ("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", university.ACS_URL)
    ]


def test_metadata_demands_signed_assertions_and_announces_signed_requests(service_provider: ServiceProvider) -> None:
    role = parse_metadata(service_provider.metadata(now=university.NOW)).find("md:SPSSODescriptor", NS)
    assert (role.get("WantAssertionsSigned"), role.get("AuthnRequestsSigned")) == ("true", "true")


def test_metadata_publishes_every_key_for_signing_and_for_encryption(
    service_provider: ServiceProvider, sp_keys: list[KeyPair]
) -> None:
    root = parse_metadata(service_provider.metadata(now=university.NOW))
    published = {
        (descriptor.get("use"), "".join(certificate.text.split()))
        for descriptor in root.iterfind(".//md:KeyDescriptor", NS)
        for certificate in descriptor.iterfind(".//ds:X509Certificate", NS)
    }
    ours = {university.Key(b"", path.read_bytes()).certificate_text for _, path in sp_keys}
    assert published == {(use, certificate) for use in ("signing", "encryption") for certificate in ours}


def test_metadata_names_encryption_methods_that_we_open(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata(now=university.NOW))
    methods = {method.get("Algorithm") for method in root.iterfind(".//md:EncryptionMethod", NS)}
    assert "http://www.w3.org/2009/xmlenc11#aes256-gcm" in methods
    assert not any("cbc" in method or "rsa-1_5" in method for method in methods)


def test_metadata_names_the_service_in_french_and_english(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata(now=university.NOW))
    shown = root.iterfind(".//mdui:UIInfo/mdui:DisplayName", NS)
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    assert {name.get(lang): name.text for name in shown} == {"fr": "Connexion Exemple", "en": "Example Sign-in"}


def test_metadata_requests_the_attributes_that_accounts_use(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata(now=university.NOW))
    requested = {
        attribute.get("FriendlyName"): attribute.get("isRequired")
        for attribute in root.iterfind(".//md:RequestedAttribute", NS)
    }
    assert requested["mail"] == "true"
    assert {"subject-id", "pairwise-id", "eduPersonPrincipalName", "supannEtuId", "displayName"} <= requested.keys()


def test_metadata_asks_for_any_subject_identifier(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata(now=university.NOW))
    attribute = root.find("md:Extensions/mdattr:EntityAttributes/saml:Attribute", NS)
    assert attribute.get("Name") == "urn:oasis:names:tc:SAML:profiles:subject-id:req"
    assert [value.text for value in attribute] == ["any"]


def test_metadata_has_a_security_contact(service_provider: ServiceProvider) -> None:
    root = parse_metadata(service_provider.metadata(now=university.NOW))
    kinds = {
        person.get("{http://refeds.org/metadata}contactType") or person.get("contactType")
        for person in root.iterfind("md:ContactPerson", NS)
    }
    assert kinds == {"technical", "http://refeds.org/metadata/contactType/security"}
