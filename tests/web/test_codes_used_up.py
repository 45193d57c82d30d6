"""A mailed code whose five tries are spent: the page says so, and asking again brings no fresh tries before its end."""

from datetime import timedelta

import pytest

from idp.domain.guessing import MAILS_PER_HOUR
from idp.domain.one_time_codes import ATTEMPTS, LIFETIME, digits
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World

USED_UP = "Trop d’essais avec ce code. Patientez quelques minutes"
UNKNOWN = "personne.inconnue@etu.univ-exemple.fr"


def right_code(world: World, to: str) -> str:
    mail = world.mails(to)[-1]
    return digits(world.services.secret, mail["record_id"] if mail["kind"] == "sign_in_code" else "")


def spend(person: Traveller, button: str, right: str) -> None:
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(ATTEMPTS):
        person.press(button, code=wrong)
    assert "Ce n’est pas le code attendu" in person.text


@pytest.fixture
def asking(world: World) -> Traveller:
    world.account("camille", CAMILLE, password=PASSWORD)
    return world.browser().start(CAMILLE).press("Recevoir le code")


@pytest.mark.parametrize("address", [CAMILLE, UNKNOWN])
def test_o_18_a_used_up_code_says_so_however_often_it_is_mailed(world: World, asking: Traveller, address: str) -> None:
    person = asking if address == CAMILLE else world.browser().start(address).press("Recevoir le code")
    right = right_code(world, address)
    spend(person, "Se connecter", right)
    assert USED_UP in person.press("Se connecter", code=right).text
    assert (person.step, person.last.status_code) == ("code", 422)
    assert "Saisissez le code du dernier message" not in person.text, "it cannot work"
    person.press("Renvoyer le code")
    assert USED_UP in person.text, "also of the same code that is on its way once more"
    assert "C’est fait" not in person.text
    assert right_code(world, address) == right
    assert len(world.mails(address)) == 2
    assert USED_UP in person.press("Se connecter", code=right).text


AGAIN = "Demander un nouvel envoi ne fait pas de mal"


def test_the_words_around_a_refused_code_go_with_the_refusal(world: World, asking: Traveller) -> None:
    assert "vient de partir" in asking.text
    right = right_code(world, CAMILLE)
    asking.press("Se connecter", code="12")
    assert "vient de partir" not in asking.text, "it may be long since"
    assert "Saisissez le code du dernier message reçu" in asking.text
    assert AGAIN in asking.text
    spend(asking, "Se connecter", right)
    asking.press("Se connecter", code=right)
    assert AGAIN not in asking.text, "the code that is mailed again cannot work"
    for _ in range(MAILS_PER_HOUR):
        asking.press("Renvoyer le code")
    assert USED_UP in asking.text, "also where no mail goes out any more"
    assert AGAIN not in asking.text


def test_where_no_mail_goes_out_any_more_nobody_is_told_to_ask_for_one(world: World, asking: Traveller) -> None:
    for _ in range(MAILS_PER_HOUR):
        asking.press("Renvoyer le code")
    assert "patientez une heure" in asking.text
    assert AGAIN not in asking.text


def test_who_has_used_up_the_mails_to_a_new_address_still_has_where_to_type_its_code(world: World) -> None:
    person = world.browser().signed_in(world.account("ines", "ines@univ-exemple.fr"))
    person.get("/account/addresses/new").press("Recevoir le code", email=CAMILLE)
    for _ in range(MAILS_PER_HOUR):
        person.press("Renvoyer le code")
    assert person.step == "new-address-code"
    assert "patientez une heure" in person.text
    assert AGAIN not in person.text
    assert "vient de partir" not in person.text
    right = digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    person.press("Ajouter cette adresse", code=right)
    assert person.step == "account"
    assert person.get("/account/addresses/new").press("Recevoir le code", email="zoe@exemple.org").step == (
        "new-address-code"
    )


def test_o_16_fresh_tries_come_with_a_new_code_after_the_end_of_the_used_up_one(
    world: World, asking: Traveller
) -> None:
    spend(asking, "Se connecter", right_code(world, CAMILLE))
    world.clock.ahead += LIFETIME + timedelta(seconds=1)
    asking.press("Renvoyer le code")
    assert USED_UP not in asking.text
    assert len(world.mails(CAMILLE)) == 2
    assert asking.press("Se connecter", code=right_code(world, CAMILLE)).step == "account"


def test_a_code_that_is_over_is_not_said_to_be_used_up(world: World, asking: Traveller) -> None:
    right = right_code(world, CAMILLE)
    world.clock.ahead += LIFETIME + timedelta(seconds=1)
    assert "Ce code n’est plus valable" in asking.press("Se connecter", code=right).text


def test_the_mailbox_s_code_that_is_over_is_not_said_to_be_wrong(world: World) -> None:
    person = world.browser().start(CAMILLE).prove()
    right = world.code(CAMILLE)
    world.clock.ahead += LIFETIME + timedelta(seconds=1)
    for _ in range(2):
        assert "Ce code n’est plus valable" in person.press("Continuer", code=right).text
    assert world.services.database.collection("one_time_codes").count_documents({}) == 1, "none that nobody was mailed"
    person.press("Renvoyer le code")
    assert "Ce n’est pas le code attendu" in person.press("Continuer", code=right).text
    assert person.press("Continuer", code=world.code(CAMILLE)).step == "new-password"


def test_o_18_the_mailbox_s_used_up_code_says_so_and_its_link_is_mailed_again(world: World) -> None:
    person = world.browser().start(CAMILLE).prove()
    right = world.code(CAMILLE)
    spend(person, "Continuer", right)
    assert USED_UP in person.press("Continuer", code=right).text
    person.press("Renvoyer le code")
    assert person.step == "check-mailbox"
    assert len(world.mails(CAMILLE)) == 2


def test_o_18_an_added_address_s_used_up_code_says_so(world: World) -> None:
    person = world.browser().signed_in(world.account("ines", "ines@univ-exemple.fr"))
    person.get("/account/addresses/new").press("Recevoir le code", email=CAMILLE)
    right = digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    spend(person, "Ajouter cette adresse", right)
    assert USED_UP in person.press("Ajouter cette adresse", code=right).text
    person.press("Renvoyer le code")
    assert USED_UP in person.text
    assert "C’est fait" not in person.text


def test_a_code_that_is_sent_again_is_said_to_be(world: World, asking: Traveller) -> None:
    assert "le message repart" not in asking.text
    asking.press("Renvoyer le code")
    assert asking.step == "code"
    assert "C’est fait : le message repart vers votre boîte." in asking.text
    assert len(world.mails(CAMILLE)) == 2


def test_another_mail_to_a_new_address_goes_out(world: World) -> None:
    person = world.browser().signed_in(world.account("ines", "ines@univ-exemple.fr"))
    person.get("/account/addresses/new").press("Recevoir le code", email=CAMILLE).press("Renvoyer le code")
    assert person.step == "new-address-code"
    assert len(world.mails(CAMILLE)) == 2
