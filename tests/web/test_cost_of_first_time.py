"""What the first time costs the database: in one request nothing is read twice that nobody has changed."""

from collections import Counter

from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World
from tests.web.test_same_work import operations


def reads(done: list[tuple[str, str]]) -> Counter[str]:
    """How often each collection was read."""
    return Counter(collection for operation, collection in done if operation == "query")


def page_reads(world: World, person: Traveller, page: str) -> Counter[str]:
    path = f"/sign-in/{person.handle}/{page}"
    return reads(operations(world, lambda browser: browser.get(path), person))


def test_a_page_reads_its_journey_and_its_proofing_once(world: World) -> None:
    person = world.browser().start(CAMILLE).prove()
    assert page_reads(world, person, "mailbox") == {"authorizations": 1, "proofings": 1, "outbox": 1}
    person.press("Continuer", code=world.code(CAMILLE))
    assert page_reads(world, person, "new-password") == {"authorizations": 1, "proofings": 1}


def test_of_an_account_that_was_just_made_nothing_is_ended(world: World) -> None:
    person = world.browser().start(CAMILLE).prove()
    code = world.code(CAMILLE)
    done = operations(world, lambda browser: browser.press("Continuer", code=code), person)
    assert person.step == "new-password"
    assert ("insert", "accounts") in done
    untouched = {"sessions", "grants", "devices", "passkeys", "sweeps", "logout_notices"}
    assert not untouched & {collection for _, collection in done}
    # The same person may have come already, and somebody else may have had the mailbox.
    assert reads(done)["accounts"] == 2
    # The code that was mailed is looked for; none is made that nobody could know.
    assert ("insert", "one_time_codes") not in done
    done = operations(world, lambda browser: browser.press("Créer", password=PASSWORD), person)
    assert person.step == "account"
    assert {operation for operation, collection in done if collection in ("passkeys", "sweeps", "grants")} <= {"query"}
