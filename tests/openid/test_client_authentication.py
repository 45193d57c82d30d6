"""Who is calling the token endpoint."""

import base64
from dataclasses import replace

import pytest

from idp.domain.client_secrets import hash_secret
from idp.domain.errors import ProtocolError
from idp.openid.client_authentication import Credentials, authenticate_client
from tests.openid.world import APP, LIBRARY, OTHER_SECRET, PORTAL, SECRET, basic

CLIENTS = {client.client_id: client for client in (PORTAL, LIBRARY, APP)}


def authenticated(form: dict[str, str], authorization: str | None = None) -> str:
    return authenticate_client(form, authorization, CLIENTS.get).client_id


def encoded(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def test_each_registered_method_works() -> None:
    assert authenticated({}, basic()) == "portail"
    assert authenticated({"client_id": "portail"}, basic()) == "portail"
    assert authenticated({}, basic().replace("Basic", "bAsIc")) == "portail"
    assert authenticated({"client_id": "library", "client_secret": OTHER_SECRET}) == "library"
    assert authenticated({"client_id": "app"}) == "app"


def test_basic_credentials_are_form_decoded() -> None:
    secret = "s+e c%r:é&t/with odd characters"
    odd = replace(PORTAL, client_id="a b/c", client_secrets=(hash_secret(secret),))
    assert authenticate_client({}, basic("a b/c", secret), {"a b/c": odd}.get) is odd


def test_both_secrets_are_good_while_one_is_being_replaced() -> None:
    client = replace(PORTAL, client_secrets=(hash_secret("the-old-secret-01"), hash_secret("the-new-secret-02")))
    for secret in ("the-old-secret-01", "the-new-secret-02"):
        assert authenticate_client({}, basic("portail", secret), {"portail": client}.get) is client


@pytest.mark.parametrize(
    ("form", "authorization"),
    [
        ({}, None),
        ({"client_id": "portail"}, None),
        ({"client_id": "nobody"}, None),
        ({"client_id": "library", "client_secret": "wrong"}, None),
        ({"client_id": "library", "client_secret": ""}, None),
        ({"client_id": "portail", "client_secret": SECRET}, None),
        ({"client_id": "app", "client_secret": "x"}, None),
        ({}, basic("library", OTHER_SECRET)),
        ({}, basic("app", "")),
        ({}, basic("portail", "wrong")),
        ({}, basic("portail", "")),
        ({}, basic("nobody", SECRET)),
        ({}, encoded("portail")),
        ({}, encoded("")),
        ({}, encoded(":")),
        ({}, encoded(b"\xff\xfe:\xff")),
        ({}, encoded("%ff:%fe")),
        ({}, "Basic"),
        ({}, "Basic "),
        ({}, "Basic !!!"),
        ({}, "Basic é"),
        ({}, ""),
        ({}, "Bearer " + SECRET),
        ({}, basic().replace("Basic", "Bearer")),
        ({}, basic().replace("Basic ", "Basic !")),
        ({}, "Basic " + "A" * 100_000),
        ({"client_id": "portail", "client_assertion": "x", "client_assertion_type": "jwt-bearer"}, None),
    ],
)
def test_o_40_pyop_fault_anything_else_is_401_with_a_challenge(form: dict[str, str], authorization: str | None) -> None:
    with pytest.raises(ProtocolError) as caught:
        authenticated(form, authorization)
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)
    assert caught.value.headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    ("form", "authorization", "why"),
    [
        ({"client_id": "portail", "client_secret": SECRET}, None, "portail: client_secret_post sent"),
        ({"client_id": "portail"}, None, "portail: none sent, client_secret_basic"),
        ({}, basic("library", OTHER_SECRET), "library: client_secret_basic sent, client_secret_post"),
        ({}, basic("portail", "wrong"), "portail: wrong secret"),
        ({}, basic(SECRET, "portail"), "unknown client"),
        ({}, encoded(":"), "unknown client"),
        ({}, "Bearer x", "unreadable credentials"),
        ({}, None, "no client_id"),
    ],
)
def test_the_log_alone_says_why_and_names_known_clients_only(
    form: dict[str, str], authorization: str | None, why: str
) -> None:
    """Whose application it is looks in the log; a secret in the place of the client_id must not come to stand there."""
    with pytest.raises(ProtocolError) as caught:
        authenticated(form, authorization)
    assert caught.value.detail.startswith(f"Client authentication failed: {why}")
    assert caught.value.description == "Client authentication failed"
    assert SECRET not in caught.value.detail


@pytest.mark.parametrize("form", [{"client_secret": SECRET}, {"client_id": "library"}])
def test_o_40_two_methods_at_once_are_refused(form: dict[str, str]) -> None:
    with pytest.raises(ProtocolError) as caught:
        authenticated(form, basic())
    assert (caught.value.error, caught.value.status) == ("invalid_request", 400)


def test_credentials_never_show_their_secret() -> None:
    assert SECRET not in repr(Credentials("client_secret_basic", "portail", SECRET))
