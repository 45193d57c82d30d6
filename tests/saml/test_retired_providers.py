"""Identity providers that their operators have given up are offered to nobody, unless the administrator says so."""

import pytest

from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.aggregates import TRUSTED, MakeFolder

OLD = "https://old-idp.exemple.fr/idp"
HIDDEN = (
    b'<md:Extensions><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"'
    b' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Attribute Name="http://macedir.org/entity-category">'
    b"<saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes></md:Extensions>"
)


@pytest.mark.parametrize(
    "name",
    [
        "Old IdP - École - Ne pas utiliser",
        "Université de Valmont (obsolete)",
        "Valmont (Obsolète)",
        "Valmont, do not use",
        "Université de Valmont (legacy)",
        "École de Valmont - Legacy",
        "ZTEST École Valmont",
        "[TEST] École Valmont",
        "École Valmont - Personnels v4 en validation",
        "École Valmont (recette)",
        "École Valmont Préprod",
        "École Valmont pre-prod",
        "Pré-production, École Valmont",
    ],
)
def test_a_name_that_says_so_hides_a_provider(make_folder: MakeFolder, key: university.Key, name: str) -> None:
    entity = university.entity_descriptor(OLD, (key,), names={"fr": name}, scopes=("valmont.fr",))
    folder = make_folder(aggregates.signed(aggregates.aggregate([entity]), key))
    folder.refresh()
    found = folder.current.provider(OLD)
    assert found is not None
    assert found.hidden
    assert folder.current.search("valmont") == folder.current.search("ecole") == ()
    assert folder.current.by_address_domain("valmont.fr") == ()


@pytest.mark.parametrize(
    "name",
    [
        "Legacy University Valmont",
        "Valmont Testing",
        "École Valmont Test",
        "Testnevelési Valmont",
        "Test Valmont",
        "Valmont, formation en validation des acquis",
        "Valmont, invalidation",
        "Recettes de Valmont",
        "La recette de Valmont",
        "Valmont Produits et prévention",
    ],
)
def test_a_name_that_merely_sounds_like_it_hides_nobody(
    make_folder: MakeFolder, key: university.Key, name: str
) -> None:
    entity = university.entity_descriptor(OLD, (key,), names={"fr": name}, scopes=("valmont.fr",))
    folder = make_folder(aggregates.signed(aggregates.aggregate([entity]), key))
    folder.refresh()
    assert [found.entity_id for found in folder.current.search("valmont")] == [OLD]


@pytest.mark.parametrize(
    ("category", "hidden"),
    [(b"http://refeds.org/category/hide-from-discovery", True), (b"http://refeds.org/category/research", False)],
)
def test_the_category_for_it_hides_a_provider(
    make_folder: MakeFolder, key: university.Key, category: bytes, hidden: bool
) -> None:
    entity = university.entity_descriptor(OLD, (key,), names={"fr": "Valmont"}, scopes=("valmont.fr",))
    entity = entity.replace(b"<md:IDPSSODescriptor", HIDDEN % category + b"<md:IDPSSODescriptor", 1)
    folder = make_folder(aggregates.signed(aggregates.aggregate([entity]), key))
    folder.refresh()
    assert bool(folder.current.search("valmont")) is not hidden


def test_the_category_in_another_attribute_hides_nobody(make_folder: MakeFolder, key: university.Key) -> None:
    supported = HIDDEN.replace(b"/entity-category", b"/entity-category-support")
    category = supported % b"http://refeds.org/category/hide-from-discovery"
    entity = university.entity_descriptor(OLD, (key,), names={"fr": "Valmont"}, scopes=("valmont.fr",))
    entity = entity.replace(b"<md:IDPSSODescriptor", category + b"<md:IDPSSODescriptor", 1)
    folder = make_folder(aggregates.signed(aggregates.aggregate([entity]), key))
    folder.refresh()
    assert [found.entity_id for found in folder.current.search("valmont")] == [OLD]


def test_the_administrator_can_show_it_again(make_folder: MakeFolder, key: university.Key) -> None:
    entity = university.entity_descriptor(OLD, (key,), names={"fr": "Valmont (obsolete)"}, scopes=("valmont.fr",))
    shown = f'[providers."{OLD}"]\nhidden = false\n'
    folder = make_folder(aggregates.signed(aggregates.aggregate([entity]), key), TRUSTED + shown)
    folder.refresh()
    assert [provider.entity_id for provider in folder.current.search("valmont")] == [OLD]
