"""A university that releases no address: the person gives one within its domains and proves the mailbox by code."""

import pytest

from idp.domain.accounts import Identity
from idp.domain.guessing import MAILS_PER_HOUR
from idp.domain.one_time_codes import LIFETIME
from idp.domain.proofing import LINK_LIFETIME
from tests.saml import identity_provider as university
from tests.web.proofing_world import AUTRE, CAMILLE, EXEMPLE, PASSWORD, Traveller, World

CDURAND = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")


def without_mail(world: World, eppn: str = "cdurand@univ-exemple.fr") -> university.Draft:
    return world.draft(eppn=(eppn,), displayName=("Camille Durand",))


@pytest.fixture
def person(world: World) -> Traveller:
    """Back from a university that releases no address."""
    return world.browser().start(CAMILLE).prove(without_mail(world))


def test_the_person_gives_an_address_and_the_code_proves_it(world: World, person: Traveller) -> None:
    assert (person.last.status_code, person.step) == (200, "give-address")
    assert "Camille Durand" in person.text
    assert person.tree.xpath("//input[@name='email']/@value") == [CAMILLE]
    person.press("Recevoir le code", email=f" {CAMILLE.upper()} ")
    assert person.step == "check-mailbox"
    (mail,) = world.mails(CAMILLE)
    assert mail["kind"] == "given_address"
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account"
    account = world.services.stores.accounts.by_address(CAMILLE)
    assert account
    assert account.identities == (CDURAND,)


def test_a_mail_is_tried_for_as_long_as_something_in_it_leads_on(world: World, person: Traveller) -> None:
    person.press("Recevoir le code", email=CAMILLE)
    world.browser().start().prove()
    only_code, with_link = (mail["expires_at"] - mail["created_at"] for mail in world.mails(CAMILLE))
    assert (only_code, with_link > LINK_LIFETIME / 2) == (LIFETIME, True)


ANOTHER_UNIVERSITY = "qui mène à un autre établissement"


def test_an_address_of_another_university_is_told_beside_the_field(world: World) -> None:
    person = world.browser().start("camille@autre.fr").prove(without_mail(world))
    assert person.step == "give-address"
    assert f"Vous aviez saisi camille@autre.fr, {ANOTHER_UNIVERSITY}" in person.text


@pytest.mark.parametrize("typed", [CAMILLE, "camille@courriel.example"])
def test_no_other_university_is_told_where_the_address_leads_to_this_one_or_to_none(world: World, typed: str) -> None:
    person = world.browser().start(typed).prove(without_mail(world))
    assert person.step == "give-address"
    assert ANOTHER_UNIVERSITY not in person.text


@pytest.mark.parametrize(
    "typed",
    [
        "camille@courriel.example",
        "camille@autre.fr",
        "camille@evilunivexemple.fr",
        "camille@univ-exemple.fr.evil.example",
    ],
)
def test_o_07_an_address_of_another_domain_is_refused_with_a_sentence(
    world: World, person: Traveller, typed: str
) -> None:
    person.press("Recevoir le code", email=typed)
    assert (person.last.status_code, person.step) == (422, "give-address")
    assert "domaine de votre université" in person.text
    assert world.mails(typed) == []


@pytest.mark.parametrize(
    "typed", ["", "camille", "a@univ-exemple.fr, b@univ-exemple.fr", "a@univ-exemple.fr\r\nBcc: b@x.fr"]
)
def test_o_21_what_is_no_address_is_refused_with_a_sentence(person: Traveller, typed: str) -> None:
    person.press("Recevoir le code", email=typed)
    assert (person.last.status_code, person.step) == (422, "give-address")


def test_a_wrong_code_proves_nothing(world: World, person: Traveller) -> None:
    person.press("Recevoir le code", email=CAMILLE)
    wrong = f"{(int(world.code(CAMILLE)) + 1) % 1_000_000:06d}"
    assert person.press("Continuer", code=wrong).step == "check-mailbox"
    assert world.services.stores.accounts.by_address(CAMILLE) is None


def test_no_link_is_mailed_and_none_would_open(world: World, person: Traveller) -> None:
    """A mistyped address belongs to somebody who would click: their click must not get them this identity."""
    from idp.domain.proofing import link_token

    proofing = person.tree.xpath("//input[@name='proofing']/@value")[0]
    person.press("Recevoir le code", email=CAMILLE)
    stranger = world.browser()
    stranger.get(f"/proofing/link/{link_token(world.services.secret, proofing)}")
    assert (stranger.last.status_code, stranger.step) == (400, "error")


def test_an_address_known_of_another_account_is_not_taken_over(world: World, person: Traveller) -> None:
    owner = world.account("owner", CAMILLE, Identity(EXEMPLE, "eppn", "somebody@univ-exemple.fr"), password=PASSWORD)
    signed_in = world.browser().signed_in(owner)
    person.press("Recevoir le code", email=CAMILLE)
    assert person.step == "check-mailbox", "nothing tells that the address is known"
    refused = person.handle
    person.press("Continuer", code=world.code(CAMILLE))
    assert (person.last.status_code, person.step) == (403, "error")
    (event,) = world.events("proofing.identity_conflict")
    assert event["fields"] == {"entity_id": EXEMPLE, "kind": "address", "owner": owner.id}
    found = world.services.stores.accounts.find(owner.id)
    assert found
    assert (found.addresses, found.password_hash) == ((CAMILLE,), owner.password_hash)
    assert world.services.stores.accounts.by_identities([CDURAND]) == []
    assert signed_in.get("/account").step == "account"
    # The way on leads back to the ways of signing in, where the owner's password still works; so does every other one.
    begin_again = person.links()["Recommencer"]
    assert person.get(f"/sign-in/{refused}").step == "sign-in", "no password is chosen for a proof that was refused"
    person.get(begin_again)
    assert person.press("Se connecter", password=PASSWORD).step == "account"


def test_known_and_unknown_addresses_look_alike(world: World) -> None:
    world.account("owner", "known@univ-exemple.fr", Identity(EXEMPLE, "eppn", "somebody@univ-exemple.fr"))
    pages = []
    for address in ("known@univ-exemple.fr", "nobody@univ-exemple.fr"):
        person = world.browser().start(CAMILLE).prove(without_mail(world))
        person.press("Recevoir le code", email=address)
        pages.append((person.last.status_code, person.timeless.replace(address, "")))
    assert pages[0] == pages[1]


def test_the_account_of_the_same_person_takes_the_new_address(world: World, person: Traveller) -> None:
    world.account("camille", "old@univ-exemple.fr", CDURAND, password=PASSWORD)
    person.press("Recevoir le code", email=CAMILLE)
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account"
    account = world.services.stores.accounts.find("camille")
    assert account
    assert account.addresses == (CAMILLE, "old@univ-exemple.fr")


def test_one_person_cannot_have_a_whole_university_mailed(world: World) -> None:
    steps = []
    for number in range(MAILS_PER_HOUR + 1):
        person = world.browser().start(CAMILLE).prove(without_mail(world))
        steps.append(person.press("Recevoir le code", email=f"a{number}@univ-exemple.fr").step)
    assert steps == ["check-mailbox"] * MAILS_PER_HOUR + ["give-address"]
    assert "patientez une heure" in person.text
    assert world.mails(f"a{MAILS_PER_HOUR}@univ-exemple.fr") == []


def test_o_20_one_address_gets_no_more_mails_than_any_other(world: World, person: Traveller) -> None:
    person.press("Recevoir le code", email=CAMILLE)
    for _ in range(2 * MAILS_PER_HOUR):
        person.press("Renvoyer le code")
    assert len(world.mails(CAMILLE)) == MAILS_PER_HOUR


def test_the_address_of_a_waiting_proofing_is_given_once(world: World, person: Traveller) -> None:
    page = person.tree.xpath("//form[.//input[@name='email']]")[0]
    fields = {field.get("name"): field.get("value") for field in page.xpath(".//input[@name='proofing']")}
    person.press("Recevoir le code", email=CAMILLE)
    person.post(page.get("action"), email="other@univ-exemple.fr", **fields)
    assert (person.last.status_code, person.step) == (400, "error")
    assert world.mails("other@univ-exemple.fr") == []


@pytest.mark.parametrize("path", ["mailbox", "mailbox/send", "person"])
def test_nothing_is_mailed_before_an_address_is_given(world: World, person: Traveller, path: str) -> None:
    person.post(f"/sign-in/{world.handle()}/{path}", code="123456")
    assert person.step in ("error", "give-address")
    assert world.services.database.collection("outbox").count_documents({}) == 0


def test_somebody_else_signed_in_here_is_named(world: World) -> None:
    known = world.account("ines", "ines@autre.fr", Identity(AUTRE, "eppn", "ines@autre.fr"))
    person = world.browser().signed_in(known).ask_for_a_proof().prove(without_mail(world))
    assert person.step == "give-address"
    assert "ines@autre.fr" in person.text


def test_another_university_may_be_chosen_instead(world: World, person: Traveller) -> None:
    person.press("Choisir une autre université")
    assert person.step == "choose-university"
    other = {"mail": ("alix.roux@autre.fr",), "eppn": ("aroux@autre.fr",)}
    person.prove(world.draft(AUTRE, **other))
    assert person.step == "other-person", "the typed address leads to another university"


def test_o_07_whom_the_university_gave_an_address_cannot_give_another(world: World) -> None:
    other = "mai.nguyen@etu.univ-exemple.fr"
    person = world.browser().start(other).prove()
    assert person.step == "other-person"
    (proofing,) = set(person.tree.xpath("//input[@name='proofing']/@value"))
    page = f"/sign-in/{person.handle}/university-address"
    assert person.post(page, proofing=proofing, email=other).step == "error"
    assert world.mails(other) == []


def test_the_address_of_one_s_own_account_may_be_given_again(world: World, person: Traveller) -> None:
    world.account("camille", CAMILLE, CDURAND, password=PASSWORD)
    person.press("Recevoir le code", email=CAMILLE)
    assert person.press("Continuer", code=world.code(CAMILLE)).step == "new-password"
    assert world.events("proofing.identity_conflict") == []


def test_nor_does_somebody_who_has_an_account_take_over_the_address_of_another(world: World, person: Traveller) -> None:
    world.account("camille", "old@univ-exemple.fr", CDURAND, password=PASSWORD)
    world.account("owner", CAMILLE, Identity(EXEMPLE, "eppn", "somebody@univ-exemple.fr"), password=PASSWORD)
    person.press("Recevoir le code", email=CAMILLE)
    person.press("Continuer", code=world.code(CAMILLE))
    assert (person.last.status_code, person.step) == (403, "error")
    owner = world.services.stores.accounts.find("owner")
    assert owner
    assert owner.addresses == (CAMILLE,)
