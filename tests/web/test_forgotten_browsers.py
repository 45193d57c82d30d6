"""A browser that signed in before has guesses of its own, until the account's owner has thrown everybody out."""

from collections.abc import Callable

import pytest

from idp.domain.accounts import Account, Identity
from idp.domain.guessing import METHOD_BUDGET, Method
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World

CDURAND = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")
Owner = Callable[[World, Account], object]


def goes_on_as_before(world: World, account: Account) -> None:
    """Nothing is done."""


def proves_again(world: World, account: Account) -> None:
    """As far as the mailbox: no password is chosen yet, which would end everything once more."""
    person = world.browser().start().prove()
    assert person.press("Continuer", code=world.code(CAMILLE)).step == "new-password", person.text


def changes_the_password(world: World, account: Account) -> None:
    person = world.browser().signed_in(account).get("/account/password")
    assert person.press("Créer", password="girafe violon tempête cactus").step == "account", person.text


def signs_out_everywhere(world: World, account: Account) -> None:
    person = world.browser().signed_in(account).get("/account/sign-out-everywhere")
    person.send("/account/sign-out-everywhere")
    assert world.events("account.signed_out_everywhere")


def guessing_after_strangers(world: World, browser: Traveller) -> str:
    """How a wrong guess in this browser is told once strangers have spent all that strangers have."""
    stranger = world.browser().start()
    for _ in range(METHOD_BUDGET[Method.PASSWORD]):
        stranger.press("Se connecter", password="pas la bonne phrase")
    browser.start().press("Se connecter", password="pas la bonne phrase")
    return str(world.events("sign_in.failed")[-1]["fields"]["problem"])


@pytest.mark.parametrize(
    ("owner", "told"),
    [
        (goes_on_as_before, "password.wrong"),
        (proves_again, "password.throttled"),
        (changes_the_password, "password.throttled"),
        (signs_out_everywhere, "password.throttled"),
    ],
)
def test_no_browser_keeps_guesses_of_its_own_once_the_owner_has_ended_everything(
    world: World, owner: Owner, told: str
) -> None:
    account = world.account("camille", CAMILLE, CDURAND, password=PASSWORD)
    attacker = world.browser().start()
    assert attacker.press("Se connecter", password=PASSWORD).step == "account", attacker.text
    attacker._client.delete_cookie("idp_session", domain="localhost")
    owner(world, account)
    assert guessing_after_strangers(world, attacker) == told


def test_a_browser_that_proves_one_account_keeps_its_own_guesses_for_another(world: World) -> None:
    world.account("ines", "ines@agence.example", password=PASSWORD)
    person = world.browser().start("ines@agence.example").press("Se connecter", password=PASSWORD)
    person._client.delete_cookie("idp_session", domain="localhost")
    person.start().prove().press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account", person.text
    (device,) = world.services.database.collection("devices").find()
    assert len(device["accounts"]) == 2
