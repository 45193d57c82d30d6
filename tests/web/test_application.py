"""What surrounds every page: what Flask's extensions put around it, strange cookies, bodies that were cut off."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.web.proofing_world import World
from tests.web.visitor import ISSUER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def test_what_wraps_the_application_later_is_around_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, asked = world.app.wsgi_app, []

    def around(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    monkeypatch.setattr(world.app, "wsgi_app", around)
    assert world.app.test_client().get("/healthz").status_code == 200
    assert asked == ["/healthz"]


@pytest.mark.parametrize("cookie", ["prenom=Zo\xe9", "idp_language=en; prenom=\xff\xfe", '"\xe9"'])
def test_a_cookie_of_another_application_that_is_no_utf_8_keeps_nobody_out(world: World, cookie: str) -> None:
    environ = EnvironBuilder("/account", base_url=ISSUER).get_environ() | {"HTTP_COOKIE": cookie}
    _, status, _ = run_wsgi_app(world.app, environ)
    assert status == "303 SEE OTHER"


def test_a_body_that_was_cut_off_is_not_read_as_if_it_were_whole(world: World) -> None:
    """Gunicorn says of every body that it ends by itself, also of one that does not come to its end."""
    sent = EnvironBuilder(
        "/token", base_url=ISSUER, method="POST", data={"grant_type": "authorization_code", "code": "abc"}
    )
    environ = sent.get_environ() | {"CONTENT_LENGTH": "1000", "wsgi.input_terminated": True}
    body, status, _ = run_wsgi_app(world.app, environ)
    assert (status, json.loads(b"".join(body))["error"]) == ("400 BAD REQUEST", "invalid_request")
