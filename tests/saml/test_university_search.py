"""Which universities a search finds, and in which order."""

from collections.abc import Mapping

import pytest

from idp.saml.federation_snapshot import FederationSnapshot
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.aggregates import MakeFolder

CITY = "https://auth.u-ville.fr/idp"
TWO = "https://idp.u-ville2.fr/idp"


def _federation(
    make_folder: MakeFolder, key: university.Key, described: Mapping[str, tuple[str, tuple[str, ...]]]
) -> FederationSnapshot:
    some = [
        university.entity_descriptor(entity_id, (key,), names={"fr": name}, scopes=scopes)
        for entity_id, (name, scopes) in described.items()
    ]
    folder = make_folder(aggregates.signed(aggregates.aggregate(some), key))
    folder.refresh()
    return folder.current


@pytest.mark.parametrize("query", ["etu.u-ville.fr", "a@etu.u-ville.fr", " A@ETU.u-ville.fr. "])
def test_the_end_of_an_address_finds_its_university_before_those_that_share_words(
    make_folder: MakeFolder, key: university.Key, query: str
) -> None:
    # The words « a etu u ville fr » begin words of the other one, and none of this one has « etu ».
    described = {CITY: ("Université Cité", ("u-ville.fr",)), TWO: ("Agora", ("etudiants.u-ville2.fr",))}
    found = _federation(make_folder, key, described).search(query)
    assert [provider.entity_id for provider in found] == [CITY, TWO]


def test_the_university_of_an_address_comes_once_and_counts_for_the_limit(
    make_folder: MakeFolder, key: university.Key
) -> None:
    described = {CITY: ("Université Cité", ("u-ville.fr",)), TWO: ("Agora", ("u-ville.fr.example",))}
    federation = _federation(make_folder, key, described)
    assert [provider.entity_id for provider in federation.search("u-ville.fr")] == [CITY, TWO]
    assert [provider.entity_id for provider in federation.search("u-ville.fr", limit=1)] == [CITY]


@pytest.mark.parametrize(
    "query", ["mont saint quentin", "Mont-Saint-Quentin", "mont st. quentin", "mont sain", "mont st", "mont s"]
)
@pytest.mark.parametrize("name", ["Université du Mont St. Quentin", "Université du Mont-Saint-Quentin"])
def test_saint_is_found_however_it_is_written(
    make_folder: MakeFolder, key: university.Key, name: str, query: str
) -> None:
    federation = _federation(make_folder, key, {CITY: (name, ("univ-mont.fr",))})
    assert [provider.entity_id for provider in federation.search(query)] == [CITY]


@pytest.mark.parametrize("query", ["sainte anne", "ste anne"])
def test_sainte_is_found_however_it_is_written(make_folder: MakeFolder, key: university.Key, query: str) -> None:
    described = {CITY: ("École Ste Anne", ("anne.fr",)), TWO: ("École Saint Anne", ("saint.fr",))}
    assert _federation(make_folder, key, described).search(query)[0].entity_id == CITY


def test_a_saint_among_domains_is_found_too(make_folder: MakeFolder, key: university.Key) -> None:
    federation = _federation(make_folder, key, {CITY: ("Jean Monnet", ("univ-st-ville.fr",))})
    assert len(federation.search("saint ville")) == 1


def test_saint_finds_no_other_word_that_begins_like_its_short_form(
    make_folder: MakeFolder, key: university.Key
) -> None:
    federation = _federation(make_folder, key, {CITY: ("Université de Strasbourg", ("unistra.fr",))})
    assert federation.search("saint") == ()
    assert len(federation.search("st")) == 1


def test_universities_come_first_among_those_of_an_address_too(make_folder: MakeFolder, key: university.Key) -> None:
    described = {TWO: ("Observatoire", ("u-ville.fr",)), CITY: ("Université Cité", ("u-ville.fr",))}
    found = _federation(make_folder, key, described).by_address_domain("u-ville.fr")
    assert [provider.entity_id for provider in found] == [CITY, TWO]
