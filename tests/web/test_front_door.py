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


def test_an_address_without_any_path_is_the_bare_one(world: World) -> None:
    answer = world.app.test_client().get("/", headers=HOST, environ_overrides={"PATH_INFO": ""})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")


def test_the_own_page_itself_is_led_nowhere_else(world: World) -> None:
    person = world.browser().signed_in(world.account("camille", "camille@etu.univ-exemple.fr"))
    answer = person.get("/account")
    assert (answer.last.status_code, answer.step, answer.last.request.path) == (200, "account", "/account")


def test_a_slash_too_many_leads_nowhere_with_any_method(world: World) -> None:
    """Werkzeug would send code, password and link once more, to an address with the server's scheme: http."""
    client = world.app.test_client()
    for rule in world.app.url_map.iter_rules():
        path = "//".join(re.sub("<[^>]*>", "x", rule.rule).rsplit("/", 1))
        for method in ("GET", "POST", "PUT"):
            # As the server passes it on; the client itself takes what follows two slashes for a host.
            answer = client.open("/", method=method, headers=HOST, environ_overrides={"PATH_INFO": path})
            assert answer.status_code < 500, (method, path)
            assert not answer.headers.get("Location", "").startswith("http"), (method, path)
