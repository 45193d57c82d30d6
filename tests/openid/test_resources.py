"""Resource indicators (RFC 8707) and signed access tokens (RFC 9068)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from idp.domain.errors import AuthorizationError
from idp.openid.client_metadata import read_client
from idp.openid.client_table import Faults
from tests.openid.test_dpop import JKT, proof
from tests.openid.test_refresh import OFFLINE, refused
from tests.openid.test_revocation import introspect, revoke
from tests.openid.world import CALLBACK, ISSUER, NOW, PORTAL, SIGN_IN, SUBJECT, VERIFIER, World, asking, basic

API, FILES = "https://api.example/", "https://files.example/v1"


@pytest.fixture(autouse=True)
def _registered(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, access_token_format="jwt", resources=(API, FILES))


def code_for(world: World, *resources: str, scope: str = OFFLINE) -> str:
    pairs = [*asking(PORTAL, scope=scope), *(("resource", resource) for resource in resources)]
    request = world.provider.read_authorization_request(pairs, now=NOW)
    answer = world.provider.authorize(request, "account-of-ines", SUBJECT, SIGN_IN, now=NOW)
    return answer.location.partition("code=")[2].partition("&")[0]


def exchange(world: World, code: str, *resources: str, proofs: Sequence[str] = ()) -> dict[str, Any]:
    form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)]
    form += [("code_verifier", VERIFIER), *(("resource", resource) for resource in resources)]
    return world.provider.token(form, basic(), proofs, now=NOW)


def claims_of(world: World, token: str) -> dict[str, Any]:
    """As a resource server reads it, with the published keys."""
    keys = KeySet.import_key_set(world.provider.jwks())  # type: ignore[arg-type]
    assert jws.extract_compact(token.encode()).headers()["typ"] == "at+jwt"
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


def test_a_token_for_a_resource_is_signed_and_names_it(world: World) -> None:
    tokens = exchange(world, code_for(world, API))
    claims = claims_of(world, tokens["access_token"])
    assert claims.pop("jti")
    assert claims == {
        "iss": ISSUER,
        "aud": API,
        "sub": SUBJECT,
        "client_id": "portail",
        "scope": OFFLINE,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 3600,
        "auth_time": int(SIGN_IN.at.timestamp()),
        "acr": SIGN_IN.acr,
    }
    assert tokens["token_type"] == "Bearer"


def test_a_signed_token_names_the_key_that_it_is_bound_to(world: World) -> None:
    """Else a resource server would take it from whoever has it (RFC 9449 section 6.1)."""
    tokens = exchange(world, code_for(world, API), proofs=[proof()])
    assert tokens["token_type"] == "DPoP"
    assert claims_of(world, tokens["access_token"])["cnf"] == {"jkt": JKT}


def test_it_dies_with_its_family_like_every_other_token(world: World) -> None:
    token = exchange(world, code_for(world, API))["access_token"]
    assert introspect(world, token)["aud"] == API
    revoke(world, token)
    assert introspect(world, token) == {"active": False}


@pytest.mark.parametrize("access_token_format", ["jwt", "opaque"])
def test_a_token_for_a_resource_opens_nothing_here(world: World, access_token_format: str) -> None:
    """RFC 9068 section 4, RFC 8707 section 2: another audience's token, which that one could pass on to us."""
    world.clients["portail"] = replace(PORTAL, access_token_format=access_token_format, resources=(API, FILES))
    token = exchange(world, code_for(world, API))["access_token"]
    with refused("invalid_token", 401):
        world.userinfo(token)


def test_a_token_may_be_for_userinfo_as_well(world: World) -> None:
    ours = f"{ISSUER}/userinfo"
    world.clients["portail"] = replace(PORTAL, access_token_format="jwt", resources=(API, ours))
    assert world.userinfo(exchange(world, code_for(world, API, ours))["access_token"])["sub"] == SUBJECT


def test_what_names_its_resource_at_the_token_endpoint_alone_has_tokens_for_both(world: World) -> None:
    tokens = exchange(world, code_for(world), API)
    ours = world.refresh(tokens["refresh_token"])["access_token"]
    assert world.userinfo(ours)["sub"] == SUBJECT


def test_a_scope_that_was_taken_from_the_client_stands_in_no_new_token(world: World) -> None:
    """A resource server believes what stands there, for as long as the token lasts."""
    tokens = exchange(world, code_for(world, API))
    left = tuple(scope for scope in PORTAL.scopes if scope != "email")
    world.clients["portail"] = replace(PORTAL, access_token_format="jwt", resources=(API,), scopes=left)
    refreshed = world.refresh(tokens["refresh_token"])
    assert "email" not in claims_of(world, refreshed["access_token"])["scope"].split()
    assert "email" not in refreshed["scope"].split()


def test_no_signed_access_token_passes_for_an_id_token(world: World) -> None:
    token = exchange(world, code_for(world, API))["access_token"]
    assert not world.provider.read_end_session([("id_token_hint", token)]).hint_is_valid


def test_the_token_request_may_choose_among_what_was_granted(world: World) -> None:
    tokens = exchange(world, code_for(world, API, FILES), FILES)
    assert claims_of(world, tokens["access_token"])["aud"] == FILES
    form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"]), ("resource", API)]
    refreshed = world.provider.token(form, basic(), now=NOW + timedelta(minutes=5))
    assert claims_of(world, refreshed["access_token"])["aud"] == API
    every = world.refresh(refreshed["refresh_token"], now=NOW + timedelta(minutes=6))
    assert claims_of(world, every["access_token"])["aud"] == [API, FILES]


def test_what_was_not_granted_is_refused_and_the_code_still_good(world: World) -> None:
    code = code_for(world, API)
    for resource in (FILES, "https://other.example/", "junk", "{}", API + "#x"):
        with refused("invalid_target"):
            exchange(world, code, resource)
    assert exchange(world, code)


def test_a_resource_may_first_be_named_at_the_token_endpoint(world: World) -> None:
    assert claims_of(world, exchange(world, code_for(world), API)["access_token"])["aud"] == API


def test_or_by_a_refresh_which_may_ask_for_no_more_than_the_client_has(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, resources=(API,))
    token = exchange(world, code_for(world))["refresh_token"]
    with refused("invalid_target"):
        world.refresh(token, resource=FILES)
    refreshed = world.refresh(token, resource=API)["access_token"]
    assert introspect(world, refreshed)["aud"] == API


def test_a_scope_that_was_taken_while_the_person_signed_in_is_not_granted(world: World) -> None:
    request = world.read(scope="openid email profile")
    world.clients["portail"] = replace(PORTAL, scopes=("openid", "profile"))
    answer = world.provider.authorize(request, "account-of-ines", SUBJECT, SIGN_IN, now=NOW)
    code = answer.location.partition("code=")[2].partition("&")[0]
    # Given back later, it is not granted by those who were never asked for it.
    world.clients["portail"] = PORTAL
    tokens = exchange(world, code)
    assert tokens["scope"] == "openid profile"
    assert "email" not in world.userinfo(tokens["access_token"])


def test_without_resource_the_token_is_opaque(world: World) -> None:
    assert "." not in exchange(world, code_for(world))["access_token"]


@pytest.mark.parametrize("resources", [("https://other.example/",), (API, "junk"), (API + "?x",)])
def test_an_unknown_resource_is_told_at_the_redirect_uri(world: World, resources: tuple[str, ...]) -> None:
    with pytest.raises(AuthorizationError) as caught:
        code_for(world, *resources)
    assert caught.value.error == "invalid_target"


def test_a_client_without_resources_may_name_none(world: World) -> None:
    world.clients["portail"] = PORTAL
    with pytest.raises(AuthorizationError, match="invalid_target"):
        code_for(world, API)
    with refused("invalid_target"):
        exchange(world, code_for(world), API)


def test_an_opaque_token_for_a_resource_is_told_by_introspection(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, resources=(API,))
    token = exchange(world, code_for(world, API))["access_token"]
    assert "." not in token
    assert introspect(world, token)["aud"] == API


def test_a_resource_taken_from_the_client_is_not_granted_any_more(world: World) -> None:
    tokens = exchange(world, code_for(world, API))
    world.clients["portail"] = replace(PORTAL, access_token_format="jwt", resources=(FILES,))
    with refused("invalid_target"):
        world.refresh(tokens["refresh_token"])


def test_registration_refuses_what_is_no_address() -> None:
    def faults(**metadata: Any) -> list[str]:
        noted = Faults("file")
        table = {"client_id": "x", "redirect_uris": [CALLBACK], "client_secret": "a-secret-long-enough"}
        read_client(table | metadata, noted)
        return noted.lines

    assert not faults(access_token_format="jwt", resources=[API])
    assert faults(access_token_format="jwt")
    assert faults(access_token_format="xml")
    assert faults(resources=["junk"])
    assert faults(resources=["https://api.example/#x"])
