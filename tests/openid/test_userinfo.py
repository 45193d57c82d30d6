"""Bearer tokens at the userinfo endpoint."""

from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from idp.domain.errors import ProtocolError
from tests.openid.world import ISSUER, NOW, PORTAL, SUBJECT, World

Pairs = list[tuple[str, str]]


def refusal(world: World, authorization: str | None, form: Pairs | None = None) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        world.provider.userinfo(authorization, form or [], now=NOW)
    assert caught.value.headers["WWW-Authenticate"].startswith('Bearer realm="userinfo"')
    return caught.value


def test_the_token_may_stand_in_the_header_or_in_a_form(world: World) -> None:
    token = world.tokens()["access_token"]
    assert world.provider.userinfo(f"bearer {token}", now=NOW).claims["sub"] == SUBJECT
    assert world.provider.userinfo(None, [("access_token", token)], now=NOW).claims["sub"] == SUBJECT


def test_o_43_without_a_token_the_challenge_has_no_error_code(world: World) -> None:
    for authorization in (None, "", "Basic eDp5"):
        caught = refusal(world, authorization)
        assert caught.status == 401
        assert "error=" not in caught.headers["WWW-Authenticate"]


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer é", "Bearer a b", "Bearer " + "x" * 9000])
def test_o_43_a_bad_token_is_401(world: World, authorization: str) -> None:
    caught = refusal(world, authorization)
    assert (caught.error, caught.status) == ("invalid_token", 401)
    assert 'error="invalid_token"' in caught.headers["WWW-Authenticate"]


def test_o_43_an_id_token_a_code_or_a_refresh_token_is_no_access_token(world: World) -> None:
    tokens = world.tokens()
    for other in (tokens["id_token"], tokens["refresh_token"], world.code()):
        assert refusal(world, f"Bearer {other}").error == "invalid_token"


def test_a_token_in_two_places_or_twice_is_a_bad_request(world: World) -> None:
    token = world.tokens()["access_token"]
    assert refusal(world, f"Bearer {token}", [("access_token", token)]).status == 400
    assert refusal(world, None, [("access_token", token), ("access_token", token)]).status == 400


def test_o_43_a_token_that_was_made_narrower_than_openid_opens_nothing_here(world: World) -> None:
    """RFC 6750 section 3.1; a refresh may leave any scope out (RFC 6749 section 6)."""
    tokens = world.tokens()
    narrow = world.refresh(tokens["refresh_token"], scope="email")
    caught = refusal(world, f"Bearer {narrow['access_token']}")
    assert (caught.error, caught.status) == ("insufficient_scope", 403)
    assert caught.headers["WWW-Authenticate"].endswith(', scope="openid"')
    whole = world.refresh(narrow["refresh_token"])
    assert world.userinfo(whole["access_token"])["email"]


def test_an_expired_token_is_refused_before_the_database_clears_it_away(world: World) -> None:
    token = world.tokens()["access_token"]
    assert world.userinfo(token, now=NOW + timedelta(minutes=59))
    with pytest.raises(ProtocolError) as caught:
        world.userinfo(token, now=NOW + timedelta(hours=1))
    assert caught.value.error == "invalid_token"


def test_values_keep_their_types(world: World) -> None:
    claims = world.userinfo(world.tokens()["access_token"])
    assert claims["email_verified"] is True
    assert claims["updated_at"] == 1_750_000_000
    assert claims["eduperson_affiliation"] == ["student"]


def test_userinfo_is_signed_for_a_client_that_wants_it(world: World) -> None:
    token = world.tokens()["access_token"]
    assert world.provider.userinfo(f"Bearer {token}", now=NOW).signed is None
    for algorithm in ("RS256", "ES256"):
        world.clients["portail"] = replace(PORTAL, userinfo_signed_response_alg=algorithm)
        found = world.provider.userinfo(f"Bearer {token}", now=NOW)
        assert found.signed is not None
        keys = KeySet.import_key_set(world.provider.jwks())  # type: ignore[arg-type]
        signed = jwt.decode(found.signed, keys, algorithms=[algorithm])
        assert signed.claims == {**found.claims, "iss": ISSUER, "aud": "portail"}
        # It names us, a client and a person, and is still no ID token.
        assert not world.provider.read_end_session([("id_token_hint", found.signed)]).hint_is_valid
    assert "ES256" in world.provider.discovery()["userinfo_signing_alg_values_supported"]
