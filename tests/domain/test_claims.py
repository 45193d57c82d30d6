from datetime import UTC, datetime

from idp.domain.accounts import Account, Identity
from idp.domain.claims import SCOPES, claims_of, display_name

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_claims_are_what_the_university_said_and_the_proven_address() -> None:
    account = Account(
        "1",
        "subject",
        NOW,
        identities=(
            Identity("https://idp.example", "subject-id", "s@univ-exemple.fr"),
            Identity("https://idp.example", "eppn", "cexemple@univ-exemple.fr"),
        ),
        addresses=("camille.exemple@univ-exemple.fr", "old@univ-exemple.fr"),
        attributes={
            "displayName": ("Camille Exemple",),
            "givenName": ("Camille",),
            "eduPersonScopedAffiliation": ("student@univ-exemple.fr", "member@univ-exemple.fr"),
            "unknown": ("x",),
        },
        proved_at=NOW,
    )
    assert claims_of(account) == {
        "name": "Camille Exemple",
        "given_name": "Camille",
        "eduperson_principal_name": "cexemple@univ-exemple.fr",
        "eduperson_scoped_affiliation": ["student@univ-exemple.fr", "member@univ-exemple.fr"],
        "voperson_external_affiliation": ["student@univ-exemple.fr", "member@univ-exemple.fr"],
        "voperson_external_id": ["s@univ-exemple.fr", "cexemple@univ-exemple.fr"],
        "email": "camille.exemple@univ-exemple.fr",
        "email_verified": True,
        "locale": "fr",
        "updated_at": int(NOW.timestamp()),
        "affiliation_checked_at": int(NOW.timestamp()),
    }


def test_every_claim_belongs_to_a_scope() -> None:
    account = Account("1", "s", NOW, addresses=("a@univ-exemple.fr",), proved_at=NOW)
    known = {claim for claims in SCOPES.values() for claim in claims}
    assert set(claims_of(account)) <= known


def test_a_person_is_named_as_well_as_the_attributes_allow() -> None:
    assert display_name({"displayName": ("Camille Exemple",)}) == "Camille Exemple"
    assert display_name({"givenName": ("Camille",), "sn": ("Exemple",)}) == "Camille Exemple"
    assert display_name({}) == ""
