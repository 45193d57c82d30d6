"""No way leads past the mailbox: neither the last page's form, sent early, nor a link that belongs to another proof."""

import pytest

from idp.domain.proofing import link_token
from tests.saml import identity_provider as university
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World

OTHER = "presidence@univ-exemple.fr"


def without_mail(world: World) -> university.Draft:
    return world.draft(eppn=("cdurand@univ-exemple.fr",), displayName=("Camille Durand",))


@pytest.fixture(params=["released", "given"])
def address(request: pytest.FixtureRequest) -> str:
    return CAMILLE if request.param == "released" else OTHER


def proved(world: World, person: Traveller, address: str) -> Traveller:
    """Back from the university, at the mailbox with this address, which it released or the person gave."""
    if address == CAMILLE:
        return person.prove()
    return person.prove(without_mail(world)).press("Recevoir le code", email=address)


def test_o_25_the_password_s_form_sent_before_the_mail_was_read_is_refused(world: World, address: str) -> None:
    person = proved(world, world.browser().start(address), address)
    assert person.step == "check-mailbox"
    person.post(f"/sign-in/{person.handle}/new-password", password=PASSWORD)
    assert (person.step, person.last.status_code) == ("error", 400)
    assert world.services.stores.accounts.by_address(address) is None
    assert person.get(person.links()["Continuer"]).step == "check-mailbox", "the journey itself goes on"


def test_o_24_a_followed_link_proves_no_other_mailbox(world: World, address: str) -> None:
    """Who followed a link of their own goes to the university once more in the same journey, for another mailbox."""
    world.browser().start().prove()
    token = link_token(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    person = world.browser()
    person.get(f"/proofing/link/{token}").press("Confirmer")
    handle = person.handle
    proved(world, person.post(f"/sign-in/{handle}/address", email=address), address)
    assert person.step == "check-mailbox"
    person.post(f"/sign-in/{handle}/new-password", password=PASSWORD)
    assert world.services.stores.accounts.by_address(address) is None
