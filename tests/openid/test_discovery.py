"""What is announced, and which issuers are accepted."""

import pytest

from idp.domain.errors import ConfigurationError
from idp.openid.core import checked_issuer
from tests.openid.world import ISSUER, World


def test_every_address_stands_under_the_issuer(reader: World) -> None:
    document = reader.provider.discovery()
    assert document["issuer"] == ISSUER
    for name, value in document.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(ISSUER + "/")


def test_what_is_required_is_there_and_what_does_not_work_is_not_announced(reader: World) -> None:
    document = reader.provider.discovery()
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["request_uri_parameter_supported"] is document["request_parameter_supported"] is True
    assert document["require_request_uri_registration"] is True
    assert document["subject_types_supported"] == ["public", "pairwise"]
    for absent in ("registration_endpoint", "check_session_iframe"):
        assert absent not in document


def test_every_announced_scope_is_granted_to_a_client_that_may_have_it(reader: World) -> None:
    scopes = reader.provider.discovery()["scopes_supported"]
    assert list(reader.read(scope=" ".join(scopes)).scope) == scopes


def test_every_announced_prompt_and_mode_is_taken(reader: World) -> None:
    document = reader.provider.discovery()
    assert set(document["prompt_values_supported"]) == {"none", "login", "consent", "select_account", "create"}
    for prompt in document["prompt_values_supported"]:
        assert reader.read(prompt=prompt).prompt == (prompt,)
    for mode in document["response_modes_supported"]:
        assert reader.read(response_mode=mode).response_mode == mode


def test_each_caller_gets_a_document_of_its_own(reader: World) -> None:
    reader.provider.discovery()["issuer"] = "https://evil.example"
    assert reader.provider.discovery()["issuer"] == ISSUER


@pytest.mark.parametrize(
    "issuer",
    ["https://idp.example", "https://idp.example/a", "http://localhost:5000", "http://127.0.0.2", "http://[::1]"],
)
def test_https_and_loopback_issuers_are_accepted(issuer: str) -> None:
    assert checked_issuer(issuer) == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "http://idp.example",
        "http://localhost.example",
        "https://",
        "https://x/",
        "https://x?a",
        "https://x#a",
        "x",
        "http://[",
    ],
)
def test_pyop_fault_http_is_accepted_on_loopback_alone(issuer: str) -> None:
    with pytest.raises(ConfigurationError):
        checked_issuer(issuer)
