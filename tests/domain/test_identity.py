from datetime import UTC, datetime
from typing import Any

import pytest

from idp.domain.accounts import Account, Identity
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider, within
from idp.domain.identity import accepted_address, accepted_attributes, accepted_identities, account_for
from idp.domain.proofing import Vouching

NOW = datetime(2026, 9, 1, tzinfo=UTC)
ENTITY = "https://idp.univ-exemple.fr/idp"
PROVIDER = IdentityProvider(ENTITY, (("fr", "Université d'Exemple"),), scopes=("univ-exemple.fr",))


def vouching(**changes: Any) -> Vouching:
    facts: dict[str, Any] = {
        "entity_id": ENTITY,
        "response_id": "_r",
        "assertion_id": "_a",
        "authn_instant": NOW,
        "authn_context": "",
        "identifiers": (("eppn", "cexemple@univ-exemple.fr"),),
        "mails": ("Camille.Exemple@etu.univ-exemple.fr",),
        "attributes": {},
    }
    return Vouching(**(facts | changes))


def account(identifier: str, *identities: tuple[str, str]) -> Account:
    return Account(identifier, "sub", NOW, tuple(Identity(ENTITY, kind, value) for kind, value in identities))


def test_a_mail_below_a_scope_is_accepted_and_cleaned() -> None:
    assert accepted_address(vouching(), PROVIDER) == "camille.exemple@etu.univ-exemple.fr"


@pytest.mark.parametrize(
    "mail",
    ["a@univ-autre.fr", "a@evilunivexemple.fr", "a@evil-univ-exemple.fr", "a@univ-exemple.fr.evil.example", "a@fr"],
)
def test_o_07_a_mail_outside_the_scope_is_refused(mail: str) -> None:
    with pytest.raises(Refusal) as refused:
        accepted_address(vouching(mails=(mail,)), PROVIDER)
    assert refused.value.reason in ("proofing.mail_out_of_scope", "proofing.mail_missing")


def test_o_07_the_administrators_list_adds_mail_domains() -> None:
    provider = IdentityProvider(ENTITY, (), scopes=("univ-exemple.fr",), mail_domains=("chu-exemple.fr",))
    assert accepted_address(vouching(mails=("a@chu-exemple.fr",)), provider) == "a@chu-exemple.fr"


def test_o_07_two_mails_in_scope_are_refused_and_the_one_in_scope_counts() -> None:
    for second in ("b@univ-exemple.fr", "a@etu.univ-exemple.fr"):
        with pytest.raises(Refusal, match=r"proofing\.mail_ambiguous"):
            accepted_address(vouching(mails=("a@univ-exemple.fr", second)), PROVIDER)
    assert accepted_address(vouching(mails=("a@gmail.com", "b@univ-exemple.fr")), PROVIDER) == "b@univ-exemple.fr"


@pytest.mark.parametrize(
    "value",
    [
        "cexemple@univ-autre.fr",
        "cexemple@evilunivexemple.fr",
        "cexemple@xuniv-exemple.fr",
        "cexemple",
        "@univ-exemple.fr",
        "cexemple@",
        # An application that reads up to the second @ takes it for another university's.
        "cexemple@univ-autre.fr@univ-exemple.fr",
        # As does one that normalizes what it compares (NFKC), as Django does with the names of users.
        "cexemple\uff20univ-autre.fr@univ-exemple.fr",
        "cexemple\ufe6buniv-autre.fr@univ-exemple.fr",
        # Seen as another person's by everybody who reads it.
        "cexe\u200bmple@univ-exemple.fr",
        "\u202emexe@univ-exemple.fr",
        # Below the scope: it may be the scope of another university of the federation.
        "cexemple@ecole.univ-exemple.fr",
    ],
)
def test_o_07_an_identifier_outside_the_scope_is_refused(value: str) -> None:
    with pytest.raises(Refusal) as refused:
        accepted_identities(vouching(identifiers=(("eppn", value),)), PROVIDER)
    assert refused.value.reason == "proofing.identifier_out_of_scope"


def test_o_07_one_identifier_outside_spoils_the_others() -> None:
    identifiers = (("subject-id", "x@univ-autre.fr"), ("eppn", "cexemple@univ-exemple.fr"))
    with pytest.raises(Refusal):
        accepted_identities(vouching(identifiers=identifiers), PROVIDER)


def test_o_07_scoped_values_of_another_university_are_left_out() -> None:
    attributes = {
        "displayName": ("Camille@univ-voisine.fr",),
        "eduPersonScopedAffiliation": (
            "student@univ-exemple.fr",
            "faculty@univ-voisine.fr",
            "staff@evil-univ-exemple.fr",
            "member@ecole.univ-exemple.fr",
            "faculty@univ-voisine.fr@univ-exemple.fr",
        ),
        "schacHomeOrganization": ("univ-voisine.fr", "ecole.univ-exemple.fr"),
    }
    assert accepted_attributes(vouching(attributes=attributes), PROVIDER) == {
        "displayName": ("Camille@univ-voisine.fr",),
        "eduPersonScopedAffiliation": ("student@univ-exemple.fr",),
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("eduPersonScopedAffiliation", "@univ-exemple.fr"),
        ("eduPersonScopedAffiliation", "univ-exemple.fr"),
        ("eduPersonScopedAffiliation", "member\uff20univ-autre.fr@univ-exemple.fr"),
        ("eduPersonScopedAffiliation", "member@univ-exemple.fr@univ-autre.fr"),
        ("schacHomeOrganization", "univ-autre.fr@univ-exemple.fr"),
        # European Student Identifier, which says who gave it.
        ("schacPersonalUniqueCode", "urn:schac:personalUniqueCode:int:esi:univ-autre.fr:123"),
        ("schacPersonalUniqueCode", "URN:SCHAC:personalUniqueCode:INT:ESI:Univ-Autre.fr:123"),
        ("schacPersonalUniqueCode", "urn:schac:personalUniqueCode:fr:univ-autre.fr:student:123"),
    ],
)
def test_o_07_what_only_another_university_may_say_is_left_out(name: str, value: str) -> None:
    assert accepted_attributes(vouching(attributes={name: (value,)}), PROVIDER) == {}


@pytest.mark.parametrize(
    "code",
    [
        "urn:schac:personalUniqueCode:int:esi:univ-exemple.fr:1.2.3",
        "urn:schac:personalUniqueCode:int:esi:FR:123456789AB",
        "urn:schac:personalUniqueCode:fr:Univ-Exemple.fr:student:123",
        "urn:schac:personalUniqueCode:se:LIN:87654321",
    ],
)
def test_a_code_of_the_university_itself_or_of_a_country_stays(code: str) -> None:
    attributes = {"schacPersonalUniqueCode": (code,)}
    assert accepted_attributes(vouching(attributes=attributes), PROVIDER) == attributes


def test_a_status_is_told_in_small_letters_however_the_university_writes_it() -> None:
    """Its values are compared without regard to case (eduPerson 202208, section 2.2), and applications do not."""
    attributes = {
        "eduPersonAffiliation": ("Student", "student", "MEMBER"),
        "eduPersonPrimaryAffiliation": ("Student",),
        "eduPersonScopedAffiliation": ("Student@Univ-Exemple.FR", "student@univ-exemple.fr"),
        "schacHomeOrganization": ("Univ-Exemple.fr",),
        "supannEtuId": ("A12",),
    }
    assert accepted_attributes(vouching(attributes=attributes), PROVIDER) == {
        "eduPersonAffiliation": ("student", "member"),
        "eduPersonPrimaryAffiliation": ("student",),
        "eduPersonScopedAffiliation": ("student@univ-exemple.fr",),
        "schacHomeOrganization": ("univ-exemple.fr",),
        "supannEtuId": ("A12",),
    }


def test_nothing_that_turns_the_direction_of_writing_reaches_pages_or_applications() -> None:
    attributes = {"displayName": ("Camille \u202e\u2067elpmexE\u2069\u2028",), "sn": ("\u202e",)}
    accepted = accepted_attributes(vouching(attributes=attributes), PROVIDER)
    assert accepted == {"displayName": ("Camille elpmexE",)}


def test_no_identifier_and_no_mail_are_told_apart() -> None:
    with pytest.raises(Refusal, match=r"proofing\.identifier_missing"):
        accepted_identities(vouching(identifiers=()), PROVIDER)
    with pytest.raises(Refusal, match=r"proofing\.mail_missing"):
        accepted_address(vouching(mails=()), PROVIDER)


def test_an_account_is_found_by_its_identity_whatever_the_case() -> None:
    known = account("1", ("eppn", "cexemple@univ-exemple.fr"))
    identities = accepted_identities(vouching(identifiers=(("eppn", "CExemple@Univ-Exemple.fr"),)), PROVIDER)
    assert account_for(identities, [known]) == known


def test_o_07_never_attaches_to_an_account_keyed_by_another_provider() -> None:
    elsewhere = Account("1", "sub", NOW, (Identity("https://other.example/idp", "eppn", "cexemple@univ-exemple.fr"),))
    assert account_for(accepted_identities(vouching(), PROVIDER), [elsewhere]) is None


def test_a_reassigned_principal_name_is_another_person() -> None:
    known = account("1", ("subject-id", "old@univ-exemple.fr"), ("eppn", "cexemple@univ-exemple.fr"))
    identifiers = (("subject-id", "new@univ-exemple.fr"), ("eppn", "cexemple@univ-exemple.fr"))
    with pytest.raises(Refusal, match="identity_conflict"):
        account_for(accepted_identities(vouching(identifiers=identifiers), PROVIDER), [known])


def test_a_renamed_principal_with_the_same_subject_id_stays_the_same_person() -> None:
    known = account("1", ("subject-id", "s@univ-exemple.fr"), ("eppn", "maiden@univ-exemple.fr"))
    identifiers = (("subject-id", "s@univ-exemple.fr"), ("eppn", "married@univ-exemple.fr"))
    assert account_for(accepted_identities(vouching(identifiers=identifiers), PROVIDER), [known]) == known


def test_identifiers_of_two_accounts_are_never_merged() -> None:
    accounts = [account("1", ("subject-id", "s@univ-exemple.fr")), account("2", ("eppn", "cexemple@univ-exemple.fr"))]
    identifiers = (("subject-id", "s@univ-exemple.fr"), ("eppn", "cexemple@univ-exemple.fr"))
    with pytest.raises(Refusal, match="identity_conflict"):
        account_for(accepted_identities(vouching(identifiers=identifiers), PROVIDER), accounts)


def test_domains_are_compared_on_label_boundaries() -> None:
    assert within("etu.univ-exemple.fr", ("univ-exemple.fr",))
    assert not within("evilunivexemple.fr", ("exemple.fr",))
    assert not within("anything.fr", ("",))


TARGETED = ("targeted-id", f"{ENTITY}!https://connexion.exemple.fr/saml!Hj7k+Q==")


def test_a_targeted_id_of_the_provider_itself_is_accepted_as_it_stands() -> None:
    assert accepted_identities(vouching(identifiers=(TARGETED,)), PROVIDER) == (Identity(ENTITY, *TARGETED),)


@pytest.mark.parametrize(
    "value",
    [
        "https://idp.autre.fr/idp!https://connexion.exemple.fr/saml!Hj7k",
        f"{ENTITY}2!https://connexion.exemple.fr/saml!Hj7k",
        f"{ENTITY}!https://connexion.exemple.fr/saml!",
        f"{ENTITY}!https://connexion.exemple.fr/saml",
        f"{ENTITY}!!Hj7k",
        "!sp!Hj7k",
        "Hj7k@univ-exemple.fr",
        "",
    ],
)
def test_o_07_a_targeted_id_qualified_by_another_provider_is_refused(value: str) -> None:
    with pytest.raises(Refusal) as refused:
        accepted_identities(vouching(identifiers=(("targeted-id", value),)), PROVIDER)
    assert refused.value.reason == "proofing.identifier_out_of_scope"


def test_o_07_other_kinds_do_not_pass_in_the_form_of_a_targeted_id() -> None:
    for kind in ("subject-id", "pairwise-id", "eppn"):
        with pytest.raises(Refusal, match=r"proofing\.identifier_out_of_scope"):
            accepted_identities(vouching(identifiers=((kind, TARGETED[1]),)), PROVIDER)


def test_targeted_ids_that_differ_in_case_alone_are_two_persons() -> None:
    other = (TARGETED[0], TARGETED[1].swapcase().replace(ENTITY.swapcase(), ENTITY))
    known = account("1", (other[0], other[1]))
    assert account_for(accepted_identities(vouching(identifiers=(TARGETED,)), PROVIDER), [known]) is None


def test_a_principal_name_with_another_targeted_id_is_a_conflict_and_never_merged() -> None:
    known = account("1", ("eppn", "cexemple@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!before"))
    identifiers = (("eppn", "cexemple@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!after"))
    with pytest.raises(Refusal, match="identity_conflict"):
        account_for(accepted_identities(vouching(identifiers=identifiers), PROVIDER), [known])


@pytest.mark.parametrize("kind", ["subject-id", "pairwise-id"])
def test_a_lasting_identifier_outlives_the_targeted_id(kind: str) -> None:
    known = account("1", (kind, "s@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!before"))
    identifiers = ((kind, "s@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!after"))
    assert account_for(accepted_identities(vouching(identifiers=identifiers), PROVIDER), [known]) == known


def test_a_new_lasting_identifier_beside_the_known_targeted_id_is_a_conflict() -> None:
    known = account("1", ("subject-id", "old@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!x"))
    identifiers = (("subject-id", "new@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!x"))
    with pytest.raises(Refusal, match="identity_conflict"):
        account_for(accepted_identities(vouching(identifiers=identifiers), PROVIDER), [known])


def test_a_person_known_by_a_targeted_id_gains_a_better_identifier() -> None:
    known = account("1", ("targeted-id", f"{ENTITY}!sp!x"))
    identifiers = (("subject-id", "new@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!x"))
    assert account_for(accepted_identities(vouching(identifiers=identifiers), PROVIDER), [known]) == known


def test_a_lasting_identifier_that_the_account_does_not_have_excuses_no_other_targeted_id() -> None:
    known = account("1", ("eppn", "cexemple@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!before"))
    identifiers = (
        ("subject-id", "new@univ-exemple.fr"),
        ("eppn", "cexemple@univ-exemple.fr"),
        ("targeted-id", f"{ENTITY}!sp!after"),
    )
    with pytest.raises(Refusal, match="identity_conflict"):
        account_for(accepted_identities(vouching(identifiers=identifiers), PROVIDER), [known])


def test_a_renamed_principal_with_the_same_targeted_id_stays_the_same_person() -> None:
    known = account("1", ("eppn", "maiden@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!x"))
    identifiers = (("eppn", "married@univ-exemple.fr"), ("targeted-id", f"{ENTITY}!sp!x"))
    assert account_for(accepted_identities(vouching(identifiers=identifiers), PROVIDER), [known]) == known


@pytest.mark.parametrize("value", ["new@univ-exemple.fr", "old@univ-exemple.fr"])
@pytest.mark.parametrize("kind", ["subject-id", "pairwise-id"])
def test_two_accounts_that_became_one_are_found_by_the_identifiers_of_both(kind: str, value: str) -> None:
    known = account("1", (kind, "new@univ-exemple.fr"), (kind, "old@univ-exemple.fr"))
    assert account_for([Identity(ENTITY, kind, value)], [known]) == known
