"""O-23: the mailed link followed in another browser than the one that waits proves nothing before a password does."""

from typing import Any

import pytest

from idp.domain.accounts import Identity
from idp.domain.errors import ServiceUnavailable
from idp.domain.proofing import link_token
from idp.storage.proofing_records import ProofingRecordStore
from tests.web.proofing_world import AUTRE, CAMILLE, EXEMPLE, PASSWORD, Traveller, World

BUTTON = "Confirmer"


@pytest.fixture
def person(world: World) -> Traveller:
    """On the page that waits for the mailed link or code."""
    return world.browser().start().prove()


@pytest.fixture
def link(world: World, person: Traveller) -> str:
    return f"/proofing/link/{link_token(world.services.secret, world.mails(CAMILLE)[0]['record_id'])}"


def proofing(world: World) -> dict[str, Any]:
    (document,) = world.services.database.collection("proofings").find()
    return document


def test_o_23_a_scanner_s_click_changes_nothing_and_the_person_s_own_goes_on(
    world: World, person: Traveller, link: str
) -> None:
    before = proofing(world)
    assert world.browser().get(link).press(BUTTON).step == "new-password"
    after = proofing(world)
    assert after.pop("followed_as")
    assert after == {name: value for name, value in before.items() if name != "followed_as"}
    assert world.services.stores.accounts.by_address(CAMILLE) is None
    assert len(world.mails(CAMILLE)) == 1
    assert [event["reference"] for event in world.events("proofing.link_followed")] == [before["reference"]]
    assert person.get(link).press(BUTTON).step == "new-password"
    assert person.press("Créer", password=PASSWORD).step == "account"


def test_o_23_no_link_opens_before_its_person_has_gone_on_as_whom_the_university_named(world: World) -> None:
    person = world.browser().start("alix.roux@autre.fr")
    person.come_back(person.leave(EXEMPLE), world.draft())
    assert person.step == "other-person"
    stranger = world.browser().get(f"/proofing/link/{link_token(world.services.secret, proofing(world)['_id'])}")
    assert (stranger.last.status_code, stranger.step) == (400, "error")


@pytest.mark.parametrize("page", ["new-password", "person", "university-address"])
def test_no_page_of_another_step_is_shown_to_who_waits_for_the_mail(world: World, person: Traveller, page: str) -> None:
    assert person.get(f"/sign-in/{person.handle}/{page}").step == "check-mailbox"


def test_o_23_the_code_still_works_after_a_scanner_s_click(world: World, person: Traveller, link: str) -> None:
    world.browser().get(link).press(BUTTON)
    assert person.press("Continuer", code=world.code(CAMILLE)).step == "new-password"


def test_only_the_browser_that_began_denies_the_proof(world: World, person: Traveller, link: str) -> None:
    telephone = world.browser().get(link).press(BUTTON)
    telephone.post(f"/sign-in/{telephone.handle}/not-me/again", proofing=str(proofing(world)["_id"]))
    assert (telephone.last.status_code, telephone.step) == (400, "error")
    assert person.press("Continuer", code=world.code(CAMILLE)).step == "new-password"


def test_the_password_completes_the_proof_on_another_device(world: World, person: Traveller, link: str) -> None:
    telephone = world.browser().get(link).press(BUTTON)
    assert "autre appareil" in telephone.text
    assert telephone.press("Créer", password=PASSWORD).step == "account"
    account = world.services.stores.accounts.by_address(CAMILLE)
    assert account is not None
    (record,) = world.services.stores.proofing_records.of_account(account.id)
    assert record.confirmed_by == "link"
    # The first device asks for the password that was just chosen, and goes on where it came from.
    assert person.get("/account").step != "account"


def test_who_was_cut_half_way_on_another_device_chooses_the_password_there_once_more(
    world: World, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    telephone = world.browser().get(link).press(BUTTON)
    journey = f"/sign-in/{telephone.handle}"

    def away(*_: object, **__: object) -> None:
        raise ServiceUnavailable("database", "cut")

    with monkeypatch.context() as cut:
        cut.setattr(ProofingRecordStore, "add", away)
        assert telephone.press("Créer", password=PASSWORD).last.status_code == 503
    assert proofing(world)["state"] == "confirmed"
    assert telephone.get(journey).step == "new-password", telephone.text
    assert telephone.press("Créer", password=PASSWORD).step == "account"


def test_a_link_that_was_used_leads_on_in_the_browser_that_waited_alone(
    world: World, person: Traveller, link: str
) -> None:
    journey = f"/sign-in/{person.get(link).press(BUTTON).handle}"
    assert person.get(link).step == "error"
    assert journey in person.last.text
    assert world.browser().get(link).step == "error"
    assert journey not in world.browser().get(link).last.text


def test_the_first_device_is_told_that_the_password_is_chosen(world: World, person: Traveller, link: str) -> None:
    told = "votre mot de passe est choisi"
    code = world.code(CAMILLE)
    telephone = world.browser().get(link).press(BUTTON)
    assert "connectez-vous avec lui là où vous avez commencé" in telephone.text
    assert "sans rien retaper" not in telephone.text, "that is said where the journey began"
    telephone.press("Créer", password=PASSWORD)
    assert person.press("Continuer", code=code).step == "sign-in"
    assert told in person.text
    assert told in person.press("Se connecter", password="un mot de passe oublié").text
    assert person.press("Se connecter", password=PASSWORD).step == "account"
    assert told not in world.browser().start().text


def test_a_link_that_has_done_its_work_leads_on_and_begins_nothing_again(
    world: World, person: Traveller, link: str
) -> None:
    person.get(link).press(BUTTON).press("Créer", password=PASSWORD)
    assert person.get(link).step == "error"
    assert "La connexion est déjà faite" in person.text
    assert person.get(person.links()["Continuer"]).step == "account"
    stranger = world.browser().get(link)
    assert "votre adresse est confirmée" in stranger.text
    assert "Recommencer" not in stranger.links()
    assert stranger.get(stranger.links()["Continuer"]).step == "email"


def test_who_opens_the_link_after_the_code_goes_on_to_the_password(world: World, person: Traveller, link: str) -> None:
    person.press("Continuer", code=world.code(CAMILLE))
    assert "rien n’est perdu" in person.get(link).text
    assert "D’autres chemins" not in person.text, "there is one way on"
    assert person.get(person.links()["Continuer"]).step == "new-password"
    assert "Continuer" in world.browser().get(link).links(), "another browser has no part in that journey"
    assert person.press("Créer", password=PASSWORD).step == "account"


def test_a_password_that_is_refused_there_uses_nothing_up(world: World, person: Traveller, link: str) -> None:
    telephone = world.browser().get(link).press(BUTTON)
    assert telephone.press("Créer", password="court").last.status_code == 422
    assert proofing(world)["state"] == "vouched"
    assert telephone.press("Créer", password=PASSWORD).step == "account"


def test_o_23_the_button_works_once_elsewhere(world: World, person: Traveller, link: str) -> None:
    first, second = world.browser().get(link), world.browser().get(link)
    assert first.press(BUTTON).step == "new-password"
    assert second.press(BUTTON).step == "error"
    assert "Lien déjà ouvert" in second.text
    assert not second.tree.xpath("//main//a[contains(@href, '/sign-in/')]")
    assert world.browser().get(link).step == "error"


def test_o_23_the_button_pressed_twice_leads_back_to_the_journey_of_the_first_time(
    world: World, person: Traveller, link: str
) -> None:
    telephone = world.browser().get(link)
    page = telephone.last
    telephone.press(BUTTON)
    telephone.last = page
    assert telephone.press(BUTTON).last.status_code == 400
    assert "a déjà servi, ici ou sur un autre appareil" in telephone.text
    assert telephone.get(telephone.tree.xpath("//a[@class='button']/@href")[0]).step == "new-password"
    assert telephone.press("Créer", password=PASSWORD).step == "account"


def test_o_23_of_two_devices_one_chooses_the_password(world: World, person: Traveller, link: str) -> None:
    telephone = world.browser().get(link).press(BUTTON)
    assert person.press("Continuer", code=world.code(CAMILLE)).step == "new-password"
    assert person.press("Créer", password=PASSWORD).step == "account"
    assert telephone.press("Créer", password="une autre phrase bien longue et secrète").step in ("error", "sign-in")
    assert world.browser().get(link).step == "error"
    again = world.browser().start().press("Se connecter", password=PASSWORD)
    assert again.step == "account"


def test_o_23_once_the_code_was_typed_a_followed_link_leads_nowhere(world: World, person: Traveller, link: str) -> None:
    scanner = world.browser().get(link).press(BUTTON)
    page = scanner.last
    person.press("Continuer", code=world.code(CAMILLE))
    scanner.last = page
    refused = scanner.press("Créer", password=PASSWORD)
    assert refused.step == "error"
    assert person.press("Créer", password=PASSWORD).step == "account"


def test_whoever_followed_a_link_that_leads_nowhere_any_more_may_sign_in(
    world: World, person: Traveller, link: str
) -> None:
    telephone = world.browser().get(link).press(BUTTON)
    person.press("Continuer", code=world.code(CAMILLE))
    telephone.get(f"/sign-in/{telephone.handle}")
    assert telephone.step == "sign-in", telephone.text
    person.press("Créer", password=PASSWORD)
    assert telephone.press("Se connecter", password=PASSWORD).step == "account"


def test_o_24_who_signed_in_as_somebody_else_meanwhile_does_not_complete_it(
    world: World, person: Traveller, link: str
) -> None:
    telephone = world.browser().get(link).press(BUTTON)
    handle = telephone.handle
    world.account("other", "autre@autre.fr", password=PASSWORD)
    telephone.start("autre@autre.fr").press("Se connecter", password=PASSWORD)
    assert telephone.step == "account"
    assert telephone.post(f"/sign-in/{handle}/new-password", password=PASSWORD).step == "error"
    assert proofing(world)["state"] == "vouched"


def test_o_24_the_link_opens_nothing_where_somebody_else_is_signed_in(
    world: World, person: Traveller, link: str
) -> None:
    other = world.browser().signed_in(world.account("other", "autre@autre.fr", password=PASSWORD))
    assert other.get(link).step == "error"
    assert not other.tree.xpath("//button[contains(., 'Confirmer')]")


def test_o_24_nor_where_somebody_else_is_on_the_way(world: World, person: Traveller, link: str) -> None:
    other = world.browser().start("alix.roux@autre.fr")
    other.prove(world.draft(AUTRE, mail=("alix.roux@autre.fr",), eppn=("aroux@autre.fr",)))
    assert other.step == "check-mailbox"
    assert other.get(link).step == "error"
    assert not other.tree.xpath("//button[contains(., 'Confirmer')]")


def test_who_is_signed_in_reads_that_the_link_was_followed_and_not_that_they_are_done(
    world: World, person: Traveller, link: str
) -> None:
    world.browser().get(link).press(BUTTON)
    known = world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"))
    there = world.browser().signed_in(known).get(link)
    assert (there.last.status_code, there.step) == (400, "error")
    assert "La connexion est déjà faite" not in there.text


def test_who_is_signed_in_already_is_not_sent_on_before_the_link_is_used(world: World) -> None:
    first = world.browser().start().prove()
    first.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    world.browser().start().prove()
    token = link_token(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    assert first.get(f"/proofing/link/{token}").press(BUTTON).step == "new-password"
    assert first.press("Créer", password="une autre phrase bien longue et secrète").step == "account"


def test_the_newest_link_says_what_to_do_where_an_older_one_was_used(
    world: World, person: Traveller, link: str
) -> None:
    world.browser().start().prove()
    newest = link_token(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    assert person.get(link).press(BUTTON).press("Créer", password=PASSWORD).step == "account"
    late = world.browser().get(f"/proofing/link/{newest}")
    assert (late.step, late.last.status_code) == ("error", 400)
    assert "Si votre adresse est déjà confirmée, connectez-vous." in late.text
