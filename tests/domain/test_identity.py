from datetime import UTC, datetime
from typing import Any

import pytest

from idp.domain.accounts import Account, Identity
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider, within
from idp.domain.identity import accepted_address, accepted_identities, account_for
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
    with pytest.raises(Refusal):
        accepted_address(vouching(mails=("a@univ-exemple.fr", "b@univ-exemple.fr")), PROVIDER)
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
