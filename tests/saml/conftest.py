"""What the SAML tests share: keys made once, our service provider, and one university that it trusts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.proofing import Vouching
from idp.saml.federation import FederationFolder
from idp.saml.keys import KeyPair
from idp.saml.own_metadata import Contact, ServiceDescription
from idp.saml.service_provider import ServiceProvider
from tests.saml import aggregates
from tests.saml import identity_provider as university

OTHER_ENTITY_ID = "https://idp.autre.fr/idp"


@pytest.fixture(scope="session")
def key() -> university.Key:
    return university.new_key("idp.univ-exemple.fr")


@pytest.fixture(scope="session")
def other_key() -> university.Key:
    return university.new_key("idp.autre.fr")


@pytest.fixture(scope="session")
def sp_keys(tmp_path_factory: pytest.TempPathFactory) -> list[KeyPair]:
    folder = tmp_path_factory.mktemp("sp-keys")
    pairs = []
    for number in (1, 2):
        made = university.new_key(f"sp-{number}")
        pair = (folder / f"{number}-key.pem", folder / f"{number}-cert.pem")
        pair[0].write_bytes(made.private)
        pair[1].write_bytes(made.certificate)
        pairs.append(pair)
    return pairs


@pytest.fixture(scope="session")
def sp_certificate(sp_keys: list[KeyPair]) -> bytes:
    return Path(sp_keys[0][1]).read_bytes()


@pytest.fixture(scope="session")
def description() -> ServiceDescription:
    return ServiceDescription(
        names={"fr": "Connexion Exemple", "en": "Example Sign-in"},
        descriptions={"fr": "Connexion aux plateformes", "en": "Sign-in to the platforms"},
        information_urls={"fr": "https://connexion.exemple.fr/aide"},
        privacy_urls={"fr": "https://connexion.exemple.fr/donnees"},
        organization_names={"fr": "Exemple", "en": "Example"},
        organization_urls={"fr": "https://www.exemple.fr", "en": "https://www.exemple.fr/en"},
        contacts=(Contact("technical", "Équipe", "tech@exemple.fr"), Contact("security", "CSIRT", "csirt@exemple.fr")),
    )


@pytest.fixture(scope="session")
def provider() -> IdentityProvider:
    return IdentityProvider(university.ENTITY_ID, (("fr", "Université d’Exemple"),), ("univ-exemple.fr",))


@pytest.fixture(scope="session")
def other_provider() -> IdentityProvider:
    return IdentityProvider(OTHER_ENTITY_ID, (("fr", "Université Autre"),), ("autre.fr",))


@pytest.fixture(scope="session")
def service_provider(
    key: university.Key, other_key: university.Key, sp_keys: list[KeyPair], description: ServiceDescription
) -> ServiceProvider:
    known = {
        university.ENTITY_ID: university.entity_descriptor(university.ENTITY_ID, (key,)),
        OTHER_ENTITY_ID: university.entity_descriptor(OTHER_ENTITY_ID, (other_key,), bindings=("HTTP-POST",)),
    }
    return ServiceProvider(
        entity_id=university.SP_ENTITY_ID,
        acs_url=university.ACS_URL,
        keys=sp_keys,
        description=description,
        metadata_source=known.get,
    )


@pytest.fixture
def verify(service_provider: ServiceProvider, provider: IdentityProvider) -> Callable[[university.Element], Vouching]:
    def run(response: university.Element) -> Vouching:
        return service_provider.verify(university.encode(response), provider, university.REQUEST_ID, now=university.NOW)

    return run


@pytest.fixture
def refusal(verify: Callable[[university.Element], Vouching]) -> Callable[[university.Element], str]:
    """The reason for which a response is refused."""

    def run(response: university.Element) -> str:
        with pytest.raises(Refusal) as caught:
            verify(response)
        return caught.value.reason

    return run


@pytest.fixture
def clock() -> aggregates.Clock:
    return aggregates.Clock()


@pytest.fixture
def entities(key: university.Key) -> list[bytes]:
    return [
        university.entity_descriptor(
            aggregates.LIMOGES, (key,), scopes=("unilim.fr",), names={"fr": "Université de Limoges"}
        ),
        university.entity_descriptor(
            aggregates.ROUEN, (key,), scopes=("univ-rouen.fr",), names={"fr": "Université de Rouen"}
        ),
    ]


@pytest.fixture
def make_folder(
    tmp_path: Path, key: university.Key, other_key: university.Key, clock: aggregates.Clock
) -> aggregates.MakeFolder:
    def make(content: bytes | None, overrides: str = aggregates.TRUSTED, **files: bytes) -> FederationFolder:
        named = {f"{name}.xml": file for name, file in files.items()} | ({"fer.xml": content} if content else {})
        keys = {"old.pem": other_key.certificate, "new.pem": key.certificate}
        folder = aggregates.write_folder(tmp_path, named, overrides, keys)
        return FederationFolder(folder, clock, state=tmp_path / "state")

    return make
