from datetime import UTC, datetime, timedelta

from idp.domain.accounts import Account, Identity
from idp.domain.affiliations import AffiliationPeriods, Period
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
    assert claims_of(account, AffiliationPeriods(), now=NOW) == {
        "name": "Camille Exemple",
        "given_name": "Camille",
        "eduperson_principal_name": "cexemple@univ-exemple.fr",
        "eduperson_scoped_affiliation": ["student@univ-exemple.fr", "member@univ-exemple.fr"],
        "voperson_external_affiliation": ["student@univ-exemple.fr", "member@univ-exemple.fr"],
        "voperson_external_id": ["s@univ-exemple.fr", "cexemple@univ-exemple.fr"],
        "email": "camille.exemple@univ-exemple.fr",
        "email_verified": True,
        "locale": "fr",
        "account_type": "university",
        "updated_at": int(NOW.timestamp()),
        "affiliation_checked_at": int(NOW.timestamp()),
    }


def test_every_claim_belongs_to_a_scope() -> None:
    account = Account("1", "s", NOW, addresses=("a@univ-exemple.fr",), proved_at=NOW)
    known = {claim for claims in SCOPES.values() for claim in claims}
    assert set(claims_of(account, AffiliationPeriods(), now=NOW)) <= known


def test_a_person_is_named_as_well_as_the_attributes_allow() -> None:
    assert display_name({"displayName": ("Camille Exemple",)}) == "Camille Exemple"
    assert display_name({"givenName": ("Camille",), "sn": ("Exemple",)}) == "Camille Exemple"
    assert display_name({}) == ""


def test_an_old_affiliation_drops_out_and_everything_else_stays() -> None:
    account = Account(
        "1",
        "s",
        NOW,
        identities=(Identity("https://idp.example", "eppn", "cexemple@univ-exemple.fr"),),
        addresses=("camille.exemple@univ-exemple.fr",),
        attributes={
            "displayName": ("Camille Exemple",),
            "eduPersonPrimaryAffiliation": ("student",),
            "eduPersonAffiliation": ("student", "member", "employee"),
            "eduPersonScopedAffiliation": ("student@univ-exemple.fr", "employee@univ-exemple.fr"),
            "supannEtuId": ("20260001",),
        },
        proved_at=NOW,
    )
    periods = AffiliationPeriods(own={"employee": Period(days=30)})
    fresh = claims_of(account, periods, now=NOW)
    later = claims_of(account, periods, now=NOW + timedelta(days=40))
    old = claims_of(account, periods, now=datetime(2028, 1, 1, tzinfo=UTC))
    assert later["eduperson_affiliation"] == ["student", "member"]
    assert later["eduperson_scoped_affiliation"] == ["student@univ-exemple.fr"]
    assert fresh.keys() - old.keys() == {
        "eduperson_affiliation",
        "eduperson_scoped_affiliation",
        "eduperson_primary_affiliation",
        "voperson_external_affiliation",
    }
    assert all(old[claim] == fresh[claim] for claim in old)
    assert {"affiliation_checked_at", "email", "name", "supann_etu_id", "eduperson_principal_name"} <= old.keys()
