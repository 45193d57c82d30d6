"""A proof gives an account another password and takes its passkeys: its person reads of that at every other address."""

from idp.domain.accounts import Identity
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, World

EPPN = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")
PERSONAL = "camille@agence.example"


def kinds(world: World, address: str) -> list[str]:
    return [str(mail["kind"]) for mail in world.mails(address)]


def test_every_other_address_of_an_account_is_told_of_the_password_that_a_proof_gave_it(world: World) -> None:
    """Whoever took over the university's login and its mailbox must not be the only one to know."""
    world.account("camille", CAMILLE, EPPN, password=PASSWORD)
    world.services.stores.account_addresses.add("camille", PERSONAL)
    person = world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))
    assert person.press("Créer", password="une tout autre phrase bien longue").step == "account"
    assert kinds(world, PERSONAL) == ["password_changed"]
    assert kinds(world, CAMILLE) == ["proofing"], "which they have just read there"


def test_the_first_password_of_a_new_account_is_no_news(world: World) -> None:
    person = world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))
    assert person.press("Créer", password=PASSWORD).step == "account"
    assert kinds(world, CAMILLE) == ["proofing"]


def test_whoever_loses_an_address_to_a_proof_reads_of_it_at_the_others(world: World) -> None:
    """Password and sessions went with it: somebody at the university could have an account taken apart unseen."""
    world.account("before", CAMILLE, password=PASSWORD)
    world.services.stores.account_addresses.add("before", PERSONAL)
    world.browser().start().prove().press("Continuer", code=world.code(CAMILLE))
    (told,) = world.mails(PERSONAL)
    assert (told["kind"], told["fields"]) == ("addresses_changed", {"change": "moved", "changed": CAMILLE})
    assert kinds(world, CAMILLE) == ["proofing"]
