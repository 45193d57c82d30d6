"""Apache with mod_auth_openidc, as universities put it before their applications, against the running provider."""

from collections.abc import Iterator

import pytest

from idp.demo.ports import free_port
from tests.journeys.conftest import System
from tests.journeys.relying_parties import apache
from tests.journeys.relying_parties.registration import register
from tests.journeys.steps import enrol, is_signed_in
from tests.journeys.walker import Walker
from tests.waiting import wait_until

MAIL = "elise.lavague@etu.univ-rivemarine.fr"


@pytest.fixture(scope="module")
def site(system: System) -> Iterator[str]:
    """The address of the protected site."""
    if problem := apache.missing():
        pytest.skip(problem)
    port = free_port()
    callback = f"http://localhost:{port}/secure/callback"
    register(
        system,
        apache.CLIENT_ID,
        callback,
        post_logout_redirect_uris=f'["http://localhost:{port}/bye.html"]',
        backchannel_logout_uri=f'"{callback}?logout=backchannel"',
        backchannel_logout_session_required="true",
    )
    with apache.running(system.provider, port) as address:
        yield address


def seen(text: str) -> dict[str, str]:
    """What the protected page says about the visitor."""
    return dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)


def test_a_protected_page_knows_the_person_until_signing_out(walker: Walker, system: System, site: str) -> None:
    enrol(walker, system, MAIL)
    page = walker.get(f"{site}/secure/")
    assert page.status == 200, page.text
    assert seen(page.text)["user"].startswith(MAIL)
    assert seen(page.text)["name"] not in ("", "(none)")

    page = walker.get(f"{site}/secure/callback?logout={site}/bye.html")
    assert (page.url.partition("?")[0], page.status) == (f"{site}/bye.html", 200)
    assert not is_signed_in(walker, system)
    assert walker.get(f"{site}/secure/").step == "email"


def test_signing_out_at_the_portal_signs_out_of_the_site(walker: Walker, system: System, site: str) -> None:
    portal = enrol(walker, system, MAIL)
    assert "user" in seen(walker.get(f"{site}/secure/").text)
    portal.submit("Se déconnecter")
    wait_until(lambda: walker.get(f"{site}/secure/").step == "email")
