"""Ending what can reach an account, as a person does it whose sign-in is of this morning."""

from datetime import timedelta

import pytest

from idp.domain.accounts import Account, Identity
from idp.domain.releases import Release
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World


@pytest.fixture
def this_morning(world: World) -> Traveller:
    """Signed in hours ago in two browsers, and to one application."""
    account = world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"), password=PASSWORD)
    world.services.stores.releases.note("camille", Release("exams", frozenset({"email"}), world.clock()))
    world.browser().signed_in(account)
    person = world.browser().signed_in(account)
    world.clock.ahead = timedelta(hours=3)
    assert person.get("/account").step == "account"
    return person


def camille(world: World) -> Account:
    found = world.services.stores.accounts.find("camille")
    assert found
    return found


@pytest.mark.parametrize(
    ("button", "change"), [("Retirer l’accès", "application"), ("Déconnecter cet appareil", "session")]
)
def test_after_the_sign_in_one_button_ends_what_was_wanted(
    world: World, this_morning: Traveller, button: str, change: str
) -> None:
    assert this_morning.press(button).step == "email"
    this_morning.press("Se connecter", email=CAMILLE).press("Se connecter", password=PASSWORD)
    assert this_morning.step == "end-access"
    assert world.mails(CAMILLE) == []
    this_morning.press(button)
    assert this_morning.step == "account"
    assert button not in this_morning.text
    assert [mail["fields"]["change"] for mail in world.mails(CAMILLE)] == [change]


def test_after_the_sign_in_one_button_signs_out_everywhere(world: World, this_morning: Traveller) -> None:
    this_morning.press("Se déconnecter partout")
    this_morning.press("Se connecter", email=CAMILLE).press("Se connecter", password=PASSWORD)
    assert this_morning.step == "end-access"
    assert this_morning.press("Se déconnecter partout").step == "signed-out"
    assert world.services.stores.sessions.of_account("camille", now=world.clock()) == ()


def test_who_changes_their_mind_ends_nothing(world: World, this_morning: Traveller) -> None:
    this_morning.press("Retirer l’accès")
    this_morning.press("Se connecter", email=CAMILLE).press("Se connecter", password=PASSWORD)
    (back,) = this_morning.tree.xpath("//main//a/@href")
    assert this_morning.get(back).step == "account"
    assert [release.client_id for release in camille(world).releases] == ["exams"]


def test_signing_out_of_this_browser_asks_for_nothing(this_morning: Traveller) -> None:
    assert this_morning.press("Se déconnecter").step == "signed-out"
