"""However many people there are, no page of theirs has the database read all of anything: MongoDB itself says so."""

from collections.abc import Iterator
from contextlib import contextmanager

from idp.domain.accounts import Identity
from idp.domain.one_time_codes import digits
from tests.profiled import profiled
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, World

_OTHER_PASSWORD = "un canard jaune traverse la place"


@contextmanager
def nothing_is_read_whole(world: World) -> Iterator[None]:
    with profiled(world.services.database) as done:
        yield
    assert len(done) > 10
    whole = [operation for operation in done if operation.get("planSummary") == "COLLSCAN"]
    assert [(operation["op"], operation["ns"].partition(".")[2], operation["command"]) for operation in whole] == []


def test_of_a_first_sign_in(world: World) -> None:
    with nothing_is_read_whole(world):
        person = world.browser().ask().press("Se connecter", email=CAMILLE).prove()
        person.press("Renvoyer le code").press("Continuer", code="000000").press("Continuer", code=world.code(CAMILLE))
        person.press("Créer", password=PASSWORD)
        assert person.answer["code"]


def test_of_one_whose_mailbox_was_somebody_else_s(world: World) -> None:
    world.account("before", CAMILLE, Identity(EXEMPLE, "eppn", "before@univ-exemple.fr"), password=PASSWORD)
    with nothing_is_read_whole(world):
        person = world.browser().start(CAMILLE).prove()
        person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=_OTHER_PASSWORD)
        assert person.step == "account"


def test_of_the_sign_ins_that_follow_and_of_the_account_page(world: World) -> None:
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"), password=PASSWORD)
    with nothing_is_read_whole(world):
        world.browser().start(CAMILLE).press("Se connecter", password="ce n'est pas le bon")
        person = world.browser().ask().press("Se connecter", email=CAMILLE).press("Se connecter", password=PASSWORD)
        assert person.answer["code"]
        person = world.browser().start(CAMILLE).press("Recevoir le code")
        person.press("Se connecter", code=digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"]))
        assert person.step == "account"
        person.get("/account/password").post("/account/password", password=_OTHER_PASSWORD)
        person.post("/account/sign-out-everywhere").get("/account")
        assert world.events("account.password_changed")
