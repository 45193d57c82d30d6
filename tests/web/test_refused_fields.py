"""Whatever a page of a journey refuses, it shows the journey's reference, under which the helpdesk finds the story."""

import re
from collections.abc import Callable

import pytest

from idp.app import assistance
from idp.domain.guessing import METHOD_BUDGET, Method
from idp.domain.one_time_codes import digits
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World

SIMPLE = "motdepasse"


def proven(world: World) -> Traveller:
    return world.browser().start(CAMILLE).prove().press("Continuer", code=world.code(CAMILLE))


def without_address(world: World) -> Traveller:
    draft = world.draft(eppn=("cdurand@univ-exemple.fr",), displayName=("Camille Durand",))
    return world.browser().start(CAMILLE).prove(draft)


def forgotten(world: World) -> Traveller:
    world.account("camille", CAMILLE, password=PASSWORD)
    person = world.browser().start(CAMILLE)
    person.send(f"/sign-in/{person.handle}/code/send", forgotten="yes")
    code = digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    return person.press("Se connecter", code=code)


def choosing(world: World) -> Traveller:
    person = world.browser().start(CAMILLE)
    person.get(f"/sign-in/{person.handle}/university")
    return person


REFUSED: dict[str, tuple[Callable[[World], Traveller], Callable[[Traveller], object]]] = {
    "email": (lambda world: world.browser().get("/account"), lambda person: person.press("Se connecter", email="a,b")),
    "sign-in": (
        lambda world: world.browser().start(CAMILLE),
        lambda person: person.press("Se connecter", password="ce n’est pas le bon"),
    ),
    "code": (
        lambda world: world.browser().start(CAMILLE).press("Recevoir le code"),
        lambda person: person.press("Se connecter", code="000000"),
    ),
    "check-mailbox": (
        lambda world: world.browser().start(CAMILLE).prove(),
        lambda person: person.press("Continuer", code="000000"),
    ),
    "give-address": (without_address, lambda person: person.press("Recevoir le code", email="camille@autre.fr")),
    "new-password": (proven, lambda person: person.press("Créer", password=SIMPLE)),
    "renewed password": (forgotten, lambda person: person.press("Créer", password=SIMPLE)),
    "passkey": (
        lambda world: world.browser().get("/account"),
        lambda person: person.send(f"/sign-in/{person.handle}/passkey", credential="{}", challenge="x.1.y"),
    ),
    "no university chosen": (choosing, lambda person: person.post(f"/sign-in/{person.handle}/university")),
    "choose-university": (choosing, lambda person: person.get(f"/sign-in/{person.handle}/university", q="atlantide")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_shows_the_reference_that_leads_to_the_story(world: World, name: str) -> None:
    arrive, refuse = REFUSED[name]
    person = arrive(world)
    assert _reference(person) is None, person.text
    refuse(person)
    assert person.tree.xpath("//*[@class='errors' or @aria-invalid='true' or @role='alert']"), person.text
    reference = _reference(person)
    assert reference
    assert assistance.timeline(world.services).of(reference)


def _reference(person: Traveller) -> str | None:
    found = re.search(r"Référence\s:\s([\w-]+)", " ".join(person.tree.text_content().split()))
    return found[1] if found else None


@pytest.mark.parametrize("address", [CAMILLE, "personne.inconnue@etu.univ-exemple.fr"])
def test_a_button_pressed_too_early_is_no_try(world: World, address: str) -> None:
    world.account("camille", CAMILLE, password=PASSWORD)
    person = world.browser().start(address)
    for _ in range(METHOD_BUDGET[Method.PASSWORD]):
        person.press("Se connecter", password="")
        assert (person.last.status_code, "Saisissez votre mot de passe." in person.text) == (422, True)
    person.press("Se connecter", password="ce n’est pas le bon")
    assert "Adresse ou mot de passe incorrect." in person.text, "the first guess"
    person.press("Recevoir le code").press("Se connecter", code=" ")
    assert "Saisissez le code à 6 chiffres du message." in person.text
