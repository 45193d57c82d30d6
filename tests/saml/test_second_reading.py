"""pysaml2 reads a second time: it believes only what was verified, and must come to the same result."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from saml2.client import Saml2Client

from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.saml import service_provider as module
from idp.saml.guard import read_response
from idp.saml.keys import KeyPair
from idp.saml.pysaml2_client import new_client, second_reading
from idp.saml.service_provider import ServiceProvider
from idp.saml.verification_keys import key_of_pem
from idp.saml.verified_response import VerifiedResponse, verify_response
from tests.saml import identity_provider as university

Verified = Callable[[university.Element], VerifiedResponse]


@pytest.fixture(scope="module")
def client(sp_keys: list[KeyPair]) -> Saml2Client:
    return new_client(university.SP_ENTITY_ID, university.ACS_URL, "Connexion", sp_keys)


@pytest.fixture
def verified(key: university.Key, sp_keys: list[KeyPair]) -> Verified:
    def run(response: university.Element) -> VerifiedResponse:
        private = [path.read_bytes() for path, _ in sp_keys]
        return verify_response(read_response(university.encode(response)), [key_of_pem(key.certificate)], private)

    return run


def _reason(client: Saml2Client, verified: VerifiedResponse) -> str:
    with pytest.raises(Refusal) as caught:
        second_reading(client, verified, university.REQUEST_ID)
    return caught.value.reason


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize(("response", "assertion"), [(True, False), (False, True), (True, True)])
def test_what_was_verified_is_read_as_it_stands(
    client: Saml2Client,
    verified: Verified,
    key: university.Key,
    sp_certificate: bytes,
    encrypted: bool,
    response: bool,
    assertion: bool,
) -> None:
    root = university.signed(university.Draft(), key, assertion=assertion)
    if encrypted:
        university.encrypt(root, sp_certificate)
    if response:
        university.sign(root, key)
    read = second_reading(client, verified(root), university.REQUEST_ID)
    assert (read.assertion_id, read.issuer) == ("_assertion-1", university.ENTITY_ID)
    assert read.authn_instant == "2026-03-02T09:29:00Z"
    assert read.values[university.OIDS["mail"]] == ["camille.durand@etu.univ-exemple.fr"]


@pytest.mark.parametrize("kept", [[], ["_response-1"], ["_assertion-1"]])
def test_o_02_every_signature_that_the_library_sees_must_have_been_verified(
    client: Saml2Client, verified: Verified, key: university.Key, kept: list[str]
) -> None:
    both = verified(university.signed(university.Draft(), key, response=True))
    assert both.signed == {"_response-1", "_assertion-1"}
    assert _reason(client, replace(both, signed=frozenset(kept))) == "saml.refused_by_library"


def test_cipher_text_that_was_not_opened_is_not_opened_by_the_library(
    client: Saml2Client, verified: Verified, key: university.Key, sp_certificate: bytes
) -> None:
    root = university.signed(university.Draft(), key)
    university.encrypt(root, sp_certificate)
    assert _reason(client, replace(verified(root), opened=None)) == "saml.refused_by_library"


@pytest.mark.parametrize(
    "change",
    [
        {"attributes": {"mail": ("quelquun@univ-exemple.fr",)}},
        {"assertion_id": "_assertion-2"},
        {"authn_instant": university.NOW},
        {"issuer": "https://idp.autre.fr/idp"},
    ],
)
def test_o_02_two_readings_that_differ_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    service_provider: ServiceProvider,
    provider: IdentityProvider,
    key: university.Key,
    change: dict[str, Any],
) -> None:
    other = university.build(university.Draft().changed(**change))

    def reading_another_text(client: Any, verified: VerifiedResponse, request_id: str) -> Any:
        # As if its parser had found another assertion in the same bytes.
        forged = replace(verified, xml=etree.tostring(other), signed=frozenset())
        return second_reading(client, forged, request_id)

    monkeypatch.setattr(module, "second_reading", reading_another_text)
    response = university.encode(university.signed(university.Draft(), key))
    with pytest.raises(Refusal) as caught:
        service_provider.verify(response, provider, university.REQUEST_ID, now=university.NOW)
    assert caught.value.reason == "saml.different_reading"
