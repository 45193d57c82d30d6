"""The bare address of the service leads to the person's own page."""

import pytest

from tests.web.proofing_world import World
from tests.web.visitor import HOST


@pytest.mark.parametrize("path", ["/", "/account/"])
def test_the_bare_address_leads_to_the_own_page(world: World, path: str) -> None:
    client = world.app.test_client()
    answer = client.get(path, headers=HOST)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert client.post(path, headers=HOST).status_code == 405


def test_the_own_page_itself_is_led_nowhere_else(world: World) -> None:
    person = world.browser().signed_in(world.account("camille", "camille@etu.univ-exemple.fr"))
    answer = person.get("/account")
    assert (answer.last.status_code, answer.step, answer.last.request.path) == (200, "account", "/account")
