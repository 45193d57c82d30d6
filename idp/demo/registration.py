"""What the demo's provider says of itself in its metadata: all that a federation wants before it registers a service.

The organization, its people and its addresses are invented (RFC 2606, section 2).
"""

from types import MappingProxyType
from typing import Final

from idp.demo.portal import PRIVACY_PAGES

_SITE = "https://www.numerique.example"

SAML_METADATA: Final = MappingProxyType(
    {
        "description_fr": "Connexion unique des étudiants et enseignants aux plateformes d’enseignement et d’examen.",
        "description_en": "Single sign-on of students and teachers to platforms for teaching and exams.",
        "information_url_fr": f"{_SITE}/connexion",
        "information_url_en": f"{_SITE}/en/sign-in",
        "privacy_url_fr": f"{_SITE}/connexion/donnees-personnelles",
        "privacy_url_en": f"{_SITE}/en/sign-in/privacy",
        "logo_url": f"{_SITE}/logo-160x120.png",
        "logo_width": "160",
        "logo_height": "120",
        "organization_fr": "Université numérique d’Exemple",
        "organization_en": "Digital University of Example",
        "organization_url_fr": f"{_SITE}/",
        "organization_url_en": f"{_SITE}/en/",
        "contact_technical": "Équipe technique <technique@numerique.example>",
        "contact_support": "Assistance <assistance@numerique.example>",
        "contact_administrative": "Camille Exemple <camille.exemple@numerique.example>",
        "contact_security": "CSIRT <csirt@numerique.example>",
        "entity_categories": (
            "http://refeds.org/category/research-and-scholarship https://refeds.org/category/code-of-conduct/v2"
        ),
        "assurance_certifications": "https://refeds.org/sirtfi",
        "subject_id": "any",
    }
)


def metadata_settings(portal_url: str) -> dict[str, str]:
    """The same as the provider's environment; what its pages lead to is there, at the portal."""
    told = {f"privacy_url_{language}": f"{portal_url}{path}" for path, language in PRIVACY_PAGES.items()}
    return {f"IDP_SAML_METADATA_{name.upper()}": value for name, value in (SAML_METADATA | told).items()}
