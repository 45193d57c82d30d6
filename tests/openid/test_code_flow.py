"""The code flow on the real store: authorization, token, userinfo."""

import base64
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.errors import AuthorizationError, ProtocolError, Refusal
from idp.domain.keyed import base64url
from idp.domain.sessions import ACR_BASIC, ACR_UNIVERSITY
from idp.openid.id_token import left_half_hash
from tests.openid.world import (
    ACCOUNT,
    CALLBACK,
    CLAIMS,
    ISSUER,
    LIBRARY,
    NOW,
    OTHER_SECRET,
    PAIRWISE,
    PORTAL,
    SECRET,
    SIGN_IN,
    SUBJECT,
    VERIFIER,
    World,
    basic,
    query_of,
)


def refused(error: str, status: int = 400) -> "pytest.RaisesExc[ProtocolError]":
    return pytest.raises(ProtocolError, check=lambda caught: (caught.error, caught.status) == (error, status))


def test_o_32_a_good_code_flow_gives_the_right_claims(world: World) -> None:
    tokens = world.tokens(scope="openid email")
    claims = world.id_token(tokens["id_token"])
    assert claims["iss"] == ISSUER
    assert (claims["sub"], claims["aud"], claims["nonce"]) == (SUBJECT, "portail", "nonce-1")
    assert (claims["iat"], claims["exp"]) == (int(NOW.timestamp()), int(NOW.timestamp()) + 3600)
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3600
    assert tokens["scope"] == "openid email"
    assert "refresh_token" not in tokens
    assert world.userinfo(tokens["access_token"]) == {
        "sub": SUBJECT,
        "email": CLAIMS["email"],
        "email_verified": True,
    }


def test_pyop_fault_auth_time_acr_amr_and_sid_are_those_of_the_sign_in(world: World) -> None:
    claims = world.id_token(world.tokens()["id_token"])
    assert claims["auth_time"] == int(SIGN_IN.at.timestamp())
    assert (claims["acr"], claims["amr"], claims["sid"]) == (SIGN_IN.acr, ["pwd"], "sid-1")


def test_who_did_more_than_the_class_that_a_client_insists_on_is_told_as_of_that_class(world: World) -> None:
    """OpenID Connect Core section 5.5.1.1: another class than the one asked for would be a failed sign-in there."""
    insists = f'{{"id_token": {{"acr": {{"essential": true, "value": "{ACR_BASIC}"}}}}}}'
    proven = replace(SIGN_IN, acr=ACR_UNIVERSITY)
    answer = world.provider.authorize(world.read(claims=insists), ACCOUNT, SUBJECT, proven, now=NOW)
    tokens = world.exchange(query_of(answer.location)["code"])
    assert world.id_token(tokens["id_token"])["acr"] == ACR_BASIC


def test_the_access_token_hash_is_the_left_half_of_sha_256(world: World) -> None:
    tokens = world.tokens()
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert world.id_token(tokens["id_token"])["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()


def test_and_of_sha_512_where_the_id_token_is_signed_with_ed25519() -> None:
    """As relying parties compute it (RFC 8032 section 5.1)."""
    half = base64.urlsafe_b64encode(hashlib.sha512(b"token").digest()[:32]).rstrip(b"=").decode()
    assert left_half_hash("token", "EdDSA") == half


def test_the_id_token_names_its_key_and_holds_no_more_than_needed(world: World) -> None:
    header, payload, _ = world.tokens()["id_token"].split(".")
    decoded = json.loads(base64.urlsafe_b64decode(header + "=="))
    assert decoded == {"alg": "RS256", "typ": "JWT", "kid": world.provider.jwks()["keys"][0]["kid"]}
    assert "email" not in base64.urlsafe_b64decode(payload + "==").decode()


def test_claims_asked_for_the_id_token_stand_in_it(world: World) -> None:
    tokens = world.tokens(claims='{"id_token": {"email": {"essential": true}}}')
    assert world.id_token(tokens["id_token"])["email"] == CLAIMS["email"]


def test_o_44_claims_outside_the_clients_scopes_are_not_released(world: World) -> None:
    asked = '{"id_token": {"supann_etu_id": null, "email": null}, "userinfo": {"name": null, "supann_etu_id": null}}'
    code = world.code(LIBRARY, claims=asked, scope="openid")
    client = {"client_id": "library", "client_secret": OTHER_SECRET}
    form = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER), *client.items()]
    tokens = world.provider.token([*form, ("redirect_uri", LIBRARY.redirect_uris[0])], None, now=NOW)
    claims = world.id_token(tokens["id_token"])
    assert claims["email"] == CLAIMS["email"]
    assert "supann_etu_id" not in claims
    assert world.userinfo(tokens["access_token"]) == {"sub": SUBJECT}


def test_o_44_a_scope_taken_from_the_client_releases_nothing_any_more(world: World) -> None:
    tokens = world.tokens(claims='{"userinfo": {"supann_etu_id": null}}')
    world.clients["portail"] = replace(PORTAL, scopes=("openid",))
    assert world.userinfo(tokens["access_token"]) == {"sub": SUBJECT}


def test_requested_claims_never_replace_those_of_the_protocol(world: World) -> None:
    world.accounts[ACCOUNT] |= {"sub": "evil", "iss": "evil", "aud": "evil"}
    tokens = world.tokens(claims='{"id_token": {"sub": null, "email": null}}')
    assert world.id_token(tokens["id_token"])["sub"] == SUBJECT
    assert world.userinfo(tokens["access_token"])["sub"] == SUBJECT


def test_o_39_the_answer_has_iss_and_the_exact_state(world: World) -> None:
    state = "é st&ate=#\r\n%00"
    url = world.provider.authorize(world.read(LIBRARY, state=state), ACCOUNT, SUBJECT, SIGN_IN, now=NOW).location
    answer = query_of(url)
    assert url.startswith("https://library.example/cb?from=idp&code=")
    assert (answer["state"], answer["iss"]) == (state, world.provider.discovery()["issuer"])
    assert set(answer) == {"from", "code", "state", "iss"}


def test_without_state_none_comes_back(world: World) -> None:
    url = world.provider.authorize(world.read(state=None), ACCOUNT, SUBJECT, SIGN_IN, now=NOW).location
    assert set(query_of(url)) == {"code", "iss"}


def test_a_request_about_another_person_is_never_granted(world: World) -> None:
    request = world.read(claims='{"id_token": {"sub": {"value": "somebody else"}}}')
    assert not world.provider.is_about(request, SUBJECT)
    with pytest.raises(AuthorizationError) as caught:
        world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW)
    assert caught.value.error == "login_required"
    hinted = world.read(id_token_hint=world.tokens()["id_token"])
    assert world.provider.is_about(hinted, SUBJECT)
    with pytest.raises(AuthorizationError):
        world.provider.authorize(hinted, "another account", "another subject", SIGN_IN, now=NOW)


def test_a_client_that_was_removed_meanwhile_gets_nothing(world: World) -> None:
    request, code, token = world.read(), world.code(), world.tokens()["access_token"]
    del world.clients["portail"]
    with pytest.raises(Refusal):
        world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW)
    with refused("invalid_client", 401):
        world.exchange(code)
    with refused("invalid_token", 401):
        world.userinfo(token)


def test_o_34_a_code_used_twice_is_refused_and_the_first_tokens_die(world: World) -> None:
    code = world.code()
    tokens = world.exchange(code)
    assert world.userinfo(tokens["access_token"])
    with refused("invalid_grant"):
        world.exchange(code)
    with refused("invalid_token", 401):
        world.userinfo(tokens["access_token"])
    with refused("invalid_grant"):
        world.refresh(tokens["refresh_token"])


def test_o_34_a_used_code_is_recognised_after_its_own_lifetime(world: World) -> None:
    code = world.code()
    token = world.exchange(code)["access_token"]
    with refused("invalid_grant"):
        world.exchange(code, now=NOW + timedelta(minutes=5))
    with refused("invalid_token", 401):
        world.userinfo(token)


def test_a_code_dies_after_a_minute(world: World) -> None:
    with refused("invalid_grant"):
        world.exchange(world.code(), now=NOW + timedelta(seconds=60))


def test_a_code_that_has_expired_is_no_second_use_and_stays_refused(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    code = world.code()
    with refused("invalid_grant"):
        world.exchange(code, now=NOW + timedelta(seconds=60))
    assert caplog.messages == [], "nobody stole anything"
    with refused("invalid_grant"):
        world.exchange(code, now=NOW)


def by_the_library(world: World, code: str) -> dict[str, Any]:
    """Another client presents this code as the portal would."""
    client = {"client_id": "library", "client_secret": OTHER_SECRET}
    form = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER), *client.items()]
    return world.provider.token([*form, ("redirect_uri", CALLBACK)], None, now=NOW)


def test_o_35_another_client_ends_nothing_by_a_code_that_was_used(world: World) -> None:
    code = world.code()
    tokens = world.exchange(code)
    with refused("invalid_grant"):
        by_the_library(world, code)
    assert world.userinfo(tokens["access_token"])


def test_o_35_another_clients_code_is_refused_and_not_used_up(world: World) -> None:
    code = world.code()
    with refused("invalid_grant"):
        by_the_library(world, code)
    assert world.exchange(code)["access_token"]


@pytest.mark.parametrize("uri", [None, "", "https://portail.example/callback/", "https://evil.example/"])
def test_o_35_another_or_no_redirect_uri_is_refused_and_uses_nothing_up(world: World, uri: str | None) -> None:
    code = world.code()
    with refused("invalid_grant"):
        world.exchange(code, redirect_uri=uri)
    assert world.exchange(code)["access_token"]


@pytest.mark.parametrize("code", ["junk", "x" * 100_000, '{"$ne": null}', "é\0\r\n", "0"])
def test_o_35_junk_codes_are_refused(world: World, code: str) -> None:
    with refused("invalid_grant"):
        world.exchange(code)


def test_o_36_pyop_fault_of_sixteen_simultaneous_exchanges_exactly_one_wins(
    world: World, another_worker: World
) -> None:
    code = world.code()
    workers = [world, another_worker]

    def attempt(number: int) -> str:
        try:
            return str(workers[number % 2].exchange(code)["token_type"])
        except ProtocolError as error:
            return error.error

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(attempt, range(16)))
    assert sorted(outcomes) == ["Bearer"] + ["invalid_grant"] * 15


def test_o_36_who_is_overtaken_between_check_and_exchange_ends_what_the_first_one_got(
    world: World, another_worker: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """RFC 6749 section 4.1.2: one of the two is a thief, and nobody can tell which."""
    code, take, first = world.code(), world.grants.take_code, list[dict[str, Any]]()

    def take_second(*arguments: Any, **named: Any) -> bool:
        first.append(another_worker.exchange(code))
        return take(*arguments, **named)

    monkeypatch.setattr(world.grants, "take_code", take_second)
    with refused("invalid_grant"):
        world.exchange(code)
    (tokens,) = first
    assert "used_at_the_same_time" in caplog.messages
    with refused("invalid_token", 401):
        another_worker.userinfo(tokens["access_token"])
    with refused("invalid_grant"):
        another_worker.refresh(tokens["refresh_token"])


@pytest.mark.parametrize("verifier", [None, "w" * 43, "v" * 42, "v" * 129, "é" * 43, "v" * 42 + " ", "v" * 43 + "\n"])
def test_o_37_a_missing_wrong_or_odd_verifier_is_refused_and_uses_nothing_up(
    world: World, verifier: str | None
) -> None:
    code = world.code()
    with refused("invalid_grant"):
        world.exchange(code, code_verifier=verifier)
    assert world.exchange(code)["access_token"]


@pytest.mark.parametrize(("length", "is_good"), [(42, False), (43, True), (128, True), (129, False)])
def test_o_37_a_verifier_is_as_long_as_the_standard_says_also_where_it_fits(
    world: World, length: int, is_good: bool
) -> None:
    verifier = "w" * length
    code = world.code(code_challenge=base64url(hashlib.sha256(verifier.encode()).digest()))
    if is_good:
        assert world.exchange(code, code_verifier=verifier)["access_token"]
    else:
        with refused("invalid_grant"):
            world.exchange(code, code_verifier=verifier)


def test_o_37_a_verifier_without_a_challenge_is_refused(world: World) -> None:
    code = world.code(LIBRARY, code_challenge=None, code_challenge_method=None)
    form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", LIBRARY.redirect_uris[0]),
        ("client_id", "library"),
        ("client_secret", OTHER_SECRET),
    ]
    with refused("invalid_grant"):
        world.provider.token([*form, ("code_verifier", VERIFIER)], None, now=NOW)
    assert world.provider.token(form, None, now=NOW)["access_token"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ],
)
def test_o_40_a_malformed_token_request_is_refused(world: World, changes: dict[str, Any], error: str) -> None:
    with refused(error):
        world.exchange(world.code(), **changes)


@pytest.mark.parametrize("code", [None, ""])
def test_o_40_a_token_request_without_code_is_refused(reader: World, code: str | None) -> None:
    with refused("invalid_request"):
        reader.exchange(code)


def test_o_40_duplicate_parameters_are_refused(world: World) -> None:
    code = world.code()
    form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)]
    with refused("invalid_request"):
        world.provider.token([*form, ("code_verifier", VERIFIER), ("code", code)], basic(), now=NOW)
    assert world.exchange(code)


def test_a_closed_account_gets_nothing_more(world: World) -> None:
    tokens, code = world.tokens(), world.code(claims='{"id_token": {"email": null}}')
    world.accounts.clear()
    with refused("invalid_token", 401):
        world.userinfo(tokens["access_token"])
    with refused("invalid_grant"):
        world.exchange(code)


def test_revoking_a_session_or_an_account_kills_everything_that_came_from_it(world: World) -> None:
    ways: tuple[Callable[[], object], ...] = (
        lambda: world.grants.revoke_session("sid-1"),
        lambda: world.grants.revoke_account(ACCOUNT),
    )
    for revoke in ways:
        tokens, code = world.tokens(), world.code()
        revoke()
        with refused("invalid_token", 401):
            world.userinfo(tokens["access_token"])
        with refused("invalid_grant"):
            world.refresh(tokens["refresh_token"])
        with refused("invalid_grant"):
            world.exchange(code)


def test_pyop_fault_a_public_client_does_not_disturb_pairwise_subjects(world: World) -> None:
    pairwise = world.provider.subject_for(PAIRWISE, SUBJECT)
    world.tokens()
    assert world.provider.subject_for(PORTAL, SUBJECT) == SUBJECT
    assert world.provider.subject_for(PAIRWISE, SUBJECT) == pairwise != SUBJECT
    assert len(pairwise) == 43
    code = world.code(PAIRWISE)
    tokens = world.exchange(code, basic("pairwise", SECRET), redirect_uri=PAIRWISE.redirect_uris[0])
    assert world.id_token(tokens["id_token"])["sub"] == world.userinfo(tokens["access_token"])["sub"] == pairwise


def test_pairwise_subjects_are_shared_within_a_sector_alone(reader: World) -> None:
    same_host = replace(PAIRWISE, client_id="b", redirect_uris=("https://survey.example/other",))
    other_host = replace(PAIRWISE, client_id="c", redirect_uris=("https://other.example/cb",))
    same_sector = replace(other_host, sector_identifier="survey.example")
    subject = reader.provider.subject_for(PAIRWISE, SUBJECT)
    assert reader.provider.subject_for(same_host, SUBJECT) == subject
    assert reader.provider.subject_for(same_sector, SUBJECT) == subject
    assert reader.provider.subject_for(other_host, SUBJECT) != subject
    assert reader.provider.subject_for(PAIRWISE, "another") != subject
