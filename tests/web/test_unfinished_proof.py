"""A proof that was left at its last page, on a computer that others use, ends with whatever else was open."""

import pytest

from idp.app import flows, own_account
from idp.domain.accounts import Identity
from idp.domain.proofing import link_token
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World

OTHER_PASSWORD = "une autre phrase bien longue et secrète"


@pytest.fixture(params=["code", "link"])
def left(request: pytest.FixtureRequest, world: World) -> Traveller:
    """Left at the password, after the code, or after the mailed link's button in another browser."""
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"), password=PASSWORD)
    person = world.browser().start().prove()
    if request.param == "code":
        return person.press("Continuer", code=world.code(CAMILLE))  # type: ignore[return-value]
    token = link_token(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    return world.browser().get(f"/proofing/link/{token}").press("Confirmer")  # type: ignore[return-value]


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
