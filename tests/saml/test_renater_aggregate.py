"""The real aggregate of the French federation (March 2025): it loads, and its universities are found.

Its signing certificate has expired and its validity is over: trust is in the pinned key, dates are checked against the
clock that is passed in.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from idp.domain.errors import Refusal
from idp.saml.federation import FederationFolder
from idp.saml.federation_snapshot import FederationSnapshot
from idp.saml.keys import KeyPair
from idp.saml.metadata_reading import MetadataReader
from idp.saml.overrides import parse_overrides
from idp.saml.own_metadata import ServiceDescription
from idp.saml.service_provider import ServiceProvider
from tests.saml import identity_provider as university

README = (Path(__file__).parents[2] / "federation_metadata" / "README.md").read_text(encoding="utf-8")
# The block that administrators copy.
ALIASES = next(block for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "univ-paris13" in block)
AGGREGATE = Path(__file__).parents[3] / "shared/data/renater-idps-2025-03-17.xml"
WITHIN_VALIDITY = datetime(2025, 3, 20, 12, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not AGGREGATE.is_file(), reason=f"the real aggregate {AGGREGATE.name} is not beside the project"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("renater")
    (path / "renater.xml").write_bytes(AGGREGATE.read_bytes())
    certificate = etree.parse(AGGREGATE).getroot().find("ds:Signature//ds:X509Certificate", university.NS).text
    pem = f"-----BEGIN CERTIFICATE-----\n{certificate.strip()}\n-----END CERTIFICATE-----\n"
    (path / "renater-2016.pem").write_text(pem, encoding="ascii")
    (path / "overrides.toml").write_text(
        f'[files."renater.xml"]\nsigning_keys = ["renater-2016.pem"]\n{ALIASES}', encoding="utf-8"
    )
    return path


@pytest.fixture(scope="module")
def federation(folder: Path) -> FederationSnapshot:
    loader = FederationFolder(folder, lambda: WITHIN_VALIDITY, state=folder / "state")
    [status] = loader.refresh()
    assert (status.problem, status.providers) == (None, 352)
    return loader.current


def test_aggregate_is_refused_after_its_end(folder: Path, tmp_path: Path) -> None:
    [status] = FederationFolder(folder, lambda: datetime(2025, 4, 1, tzinfo=UTC), state=tmp_path).refresh()
    assert status.problem == "renater.xml: expired on 2025-03-26 14:00 UTC; fetch the current one"


def test_changed_aggregate_is_refused(folder: Path, tmp_path: Path) -> None:
    for path in filter(Path.is_file, folder.iterdir()):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = AGGREGATE.read_bytes().replace(b">unilim.fr<", b">evil.fr<")
    (tmp_path / "renater.xml").write_bytes(changed)
    [status] = FederationFolder(tmp_path, lambda: WITHIN_VALIDITY, state=tmp_path / "state").refresh()
    assert status.problem is not None
    assert "changed after signing" in status.problem


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("etu.unilim.fr", "Université de Limoges"),
        ("unilim.fr", "Université de Limoges"),
        ("UNILIM.FR.", "Université de Limoges"),
        ("univ-rouen.fr", "Université de Rouen Normandie"),
        ("etu.univ-nantes.fr", "Nantes Université"),
    ],
)
def test_university_is_found_from_the_address(federation: FederationSnapshot, domain: str, name: str) -> None:
    assert [provider.name("fr") for provider in federation.by_address_domain(domain)] == [name]


@pytest.mark.parametrize("domain", ["gmail.com", "evilunilim.fr", "unilim.fr.evil.com", "fr", "", "."])
def test_other_addresses_lead_to_no_university(federation: FederationSnapshot, domain: str) -> None:
    assert federation.by_address_domain(domain) == ()


def test_ambiguous_address_leads_to_a_choice(federation: FederationSnapshot) -> None:
    assert len(federation.by_address_domain("etud.u-picardie.fr")) == 2


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limoges", "Université de Limoges"),
        ("Université de LIMOGES", "Université de Limoges"),
        ("nîmes", "Université de Nimes"),
        ("l'université d'angers", "Université d'Angers"),
        ("unilim.fr", "Université de Limoges"),
        ("upec", "Université de Paris Est Créteil - UPEC"),
        ("P13", "Université Sorbonne Paris Nord"),
        ("uspn", "Université Sorbonne Paris Nord"),
        ("Paris 13", "Université Sorbonne Paris Nord"),
        ("paris 12", "Université de Paris Est Créteil - UPEC"),
        ("rouen norm", "Université de Rouen Normandie"),
        ("rouen", "Université de Rouen Normandie"),
        ("strasbourg", "Université de Strasbourg"),
        ("rennes 1", "Université de Rennes"),
        ("brest", "Université de Bretagne Occidentale - UBO/IDP3"),
        ("versailles saint quentin", "Université de Versailles St. Quentin en Yvelines"),
        ("mines st etienne", "Mines Saint-Étienne - EMSE - IMT"),
        ("université saint étienne", "Université de Saint-Etienne - Jean Monnet"),
    ],
)
def test_university_is_found_by_search(federation: FederationSnapshot, query: str, name: str) -> None:
    assert federation.search(query)[0].name("fr") == name


def _by_alias() -> dict[str, set[str]]:
    """The entity ids that the README gives each alias: some are shared."""
    found: dict[str, set[str]] = {}
    for entity_id, said in parse_overrides(ALIASES.encode()).providers.items():
        for alias in said.aliases:
            found.setdefault(alias, set()).add(entity_id)
    return found


@pytest.mark.parametrize("alias", _by_alias())
def test_every_alias_of_the_readme_finds_its_university_first(federation: FederationSnapshot, alias: str) -> None:
    meant = _by_alias()[alias]
    assert {provider.entity_id for provider in federation.search(alias)[: len(meant)]} == meant


@pytest.mark.parametrize(
    "query",
    [
        *("Amiens", "Nice", "Besançon", "Dijon", "Nancy", "Metz", "Nouméa", "Clermont-Ferrand", "Bobigny", "Orsay"),
        *("Fort-de-France", "Pointe-à-Pitre", "Papeete", "Valenciennes"),
        *("UPJV", "UCBL", "UJM", "URCA", "UFC", "UNS", "USMB", "UT3", "Paul Sabatier", "Toulouse 3", "UA"),
    ],
)
def test_towns_and_names_that_no_metadata_tell_are_in_the_readme(federation: FederationSnapshot, query: str) -> None:
    assert query in _by_alias()
    assert federation.search(query)[0].name("fr").startswith("Université")


@pytest.mark.parametrize("query", ["etu.unilim.fr", "prenom.nom@etu.unilim.fr", " Prenom.Nom@etu.UNILIM.fr. "])
def test_a_domain_or_an_address_in_the_search_leads_where_it_would_lead(
    federation: FederationSnapshot, query: str
) -> None:
    assert [provider.name("fr") for provider in federation.search(query)] == ["Université de Limoges"]


def test_the_end_of_an_address_leads_there_although_others_have_its_words(federation: FederationSnapshot) -> None:
    assert federation.search("etu.u-paris.fr")[0].name("fr") == "Université Paris Cité"


@pytest.mark.parametrize("query", ["prenom.nom@gmail.com", "evilunilim.fr", "@", "x@", "x@fr", "."])
def test_an_address_of_nobody_s_finds_nobody(federation: FederationSnapshot, query: str) -> None:
    assert federation.search(query) == ()


def test_retired_ones_and_tests_are_hidden_and_nobody_else(federation: FederationSnapshot) -> None:
    reader = MetadataReader(AGGREGATE.read_bytes(), WITHIN_VALIDITY)
    assert {provider.name("fr") for provider, _ in reader if provider.hidden} == {
        "Old IdP - EMSE - Ne pas utiliser",
        "Université de Valenciennes (obsolete)",
        "Observatoire de la Côte d'Azur (legacy)",
        "ZTEST INSA Lyon",
        "CROUS Toulouse - Personnels v4 en validation",
    }
    # Their people find the one that took their place, or is still in it.
    assert [provider.name("fr") for provider in federation.by_address_domain("crous-toulouse.fr")] == [
        "CROUS Toulouse - Personnels"
    ]
    assert [provider.name("fr") for provider in federation.by_address_domain("oca.eu")] == [
        "Observatoire de la Côte d'Azur"
    ]
    assert [provider.name("fr") for provider in federation.by_address_domain("insa-lyon.fr")] == [
        "INSA Lyon",
        "INSA Lyon (idauth)",
    ]


@pytest.mark.parametrize(
    ("query", "domain"),
    [
        ("toulon", "univ-tln.fr"),
        ("catholique lille", "univ-catholille.fr"),
        ("bourgogne", "u-bourgogne.fr"),
        ("antilles", "univ-antilles.fr"),
        ("université paris cité", "u-paris.fr"),
    ],
)
def test_a_row_has_the_domain_that_people_know(federation: FederationSnapshot, query: str, domain: str) -> None:
    assert federation.search(query)[0].domain == domain


def test_near_twins_are_not_mixed_up(federation: FederationSnapshot) -> None:
    assert not any("Toulouse" in provider.name("fr") for provider in federation.search("toulon"))
    assert not any("Limoges" in provider.name("fr") for provider in federation.search("nimes"))


@pytest.mark.parametrize("query", ["", "   ", "…", "zzz", "limogse"])
def test_nothing_is_guessed(federation: FederationSnapshot, query: str) -> None:
    assert federation.search(query) == ()


def test_search_is_limited(federation: FederationSnapshot) -> None:
    assert len(federation.search("universite")) == 20
    assert len(federation.search("universite", limit=3)) == 3


def test_every_provider_can_be_asked(
    federation: FederationSnapshot, sp_keys: list[KeyPair], description: ServiceDescription
) -> None:
    service_provider = ServiceProvider(
        entity_id=university.SP_ENTITY_ID,
        acs_url=university.ACS_URL,
        keys=sp_keys,
        description=description,
        metadata_source=federation.metadata,
    )
    for provider in federation.search("limoges") + federation.search("paris"):
        sent = service_provider.begin(provider, "h", now=WITHIN_VALIDITY)
        assert sent.url.startswith("https://")
        with pytest.raises(Refusal):
            service_provider.verify("PGEvPg==", provider, sent.request_id, now=WITHIN_VALIDITY)
