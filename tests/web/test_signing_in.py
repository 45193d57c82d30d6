"""What a sign-in by password or by mailed code does beside letting the person in, and what a guess costs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.app import flows
from idp.domain.accounts import Account, Bounce
from idp.domain.authorization import PendingAuthorization
from idp.domain.errors import ServiceUnavailable
from idp.domain.guessing import METHOD_BUDGET, SHARED_BUDGET, WINDOW, Denied, Guesser, Method, guess_limit
from idp.domain.one_time_codes import LIFETIME, digits
from idp.domain.passwords import PasswordHasher
from idp.domain.sessions import SignedIn
from idp.flows.sign_in import Visitor as Tries
from idp.storage.learned_domains import LearnedDomains
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.outbox import Outbox
from tests.flows.one_person import at_the_end_of
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World
from tests.web.test_account_page import FIREFOX
from tests.web.test_invited import invite

OTHER = "noe@agence.example"
STRANGER = Tries(None, "192.0.2.1")


@pytest.fixture
def camille(world: World) -> Account:
    return world.account("camille", CAMILLE, password=PASSWORD)


def stored(world: World) -> Account:
    found = world.services.stores.accounts.find("camille")
    assert found
    return found


def code(world: World, to: str = CAMILLE) -> str:
    return digits(world.services.secret, world.mails(to)[-1]["record_id"])


def by_code(world: World, person: Traveller) -> Traveller:
    return person.press("Recevoir le code").press("Se connecter", code=code(world))


def waiting(world: World, person: Traveller) -> PendingAuthorization:
    """The request behind the page at which the person stands."""
    found = world.services.stores.authorizations.find(person.handle, person.session.browser, now=world.clock())
    assert found
    return found


@pytest.fixture
def of_another_cost(world: World) -> str:
    """A password that was hashed when the settings named another cost."""
    hashed = PasswordHasher(world.services.secret, 5).hash(PASSWORD)
    world.account("camille", CAMILLE)
    world.services.stores.accounts.set_password("camille", hashed, now=world.clock())
    return hashed


def test_a_right_password_is_hashed_anew_at_today_s_cost(world: World, of_another_cost: str) -> None:
    person = world.browser().start(CAMILLE).press("Se connecter", password="ce n’est pas le bon")
    assert stored(world).password_hash == of_another_cost
    assert person.press("Se connecter", password=PASSWORD).step == "account"
    anew = stored(world).password_hash
    assert anew
    assert anew.startswith("$2b$04$")
    assert world.services.hasher.verify(PASSWORD, anew)
    world.browser().start(CAMILLE).press("Se connecter", password=PASSWORD)
    assert stored(world).password_hash == anew, "which is done once"


def test_nobody_is_kept_out_because_there_is_no_place_to_hash_anew(
    world: World, of_another_cost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_place(*_: object) -> str:
        raise ServiceUnavailable("passwords", "too many hashes are waited for")

    monkeypatch.setattr(PasswordHasher, "hash", no_place)
    assert world.browser().start(CAMILLE).press("Se connecter", password=PASSWORD).step == "account"
    assert stored(world).password_hash == of_another_cost


@pytest.mark.parametrize("is_by_code", [True, False])
def test_a_mailed_code_that_came_shows_that_mail_reaches_the_address(
    world: World, camille: Account, is_by_code: bool
) -> None:
    world.services.stores.accounts.note_bounce(Bounce(CAMILLE, world.clock(), "5.1.1"))
    person = world.browser().start(CAMILLE)
    person = by_code(world, person) if is_by_code else person.press("Se connecter", password=PASSWORD)
    assert person.step == "account"
    assert bool(stored(world).bounces) is not is_by_code


def spent(world: World, limits: dict[str, int]) -> None:
    for name, limit in limits.items():
        for _ in range(limit):
            world.services.stores.limits.count(name, limit=limit, window=WINDOW, now=world.clock())


def test_o_28_a_right_code_is_not_looked_at_once_all_guesses_are_spent(world: World, camille: Account) -> None:
    person = world.browser().start(CAMILLE).press("Recevoir le code")
    spent(world, {guess_limit(world.services.secret, Guesser(camille.id), None): SHARED_BUDGET})
    person.press("Se connecter", code=code(world))
    assert (person.step, person.last.status_code) == ("code", 429)
    assert world.events("sign_in.failed")[-1]["fields"]["problem"] == "code.too_many"
    world.clock.ahead += WINDOW
    assert by_code(world, world.browser().start(CAMILLE)).step == "account"


def test_o_28_a_right_password_is_not_looked_at_once_those_by_password_are_spent(
    world: World, camille: Account
) -> None:
    secret, mine = world.services.secret, Guesser(camille.id)
    spent(world, {guess_limit(secret, mine, Method.PASSWORD): METHOD_BUDGET[Method.PASSWORD]})
    person = world.browser().start(CAMILLE).press("Se connecter", password=PASSWORD)
    assert (person.step, person.last.status_code) == ("sign-in", 429)
    assert by_code(world, person).step == "account", "the way in that is kept back for the owner"


@pytest.mark.parametrize(("way", "counts"), [("password", (1, 0, 1)), ("code", (0, 1, 1))])
def test_a_wrong_guess_counts_for_its_method_and_for_all_and_a_right_one_forgets_both(
    world: World, camille: Account, way: str, counts: tuple[int, int, int]
) -> None:
    secret, mine = world.services.secret, Guesser(camille.id)
    names = [guess_limit(secret, mine, method) for method in (Method.PASSWORD, Method.CODE, None)]

    def counted() -> tuple[int, ...]:
        found = world.services.stores.limits.counted(names, window=WINDOW, now=world.clock())
        return tuple(found.get(name, 0) for name in names)

    person = world.browser().start(CAMILLE)
    if way == "code":
        person.press("Recevoir le code")
        right, wrong = code(world), f"{(int(code(world)) + 1) % 1_000_000:06}"
    else:
        right, wrong = PASSWORD, "ce n’est pas le bon"
    person.press("Se connecter", **{way: wrong})
    assert counted() == counts
    assert person.press("Se connecter", **{way: right}).step == "account"
    assert counted() == (0, 0, 0)


@pytest.mark.parametrize("is_invited", [False, True])
def test_o_17_a_code_counts_for_the_address_that_it_was_mailed_to_alone(
    world: World, camille: Account, is_invited: bool
) -> None:
    """Two journeys of one browser; the request of one names the code of the other."""
    if is_invited:
        invite(world, OTHER)
    else:
        world.account("noe", OTHER)
    person = world.browser().start(OTHER).press("Recevoir le code")
    theirs = waiting(world, person)
    mine = waiting(world, person.start(CAMILLE))
    mixed = replace(mine, one_time_code_id=theirs.one_time_code_id)
    flow = flows.sign_in(world.services)
    assert flow.with_code(mixed, person.session, code(world, OTHER), STRANGER) == Denied("code.wrong")
    assert isinstance(flow.with_code(theirs, person.session, code(world, OTHER), STRANGER), SignedIn)


def test_o_16_a_code_that_is_used_while_it_is_looked_at_signs_nobody_in(
    world: World, camille: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.browser().start(CAMILLE).press("Recevoir le code")
    pending, codes = waiting(world, person), world.services.stores.codes
    used = pending.one_time_code_id
    assert used
    at_the_end_of(monkeypatch, (OneTimeCodeStore, "attempt"), lambda: codes.take(used, now=world.clock()))
    outcome = flows.sign_in(world.services).with_code(pending, person.session, code(world), STRANGER)
    assert outcome == Denied("code.expired")


def test_a_password_leaves_what_was_begun_at_a_university(world: World, camille: Account) -> None:
    """Who signs in another way is who they want to be."""
    person = world.browser().start(CAMILLE).prove()
    assert person.step == "check-mailbox"
    pending = waiting(world, person)
    assert pending.proofing_id
    person.get(f"/sign-in/{pending.id}/methods").press("Se connecter", password=PASSWORD)
    assert person.step == "account"


def test_nothing_is_tried_before_an_address_is_typed(world: World) -> None:
    person = world.browser().get("/account")
    person.send(f"/sign-in/{person.handle}/methods", password=PASSWORD)
    assert (person.last.status_code, person.step) == (400, "error")


def test_who_forgot_a_password_and_asks_for_the_mail_again_is_still_offered_another(
    world: World, camille: Account
) -> None:
    person = world.browser().start(CAMILLE).press("Recevoir le code", forgotten="yes").press("Renvoyer le code")
    assert person.press("Se connecter", code=code(world)).step == "new-password"


def test_the_mail_of_an_earlier_code_is_not_that_of_the_next_one(
    world: World, camille: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one was cut before its mail: whoever asks again at once gets it."""
    person = world.browser().start(CAMILLE)
    path = f"/sign-in/{person.handle}/code/send"
    person.post(path)
    world.clock.ahead += LIFETIME

    def away(*_: object) -> None:
        raise ServiceUnavailable("database", "cut")

    with monkeypatch.context() as cut:
        cut.setattr(Outbox, "put", away)
        assert person.post(path).last.status_code == 503
    person.post(path)
    first, second = world.mails(CAMILLE)
    assert first["record_id"] != second["record_id"]


def moved(world: World) -> None:
    """The address is another account's by now."""
    world.services.stores.accounts.release_address(CAMILLE, except_account=None, now=world.services.clock())
    world.account("noe", CAMILLE)


def released(world: World) -> None:
    """Nobody has the address by now."""
    world.services.stores.accounts.release_address(CAMILLE, except_account=None, now=world.services.clock())


def only_by_passkey(world: World) -> None:
    world.services.stores.accounts.set_only_passkeys("camille", only=True)


@pytest.mark.parametrize("what", [moved, released, only_by_passkey])
def test_o_17_a_code_opens_the_account_that_it_was_mailed_for_while_codes_open_it(
    world: World, camille: Account, what: Callable[[World], None]
) -> None:
    person = world.browser().start(CAMILLE).press("Recevoir le code")
    what(world)
    person.press("Se connecter", code=code(world))
    assert (person.step, person.last.status_code) == ("code", 422)


def test_what_a_domain_teaches_is_worth_no_sign_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise ServiceUnavailable("database", "away for this one operation")

    monkeypatch.setattr(LearnedDomains, "note", away)
    person = world.browser().start(CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account"


def test_going_back_to_the_ways_of_signing_in_leaves_what_was_begun(world: World, camille: Account) -> None:
    person = world.browser().start(CAMILLE).press("Recevoir le code")
    pending = replace(waiting(world, person), proofing_id="proofing")
    world.services.stores.authorizations.update(
        pending.id, pending.browser, {"proofing_id": "proofing"}, now=world.clock()
    )
    assert waiting(world, person) == pending
    flows.sign_in(world.services).begin_again(pending, person.session)
    again = waiting(world, person)
    assert again == replace(pending, proofing_id=None, one_time_code_id=None)


def test_the_same_form_within_seconds_is_one_mail_and_later_another(world: World, camille: Account) -> None:
    person = world.browser().start(CAMILLE)
    path = f"/sign-in/{person.handle}/code/send"
    person.post(path).post(path)
    assert (person.step, person.last.status_code) == ("code", 200)
    assert len(world.mails(CAMILLE)) == 1
    world.clock.ahead += timedelta(seconds=11)
    person.post(path)
    assert len(world.mails(CAMILLE)) == 2
    assert len({mail["record_id"] for mail in world.mails(CAMILLE)}) == 1, "the same code"


def test_the_account_page_names_the_browser_that_signed_in(world: World, camille: Account) -> None:
    """Else nobody could tell a device that is not theirs from their own."""
    person = world.browser().start()
    person._client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    person.press("Se connecter", password=PASSWORD)
    assert person.step == "account"
    assert person.text.count("Firefox sur Windows") == 1


def test_whoever_types_another_address_begins_anew_with_it(world: World, camille: Account) -> None:
    person = world.browser().start(CAMILLE).press("Recevoir le code")
    assert person.step == "code"
    journey = f"/sign-in/{person.handle}"
    assert person.post(f"{journey}/address", email="autre@agence.example").step == "sign-in", "nor is that code awaited"
    person.post(f"{journey}/address", email=CAMILLE).prove()
    assert person.step == "check-mailbox"
    assert person.post(f"{journey}/address", email="autre@agence.example").step == "sign-in"
