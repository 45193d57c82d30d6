"""O-26 without a clock: for known and unknown addresses the same operations reach the database, in the same order.

The database's own profiler counts. The time, hashing included, is compared on the running system in
tests/journeys/test_attacks_on_sign_in.py.
"""

from collections.abc import Callable

from idp.domain.accounts import Identity
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World

UNKNOWN = "personne.inconnue@etu.univ-exemple.fr"
PRESSES: tuple[Callable[[Traveller], object], ...] = (
    lambda person: person.press("Se connecter", password="ce n'est pas le bon"),
    lambda person: person.press("Recevoir le code"),
    lambda person: person.press("Se connecter", code="000000"),
    lambda person: person.press("Renvoyer le code"),
)


def operations(world: World, press: Callable[[Traveller], object], person: Traveller) -> list[tuple[str, str]]:
    """What the database did meanwhile: operation and collection."""
    database = world.services.database.client[world.services.database.name]
    database["system.profile"].drop()
    database.command("profile", 2)
    try:
        press(person)
    finally:
        database.command("profile", 0)
    noted = database["system.profile"].find({"ns": {"$not": {"$regex": r"system\.profile$"}}}).sort("ts", 1)
    return [(entry["op"], entry["ns"].partition(".")[2]) for entry in noted if entry["op"] != "getmore"]


def test_o_26_known_and_unknown_addresses_cost_the_same_database_operations(world: World) -> None:
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"), password=PASSWORD)
    known, unknown = world.browser().start(CAMILLE), world.browser().start(UNKNOWN)
    for number, press in enumerate(PRESSES):
        there, nobody = operations(world, press, known), operations(world, press, unknown)
        assert ("query", "accounts") in there, number
        assert sorted(there) == sorted(nobody), number
