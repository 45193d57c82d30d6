"""By which of its domains a person recognises a university."""

import pytest

from idp.domain.federation import IdentityProvider

HERE = "https://idp.univ-ici.fr/idp"
URN = "urn:mace:cru.fr:federation:ici.fr"


@pytest.mark.parametrize(
    ("entity_id", "host", "scopes", "domain"),
    [
        (HERE, "", ("ecole.fr", "univ-ici.fr"), "univ-ici.fr"),
        (HERE, "sso.ecole.fr", ("ecole.fr", "univ-ici.fr"), "univ-ici.fr"),
        ("https://idp.etu.univ-ici.fr/", "", ("etu.univ-ici.fr", "univ-ici.fr"), "univ-ici.fr"),
        ("HTTPS://ailleurs.org", "sso.UNIV-ici.fr", ("ecole.fr", "univ-ici.fr"), "univ-ici.fr"),
        (URN, "sso.univ-ici.fr", ("ici.fr", "univ-ici.fr"), "univ-ici.fr"),
        (URN, "sso.hote.example", ("ecole.fr", "etu.univ-ici.fr", "univ-ici.fr"), "univ-ici.fr"),
        (URN, "", ("etu.univ-ici.fr", "x.ici.fr", "univ-ici.fr", "ici.fr"), "ici.fr"),
        (URN, "", ("ecole.fr", "ici.fr"), "ecole.fr"),
        (HERE, "", ("eviluniv-ici.fr", "x-univ-ici.fr"), "eviluniv-ici.fr"),
        ("https://[", "", ("ecole.fr",), "ecole.fr"),
        (HERE, "", (), ""),
    ],
)
def test_a_university_is_recognised_by_its_own_domain(
    entity_id: str, host: str, scopes: tuple[str, ...], domain: str
) -> None:
    assert IdentityProvider(entity_id, (), scopes, sign_in_host=host).domain == domain
