"""One identity provider's metadata: what is taken over, and what never reaches a page (O-10) or a decision."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from idp.domain.federation import IdentityProvider
from idp.saml.metadata import sign_in_locations, signing_keys
from idp.saml.metadata_reading import identity_provider
from idp.saml.plain_values import domain_name, plain_name, web_address
from idp.saml.safe_xml import parse_metadata
from idp.saml.verification_keys import UnusablePem, key_of_pem
from tests.saml import identity_provider as university


def _read(xml: bytes) -> IdentityProvider | None:
    return identity_provider(xml)


def _entity(key: university.Key, **arguments: Any) -> bytes:
    return university.entity_descriptor(university.ENTITY_ID, (key,), **arguments)


def test_names_scopes_and_endpoints_are_read(key: university.Key) -> None:
    xml = _entity(key)
    provider = _read(xml)
    assert provider is not None
    assert (provider.name("fr"), provider.name("en")) == ("Université d’Exemple", "Example University")
    assert provider.scopes == ("univ-exemple.fr",)
    assert sign_in_locations(parse_metadata(xml)) == (
        "https://idp.univ-exemple.fr/sso/HTTP-Redirect",
        "https://idp.univ-exemple.fr/sso/HTTP-POST",
    )


def test_both_keys_of_a_rollover_are_read(key: university.Key, other_key: university.Key) -> None:
    xml = university.entity_descriptor(university.ENTITY_ID, (key, other_key))
    assert len(signing_keys(parse_metadata(xml))) == 2


def test_of_keys_without_end_the_first_few_are_tried(key: university.Key) -> None:
    # An answer that none of them signed is digested and tried with each, while the worker does nothing else.
    xml = university.entity_descriptor(university.ENTITY_ID, (key,) * 300)
    assert len(signing_keys(parse_metadata(xml))) == 10


def test_a_key_that_takes_long_to_try_is_none() -> None:
    numbers = rsa.RSAPublicNumbers(65537, (1 << 16383) | 1)
    pem = numbers.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(UnusablePem, match="8192"):
        key_of_pem(pem)


def test_weak_and_unreadable_keys_are_left_out(key: university.Key) -> None:
    weak, broken = university.new_key("weak", bits=1024), university.Key(b"", b"x\nbm90IGEga2V5\nx")
    assert len(signing_keys(parse_metadata(university.entity_descriptor("https://x.fr", (weak, broken, key))))) == 1
    assert _read(university.entity_descriptor("https://x.fr", (weak,))) is None


@pytest.mark.parametrize(("names", "shown"), [({"fr": "Rôle"}, "Rôle"), ({"fr": " "}, "Valmont"), ({}, "Valmont")])
def test_the_organization_names_a_role_that_has_no_name(key: university.Key, names: dict[str, str], shown: str) -> None:
    organization = (
        '<md:Organization><md:OrganizationDisplayName xml:lang="fr">Valmont</md:OrganizationDisplayName>'
        "</md:Organization></md:EntityDescriptor>"
    )
    provider = _read(_entity(key, names=names).replace(b"</md:EntityDescriptor>", organization.encode()))
    assert provider is not None
    assert provider.names == (("fr", shown),)


@pytest.mark.parametrize("attribute", ['regexp="true"', 'regexp="1"', 'regexp=" true "', 'regexp="yes"'])
def test_scopes_that_are_regular_expressions_are_dropped(key: university.Key, attribute: str) -> None:
    provider = _read(_entity(key).replace(b'regexp="false"', attribute.encode()))
    assert provider is not None
    assert provider.scopes == ()


def test_o_07_scope_with_a_comment_is_read_whole(key: university.Key) -> None:
    provider = _read(_entity(key, scopes=("univ<!-- -->-exemple.fr.evil.com",)))
    assert provider is not None
    assert provider.scopes == ("univ-exemple.fr.evil.com",)


@pytest.mark.parametrize(
    "scope", ["", "*", "a b.fr", ".fr", "-x.fr", "x..fr", "http://x.fr", "a@b.fr", "x" * 300, "fr", "com."]
)
def test_scopes_that_are_no_domain_are_dropped(key: university.Key, scope: str) -> None:
    provider = _read(_entity(key, scopes=(scope, "Univ-Exemple.FR")))
    assert provider is not None
    assert provider.scopes == ("univ-exemple.fr",)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Univ\u202eersité", "Université"),
        ("Uni\u200bversité\u2066", "Université"),
        ("Université\n  d’Ici", "Université d’Ici"),
        # Marks without end are drawn over the names above and below.
        ("Universite\u0301" + 100 * "\u0353\u0311", "Universite\u0301\u0353"),
        ("Tru\u031bo\u031b\u0300ng", "Tru\u031bo\u031b\u0300ng"),
        # Letters that nobody sees are no name.
        ("\u3164\u2800", university.ENTITY_ID),
        ("Uni\u034fversité\uffa0", "Université"),
        ("&lt;script&gt;", "<script>"),
    ],
)
def test_o_10_names_hold_no_control_or_direction_characters(key: university.Key, name: str, shown: str) -> None:
    # Markup stays text: escaping is the page's affair.
    provider = _read(_entity(key, names={"fr": name}))
    assert provider is not None
    assert provider.name("fr") == shown


def test_o_10_names_of_the_administrator_are_cleaned_too() -> None:
    assert plain_name(" \x1b[31mRouge\u202e ") == "[31mRouge"
    assert plain_name("Une\u2028ligne\u2029seule\x85ici") == "Une ligne seule ici"
    assert plain_name("a\ud800b\ue000c\uffffd\u200be") == "abcde"
    assert plain_name("x" * 300) == plain_name("\u202e" + "x" * 300) == "x" * 200


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "javascript://localhost/%0aalert(1)",
        "http://127.0.0.2/",
        "https://idp.univ-exemple.fr:99999/sso",
        "https://idp..univ-exemple.fr/sso",
        f"https://{'x' * 64}.fr/sso",
        "data:text/html,x",
        "//x.fr",
        "http://x.fr/",
        "https://",
        "https://x.fr/\" onclick='x'",
        "https://[::1",
        "ftp://x.fr",
        "",
        None,
    ],
)
def test_o_10_only_https_addresses_are_taken_over(address: str | None) -> None:
    assert web_address(address) == ""


@pytest.mark.parametrize("address", ["https://[2001:db8::1]:8443/sso", "https://idp.université-exemple.fr/sso"])
def test_addresses_of_ipv6_and_in_other_letters_are_taken_over(address: str) -> None:
    assert web_address(address) == address


def test_addresses_on_this_machine_may_be_http() -> None:
    for host in ("localhost:5002", "127.0.0.1", "[::1]:5002"):
        assert web_address(f"http://{host}/sso?idp=1") == f"http://{host}/sso?idp=1"


def test_o_10_endpoint_with_a_script_address_makes_the_provider_unusable(key: university.Key) -> None:
    assert _read(_entity(key).replace(b'Location="https:', b'Location="javascript:')) is None


def test_entity_without_identity_provider_role_is_none(key: university.Key) -> None:
    assert _read(_entity(key).replace(b"IDPSSODescriptor", b"SPSSODescriptor")) is None
    saml_1 = b'protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"'
    saml_2 = b'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"'
    assert _read(_entity(key).replace(saml_2, saml_1)) is None


def test_name_falls_back_to_the_entity_id(key: university.Key) -> None:
    provider = _read(_entity(key, names={}))
    assert provider is not None
    assert provider.name("fr") == university.ENTITY_ID


def test_names_and_hints_are_few_the_languages_of_our_pages_among_them(key: university.Key) -> None:
    # Languages and hints without end would be found by everybody's search, and offered beside everybody's university.
    spam = {f"x{number}": f"Université {number}" for number in range(500)}
    hints = tuple(f"univ-{number}.fr" for number in range(500))
    provider = _read(_entity(key, names={**spam, "en": "Pirates", "fr": "Les Pirates"}, hints=hints))
    assert provider is not None
    assert (provider.name("fr"), provider.name("en")) == ("Les Pirates", "Pirates")
    assert (len(provider.names), len(provider.domain_hints)) == (24, 50)


def test_domain_hints_and_error_address_are_read(key: university.Key) -> None:
    hints = "<mdui:DiscoHints><mdui:DomainHint>Etu.Univ-Exemple.fr</mdui:DomainHint></mdui:DiscoHints>"
    xml = _entity(key, extensions=hints).replace(
        b"<md:IDPSSODescriptor ", b'<md:IDPSSODescriptor errorURL="https://univ-exemple.fr/aide" '
    )
    provider = _read(xml)
    assert provider is not None
    assert provider.domain_hints == ("etu.univ-exemple.fr",)
    assert provider.error_url == "https://univ-exemple.fr/aide"


@pytest.mark.parametrize(
    ("text", "expected"), [("A.fr.", "a.fr"), (" a.fr ", "a.fr"), ("a", "a"), ("é.fr", None), (None, None)]
)
def test_domain_names_are_plain(text: str | None, expected: str | None) -> None:
    assert domain_name(text) == expected
