"""The demo's own metadata is complete for a registration: as it is served, and signed."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from lxml import etree

from idp import settings
from idp.app.federation_audit import federation_folder
from idp.app.saml import description, service_provider
from idp.demo.launcher import Demo, Ports
from idp.demo.registration import SAML_METADATA
from idp.saml.registration import wanting
from idp.settings_sections import SamlMetadata

NAMES = {
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
    "mdui": "urn:oasis:names:tc:SAML:metadata:ui",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "remd": "http://refeds.org/metadata",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
BY_LANGUAGE = (
    "mdui:DisplayName",
    "mdui:Description",
    "mdui:InformationURL",
    "mdui:PrivacyStatementURL",
    "md:OrganizationName",
    "md:OrganizationDisplayName",
    "md:OrganizationURL",
)

Find = Callable[[str], list[etree._Element]]


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> settings.Settings:
    return settings.load(Demo(Ports(), tmp_path_factory.mktemp("demo"), print).environment())


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "signed"])
def find(configured: settings.Settings, request: pytest.FixtureRequest) -> Find:
    def now() -> datetime:
        return datetime(2026, 11, 24, 8, tzinfo=UTC)

    provider = service_provider(configured, federation_folder(configured, now), now)
    root = etree.fromstring(provider.metadata(now=now(), signed=request.param))
    assert bool(root.findall("ds:Signature", NAMES)) == request.param
    return lambda name: root.findall(f".//{name}", NAMES)


def test_a_registration_misses_nothing(configured: settings.Settings) -> None:
    assert list(wanting(description(configured))) == []


def test_every_setting_is_set() -> None:
    """But for what says how the metadata is handed out."""
    defaults = {name for name in SamlMetadata.__dataclass_fields__ if name not in ("valid_days", "signed")}
    assert set(SAML_METADATA) == defaults


@pytest.mark.parametrize("name", BY_LANGUAGE)
def test_texts_and_addresses_are_there_in_both_languages(find: Find, name: str) -> None:
    texts = {element.get(LANGUAGE): element.text for element in find(name)}
    assert texts.keys() == {"fr", "en"}
    assert "DisplayName" in name or len(set(texts.values())) == 2


def test_logo_and_categories_are_there(find: Find) -> None:
    (logo,) = find("mdui:Logo")
    assert (logo.get("width"), logo.get("height")) == ("160", "120")
    values = [value.text for value in find("saml:AttributeValue")]
    assert "http://refeds.org/category/research-and-scholarship" in values
    assert "https://refeds.org/category/code-of-conduct/v2" in values
    assert "https://refeds.org/sirtfi" in values


def test_four_people_can_be_written_to(find: Find) -> None:
    contacts = {
        contact.get(f"{{{NAMES['remd']}}}contactType", contact.get("contactType")): contact.findtext(
            "md:EmailAddress", namespaces=NAMES
        )
        for contact in find("md:ContactPerson")
    }
    assert contacts == {
        "technical": "mailto:technique@numerique.example",
        "support": "mailto:assistance@numerique.example",
        "administrative": "mailto:camille.exemple@numerique.example",
        "http://refeds.org/metadata/contactType/security": "mailto:csirt@numerique.example",
    }
