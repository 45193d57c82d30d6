"""The application takes what Flask's extensions put around it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

from tests.web.proofing_world import World

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
