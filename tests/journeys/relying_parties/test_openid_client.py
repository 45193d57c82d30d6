"""openid-client, the relying party library of the Node.js world, against the running provider."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.journeys.conftest import System
from tests.journeys.relying_parties.npm import installed
from tests.journeys.relying_parties.registration import SECRET, register
from tests.journeys.steps import enrol
from tests.journeys.walker import Walker

PROJECT = Path(__file__).parent / "openid_client"
CALLBACK = "http://localhost:9/openid-client/callback"
BYE = "http://localhost:9/openid-client/bye"
MAIL = "berenice.despres@univ-exemple.fr"


@pytest.fixture(scope="session")
def program() -> Path:
    """The relying party, with its packages installed at their locked versions."""
    return installed(PROJECT) / "relying_party.mjs"


class Program:
    """The running relying party: one line for each step."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.stderr and self._process.stderr.read()
        step: dict[str, Any] = json.loads(line)
        return step

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


@pytest.fixture
def running(program: Path, system: System) -> Iterator[Program]:
    register(
        system,
        "openid-client",
        CALLBACK,
        post_logout_redirect_uris=f'["{BYE}"]',
        grant_types='["authorization_code", "refresh_token"]',
        scope='"openid profile email offline_access"',
    )
    arguments = ["node", str(program), system.provider, "openid-client", SECRET, CALLBACK, BYE]
    pipe = subprocess.PIPE
    process = subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    with process:
        yield Program(process)
        process.kill()


def test_sign_in_claims_refresh_and_sign_out(walker: Walker, system: System, running: Program) -> None:
    enrol(walker, system, MAIL)
    callback = walker.last_redirect(running.next()["go_to"], CALLBACK)
    running.say(callback)

    signed_in = running.next()
    assert signed_in["claims"]["iss"] == system.provider
    assert signed_in["userinfo"]["email"] == MAIL
    assert signed_in["userinfo"]["sub"] == signed_in["claims"]["sub"]
    assert signed_in["rotated"]

    bye = walker.last_redirect(signed_in["go_to"], BYE)
    assert parse_qs(urlsplit(bye).query) == {"state": [signed_in["state"]]}
    running.say("signed out")
    assert running.next() == {"refresh": "invalid_grant", "userinfo": "invalid_token"}
