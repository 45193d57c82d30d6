"""The same university names somebody new for a mailbox that has an account: two accounts, and the person reads so."""

from typing import Any

import pytest

from idp.domain.accounts import Identity
from idp.domain.notices import LIFETIME as NOTICE_LIFETIME
from idp.domain.proofing import link_token
from tests.web.proofing_world import AUTRE, CAMILLE, EXEMPLE, PASSWORD, Traveller, World

BEFORE = Identity(EXEMPLE, "eppn", "camille-before@univ-exemple.fr")
TOLD = "Un compte existait déjà avec cette adresse, et l’établissement « Université d’Exemple » vous désigne"


def by_code(world: World) -> Traveller:
    """At the password, by the mailed code."""
    person = world.browser().start().prove()
    return person.press("Continuer", code=world.code(CAMILLE))


def by_link(world: World, person: Traveller) -> Traveller:
    """At the password, by the mailed link, in this browser."""
    token = link_token(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    return person.get(f"/proofing/link/{token}").press("Confirmer mon adresse")


def notices(world: World) -> list[dict[str, Any]]:
    return [mail for mail in world.mails(CAMILLE) if mail["kind"] == "earlier_account"]


def test_the_person_reads_it_with_the_password_and_goes_on(world: World) -> None:
    world.account("before", CAMILLE, BEFORE)
    person = by_code(world)
    assert person.step == "new-password"
    assert TOLD in person.text
    (event,) = world.events("proofing.identity_conflict")
    assert f"en donnant la référence {event['reference']}" in person.text
    assert "before" not in person.last.text
    assert TOLD in person.press("Créer", password="court").text, "a password that is not taken"
    person.press("Créer", password=PASSWORD)
    assert person.step == "account"
    assert world.services.stores.accounts.by_address(CAMILLE) != world.services.stores.accounts.find("before")


def test_the_mailbox_gets_it_in_writing_in_both_languages(world: World) -> None:
    world.account("before", CAMILLE, BEFORE)
    by_code(world).press("Créer", password=PASSWORD)
    (mail,) = notices(world)
    (event,) = world.events("proofing.identity_conflict")
    assert (mail["locale"], mail["reference"]) == (None, event["reference"])
    assert mail["fields"] == {"university": "Université d’Exemple"}
    assert mail["expires_at"] - mail["created_at"] == NOTICE_LIFETIME


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_link_that_was_followed_tells_it_as_well(world: World, is_elsewhere: bool) -> None:
    world.account("before", CAMILLE, BEFORE)
    person = world.browser().start().prove()
    person = by_link(world, world.browser() if is_elsewhere else person)
    assert person.step == "new-password"
    assert TOLD in person.text
    assert len(notices(world)) == (0 if is_elsewhere else 1), "nothing is taken over before the password is chosen"
    assert person.press("Créer", password=PASSWORD).step == "account"
    assert len(notices(world)) == 1


@pytest.mark.parametrize(
    "known",
    [
        None,
        Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"),
        Identity(AUTRE, "eppn", "camille@autre.fr"),
        Identity(EXEMPLE, "targeted-id", f"{EXEMPLE}!sp!1"),
    ],
)
def test_nobody_reads_it_where_the_university_names_nobody_new(world: World, known: Identity | None) -> None:
    if known is not None:
        world.account("known", CAMILLE, known)
    person = by_code(world)
    assert TOLD not in person.text
    person.press("Créer", password=PASSWORD)
    elsewhere = by_link(world, _proved_again(world))
    assert TOLD not in elsewhere.text
    assert notices(world) == []


def _proved_again(world: World) -> Traveller:
    world.browser().start().prove()
    return world.browser()
