"""The bare address of the service leads to the person's own page."""

import re

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


def test_a_slash_too_many_is_answered_with_no_5xx_for_any_method(world: World) -> None:
    """One method may be led to the address without it, where another one is not taken there at all."""
    client = world.app.test_client()
    for rule in world.app.url_map.iter_rules():
        path = "//".join(re.sub("<[^>]*>", "x", rule.rule).rsplit("/", 1))
        for method in ("GET", "POST", "PUT"):
            answer = client.open(path, method=method, headers=HOST)
            assert answer.status_code < 500, (method, path)
