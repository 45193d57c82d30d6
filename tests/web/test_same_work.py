"""O-26 without a clock: for known and unknown addresses the same operations reach the database, in the same order.

The database's own profiler counts. The time, hashing included, is compared on the running system in
tests/journeys/test_attacks_on_sign_in.py.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event

from idp.domain.accounts import Identity
from idp.domain.one_time_codes import ATTEMPTS
from tests.profiled import profiled
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World

UNKNOWN = "personne.inconnue@etu.univ-exemple.fr"
PRESSES: tuple[Callable[[Traveller], object], ...] = (
    lambda person: person.press("Se connecter", password="ce n'est pas le bon"),
    lambda person: person.press("Recevoir le code"),
    lambda person: person.press("Se connecter", code="000000"),
    lambda person: person.press("Renvoyer le code"),
    # The last of the code's five tries, one more, and another mail asked for.
    *(ATTEMPTS * (lambda person: person.press("Se connecter", code="000000"),)),
    lambda person: person.press("Renvoyer le code"),
)


def operations(world: World, press: Callable[[Traveller], object], person: Traveller) -> list[tuple[str, str]]:
    """What the database did meanwhile: operation and collection."""
    with profiled(world.services.database) as noted:
        press(person)
    return [(entry["op"], entry["ns"].partition(".")[2]) for entry in noted if entry["op"] != "getmore"]


def test_o_26_known_and_unknown_addresses_cost_the_same_database_operations(world: World) -> None:
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"), password=PASSWORD)
    known, unknown = world.browser().start(CAMILLE), world.browser().start(UNKNOWN)
    for number, press in enumerate(PRESSES):
        there, nobody = operations(world, press, known), operations(world, press, unknown)
        assert ("query", "accounts") in there, number
        assert sorted(there) == sorted(nobody), number


def test_a_guess_that_finds_no_place_to_be_hashed_asks_the_database_for_its_journey_alone(world: World) -> None:
    """Thousands of them would cost everybody else the database."""
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"), password=PASSWORD)
    person = world.browser().start(CAMILLE)
    is_over, hasher = Event(), world.services.hasher
    with ThreadPoolExecutor(20) as pool:
        others = [pool.submit(hasher._places.run, is_over.wait) for _ in range(20)]
        done, _ = wait(others, 30, FIRST_EXCEPTION)
        assert done, "all of them found a place"
        try:
            asked = operations(world, lambda person: person.press("Se connecter", password=PASSWORD), person)
            answer = person.last
        finally:
            is_over.set()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert ("query", "accounts") not in asked
    assert ("query", "limits") not in asked
    assert ("query", "authorizations") in asked
