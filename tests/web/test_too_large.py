"""What is too large is refused at every door; it is noted where a person reads the reference, and nowhere else.

Nor is what does not exist.
"""

import pytest

from tests.web.proofing_world import World
from tests.web.visitor import HOST


@pytest.mark.parametrize(("path", "noted"), [("/token", 0), ("/par", 0), ("/register", 0), ("/saml/acs", 1)])
def test_a_large_body_to_a_program_s_endpoint_costs_the_database_nothing(world: World, path: str, noted: int) -> None:
    answer = world.app.test_client().post(path, data={"x": "y" * 1_100_000}, headers=HOST)
    assert answer.status_code == 413
    assert world.services.database.collection("audit").count_documents({}) == noted


def test_an_address_that_does_not_exist_is_no_event_even_below_one_that_does(world: World) -> None:
    assert world.app.test_client().get("/static/no-such-file.css", headers=HOST).status_code == 404
    assert world.events("request.refused") == []
