"""The language that somebody chose is the one in which they are written to later, when no page is open."""

from idp.domain.one_time_codes import digits
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World

OTHER_PASSWORD = "un voleur passe sous la fenêtre ouverte"


def in_english(person: Traveller) -> Traveller:
    """By the link at the foot of this page."""
    return person.get(person.tree.xpath("//a[@hreflang='en']/@href")[0])


def enrolled(world: World, *, english: bool) -> Traveller:
    person = world.browser().start().prove()
    person.press("Continuer", code=world.code(CAMILLE))
    if english:
        in_english(person).press("Create", password=PASSWORD)
    else:
        person.press("Créer", password=PASSWORD)
    assert person.step == "account"
    return person


def sign_in_code(world: World) -> str:
    return digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])


def locale(world: World) -> str:
    account = world.services.stores.accounts.by_address(CAMILLE)
    assert account is not None
    return account.locale


def test_it_is_the_one_of_the_page_on_which_the_password_was_chosen(world: World) -> None:
    person = enrolled(world, english=True)
    assert locale(world) == "en"
    assert person.get("/account/close").press("Close my account").step == "account-closed"
    assert (world.mails(CAMILLE)[-1]["kind"], world.mails(CAMILLE)[-1]["locale"]) == ("account_closed", "en")


def test_another_choice_counts_with_the_next_password_and_its_mail(world: World) -> None:
    person = enrolled(world, english=False)
    assert locale(world) == "fr"
    in_english(person.get("/account/password")).press("Create", password=OTHER_PASSWORD)
    assert person.step == "account"
    assert locale(world) == "en"
    assert (world.mails(CAMILLE)[-1]["kind"], world.mails(CAMILLE)[-1]["locale"]) == ("password_changed", "en")


def test_so_does_one_after_a_forgotten_password(world: World) -> None:
    enrolled(world, english=False)
    person = world.browser().start().press("Recevoir le code", forgotten="yes")
    right = sign_in_code(world)
    in_english(person.press("Se connecter", code=right)).press("Create", password=OTHER_PASSWORD)
    assert person.step == "account"
    assert locale(world) == "en"
    again = world.browser().start().press("Recevoir le code", forgotten="yes")
    again.press("Se connecter", code=sign_in_code(world)).press("Créer", password=PASSWORD)
    assert locale(world) == "en", "nobody chose French there"
