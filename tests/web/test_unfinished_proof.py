"""A proof that was left at its last page, on a computer that others use, ends with whatever else was open."""

import pytest

from idp.app import assistance, flows, own_account, ways_in
from idp.domain.accounts import Account, Identity
from idp.domain.helpdesk import Act
from idp.domain.proofing import link_token
from tests.web.proofing_world import AUTRE, CAMILLE, EXEMPLE, PASSWORD, Traveller, World
from tests.web.visitor import Visitor

OTHER_PASSWORD = "une autre phrase bien longue et secrète"


@pytest.fixture(params=["code", "link"])
def left(request: pytest.FixtureRequest, world: World) -> Traveller:
    """Left at the password, after the code, or after the mailed link's button in another browser."""
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"), password=PASSWORD)
    person = world.browser().start().prove()
    if request.param == "code":
        return person.press("Continuer", code=world.code(CAMILLE))
    token = link_token(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    return world.browser().get(f"/proofing/link/{token}").press("Confirmer")


@pytest.mark.parametrize("how", ["everywhere", "password", "closed"])
def test_no_password_is_chosen_there_any_more(world: World, left: Traveller, how: str) -> None:
    account = world.services.stores.accounts.find("camille")
    assert account is not None
    owner, flow = world.browser().signed_in(account), flows.account(world.services)
    if how == "everywhere":
        flow.sign_out_everywhere(account, owner.session)
    elif how == "closed":
        own_account.closing(world.services).close(account)
    else:
        flow.change_password(account, owner.session, OTHER_PASSWORD + " encore", None)
    assert left.step == "new-password"
    left.press("Créer", password=OTHER_PASSWORD)
    assert left.step == "error"
    back = world.browser().start().press("Se connecter", password=OTHER_PASSWORD)
    assert back.step == "sign-in"


def camille(world: World) -> Account:
    found = world.services.stores.accounts.find("camille")
    assert found is not None
    return found


def assert_over(world: World, left: Visitor) -> None:
    before = camille(world).password_hash
    left.press("Créer", password=OTHER_PASSWORD)
    assert left.step == "error"
    assert camille(world).password_hash == before


def test_nor_where_its_address_was_taken_away_before(world: World) -> None:
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"), password=PASSWORD)
    left = world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))
    assert left.step == "new-password"
    services = world.services
    services.stores.account_addresses.add("camille", "camille@agence.example")
    owner = world.browser().signed_in(camille(world))
    assert ways_in.addresses(services).remove(camille(world), CAMILLE)
    flows.account(services).change_password(camille(world), owner.session, PASSWORD + " encore", None)
    assert_over(world, left)


def test_nor_where_its_person_proves_it_at_another_university_meanwhile(world: World) -> None:
    both = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"), Identity(AUTRE, "eppn", "camille@autre.fr")
    world.account("camille", CAMILLE, *both, password=PASSWORD)
    left = world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))
    said = world.draft(AUTRE, mail=("camille@autre.fr",), eppn=("camille@autre.fr",))
    person = world.browser().start("camille@autre.fr").prove(said)
    person.press("Continuer", code=world.code("camille@autre.fr"))
    assert person.step == "new-password", person.text
    assert person.press("Créer", password=PASSWORD + " encore").step == "account"
    assert_over(world, left)


def test_nor_where_the_account_was_disabled_meanwhile_and_enabled_again(world: World, left: Traveller) -> None:
    closing, act = assistance.account_closing(world.services), Act("alex", "compte volé")
    assert closing.close("camille", **act.fields)
    assert closing.reopen("camille", **act.fields)
    assert_over(world, left)


def merged(world: World) -> None:
    world.account("stays", "camille@agence.example")
    assert own_account.merging(world.services).merge_by_hand("stays", "camille")


def parted(world: World) -> None:
    merging, stays = own_account.merging(world.services), world.services.stores.accounts.find("stays")
    assert stays is not None
    (merge,) = merging.undoable(stays)
    assert merging.undo(stays, merge.id) is None


@pytest.mark.parametrize("is_parted", [False, True])
def test_nor_where_the_account_ended_in_another_one_meanwhile(world: World, left: Traveller, is_parted: bool) -> None:
    merged(world)
    if is_parted:
        parted(world)
    assert_over(world, left)
    stays = world.services.stores.accounts.find("stays")
    assert stays is not None
    assert stays.password_hash is None


def test_nor_in_the_account_that_another_one_was_parted_from_meanwhile(world: World) -> None:
    """They were two people's: who is at the last page came there as the other one."""
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"))
    merged(world)
    left = world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))
    assert left.step == "new-password"
    parted(world)
    assert_over(world, left)
    stays = world.services.stores.accounts.find("stays")
    assert stays is not None
    assert stays.password_hash is None


def test_nor_where_the_identifier_that_led_there_was_taken_from_the_account(world: World) -> None:
    """The university named the wrong person by it: they are at the last page when somebody who helps takes it away."""
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"), password=PASSWORD)
    left = world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))
    act = Act("alex", "identifiant réattribué")
    assert assistance.people(world.services).unlink("camille", "cdurand@univ-exemple.fr", act)
    assert_over(world, left)
