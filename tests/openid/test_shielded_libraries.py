"""The old libraries behind pyop (docs/dependencies.md): what reads JWTs, keys or addresses in them never runs."""

import importlib.util
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from idp.domain.errors import Refusal
from idp.openid.userinfo import UserinfoCall
from tests.openid.world import NOW, World, asking, basic

OLD = ("oic", "jwkest", "Cryptodome", "mako", "future", "requests", "pydantic_settings", "defusedxml")
# What pyop does need of them: messages as dictionaries, the claims of a scope, and PKCE's comparison.
NEEDED = (
    "oic/oauth2/message.py:",
    "oic/oic/message.py:",
    "oic/oic/__init__.py:scope2claims",
    "oic/oic/__init__.py:<listcomp>",
    "oic/extension/provider.py:verify_code_challenge",
    "jwkest/__init__.py:b64e",
)
# Signed with nothing, with a public key as its secret, and for somebody to fetch a key: what pyjwkest would take up.
HOSTILE = (
    "eyJhbGciOiJub25lIn0.eyJpc3MiOiJwb3J0YWlsIn0.",  # pragma: allowlist secret
    "eyJhbGciOiJIUzI1NiIsImprdSI6Imh0dHBzOi8vZXZpbC5leGFtcGxlL2sifQ.e30.AAAA",  # pragma: allowlist secret
    "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiemlwIjoiREVGIn0.AAAA.AAAA.AAAA.AAAA",
    "a.b.c",
)


def folders() -> dict[str, str]:
    found = {name: importlib.util.find_spec(name) for name in OLD}
    return {str(Path(spec.origin).parent): name for name, spec in found.items() if spec and spec.origin}


def run_by(call: Callable[[], Any]) -> Counter[str]:
    """Functions of these libraries that run meanwhile, as ``file:name``."""
    places, seen = folders(), Counter[str]()

    def note(frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and any(file.startswith(folder + "/") for folder in places):
            seen[f"{file.partition('site-packages/')[2]}:{frame.f_code.co_name}"] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return seen


def every_kind_of_request(world: World) -> None:
    """Good ones through every endpoint that pyop stands behind, then hostile JWTs wherever one may be sent."""
    provider = world.provider
    tokens = world.tokens(scope="openid email offline_access", claims='{"id_token": {"email": null}}')
    world.userinfo(world.refresh(tokens["refresh_token"])["access_token"])
    provider.read_end_session([("id_token_hint", tokens["id_token"])])
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    for hostile in HOSTILE:
        grant = [("grant_type", "authorization_code"), ("code", hostile), ("code_verifier", hostile)]
        provider.read_end_session([("id_token_hint", hostile)])
        for attempt in (
            lambda jwt=hostile: provider.read_authorization_request(asking(request=jwt), now=NOW),
            lambda jwt=hostile: provider.read_authorization_request(asking(id_token_hint=jwt), now=NOW),
            lambda jwt=hostile: provider.userinfo(f"Bearer {jwt}", now=NOW),
            lambda jwt=hostile: provider.userinfo("DPoP x", (), UserinfoCall("GET", [jwt]), now=NOW),
            lambda form=grant: provider.token(form, basic(), now=NOW),
            lambda form=grant, jwt=hostile: provider.token(form, basic(), [jwt], now=NOW),
            lambda form=grant, jwt=hostile: provider.token(
                [*form, ("client_assertion", jwt), ("client_assertion_type", kind)], None, now=NOW
            ),
        ):
            with suppress(Refusal):
                attempt()


def test_no_jwt_key_or_address_of_a_request_reaches_an_old_library(world: World) -> None:
    ran = run_by(lambda: every_kind_of_request(world))
    assert "oic/oauth2/message.py:from_dict" in ran  # the eye is open: pyop's messages are seen
    strangers = [place for place in ran if not place.startswith(NEEDED)]
    assert strangers == []
