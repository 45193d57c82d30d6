"""What programs read of a refusal: plain English without our keys, in the characters that may stand there.

RFC 6749 sections 4.1.2.1 and 5.2 (``error_description``), RFC 6750 section 3 (the same in ``WWW-Authenticate``).
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from docs.site.refusals import answered, raised
from idp.domain.errors import Refusal, ServiceUnavailable
from idp.openid.registration_metadata import ClientMetadataReader, UnfitMetadata
from idp.web.errors import _for_programs
from tests.web.proofing_world import World
from tests.web.visitor import HOST

PRODUCT = Path(__file__).parents[2] / "idp"
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")
KEY = re.compile(r"\b[a-z_]+\.[a-z_]+\b")
# What makes an error that a program reads, or an error of the authorization endpoint.
MAKERS = {"ProtocolError", "AuthorizationError", "error", "error_for", "invalid_grant", "invalid_proof"} | {
    "_dpop_error",
    "_bearer_error",
    "_invalid_request",
}
# Descriptions that are put together when the error is made; a test below looks at each.
COMPOSED = {"f'{name} is missing'", "f'Not accepted: {fault}'", "f'Something failed here; reference: {reference}'"}


def assert_plain(description: str) -> None:
    assert DESCRIPTION.fullmatch(description), description
    assert not KEY.search(description), description
    assert " " in description, description


def made() -> Iterator[ast.expr]:
    """The arguments of every call that makes such an error."""
    for path in sorted(PRODUCT.rglob("*.py")):
        if "demo" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_logged = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] in ("log", "logger")
            if isinstance(node, ast.Call) and not is_logged and ast.unparse(node.func).split(".")[-1] in MAKERS:
                yield from node.args


def test_what_stands_in_the_code_is_plain_english() -> None:
    texts = {one.value for one in made() if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    descriptions = {text for text in texts if " " in text}
    assert len(descriptions) > 40
    for description in descriptions:
        assert_plain(description)
    for code in texts - descriptions:
        assert re.fullmatch(r"[a-z_]+", code), code


def test_what_is_told_by_the_documentation_is_plain_english() -> None:
    for found in answered().values():
        for description in found.descriptions:
            assert_plain(description)


def test_no_other_description_is_put_together_at_run_time() -> None:
    assert {ast.unparse(one) for one in made() if isinstance(one, ast.JoinedStr)} == COMPOSED


@pytest.mark.parametrize("reason", [*raised(), "unheard_of"])
def test_no_key_of_ours_is_told_to_programs(reason: str) -> None:
    told = _for_programs(Refusal(reason, "what only the log tells"))
    assert_plain(told.description)
    assert told.error == "invalid_request"


@pytest.fixture
def client(world: World) -> FlaskClient:
    return world.app.test_client()


@pytest.mark.parametrize(
    ("sent", "status", "description"),
    [
        ({"headers": {"Host": "evil.example"}}, 400, "The Host header does not name the issuer"),
        ({"json": {}}, 400, "The request is malformed"),
        ({"data": "a=b&" * 200, "content_type": "application/x-www-form-urlencoded"}, 400, "The request is malformed"),
        ({"data": {"code": "x" * 2_000_000}}, 413, "The request is too large"),
        ({}, 401, "Client authentication failed"),
    ],
)
def test_whatever_is_wrong_is_told_in_words(
    client: FlaskClient, sent: dict[str, Any], status: int, description: str
) -> None:
    answer = client.post("/token", **({"headers": HOST} | sent))
    assert answer.status_code == status
    assert_plain(answer.get_json()["error_description"])
    assert answer.get_json()["error_description"].startswith(description)


@pytest.mark.parametrize("error", [ServiceUnavailable("database", "secret detail"), RuntimeError("fault of ours")])
def test_a_failure_of_ours_is_told_in_words(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setitem(world.app.view_functions, "tokens.token", fail)
    answer = world.app.test_client().post("/token", headers=HOST).get_json()
    assert answer["error"] in ("temporarily_unavailable", "server_error")
    assert_plain(answer["error_description"])


@pytest.mark.parametrize("name", ['client_name#"', "client_name#\\", "client_name#é", "redirect_uris", "scope"])
def test_what_cannot_be_registered_is_named_by_a_name_of_the_specification(name: str) -> None:
    with pytest.raises(UnfitMetadata) as caught:
        ClientMetadataReader(("openid",)).accepted({"redirect_uris": ["https://a.example/"], name: ["x" * 9] * 99})
    assert_plain(f"Not accepted: {caught.value}")
    assert caught.value.keys == (name.partition("#")[0],)
