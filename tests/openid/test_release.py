"""Which claims leave, and to whom (O-44)."""

from dataclasses import replace

import pytest

from idp.domain.errors import AuthorizationError
from tests.openid.world import ACCOUNT, CLAIMS, NOW, PAIRWISE, PORTAL, SECRET, SUBJECT, World, basic

EVERYTHING = {
    **CLAIMS,
    "eduperson_scoped_affiliation": ["student@univ-exemple.fr"],
    "voperson_external_affiliation": ["student@univ-exemple.fr"],
    "voperson_external_id": ["ines@univ-exemple.fr"],
    "affiliation_checked_at": 1_750_000_000,
}


@pytest.fixture
def world(world: World) -> World:
    world.accounts[ACCOUNT] = dict(EVERYTHING)
    return world


def released(world: World, **changes: str) -> tuple[dict[str, object], dict[str, object]]:
    """The claims of the ID token and of userinfo."""
    tokens = world.tokens(**changes)
    return world.id_token(tokens["id_token"]), world.userinfo(tokens["access_token"])


def test_each_scope_releases_its_claims(world: World) -> None:
    assert set(released(world, scope="openid eduperson")[1]) == {
        "sub",
        "eduperson_affiliation",
        "eduperson_scoped_affiliation",
        "supann_etu_id",
        "affiliation_checked_at",
    }
    assert set(released(world, scope="openid voperson")[1]) == {
        "sub",
        "voperson_id",
        "voperson_external_id",
        "voperson_external_affiliation",
    }


def test_o_44_the_client_s_own_list_is_enforced_for_scopes_and_for_claims(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, claims=("email",))
    id_token, userinfo = released(
        world,
        scope="openid email profile",
        claims='{"id_token": {"name": null, "email": null}, "userinfo": {"name": null}}',
    )
    assert userinfo == {"sub": SUBJECT, "email": CLAIMS["email"]}
    assert id_token["email"] == CLAIMS["email"]
    assert "name" not in id_token


def test_o_44_a_list_that_became_shorter_counts_for_tokens_that_are_out_already(world: World) -> None:
    tokens = world.tokens(scope="openid email", claims='{"userinfo": {"name": null}}')
    world.clients["portail"] = replace(PORTAL, claims=())
    assert world.userinfo(tokens["access_token"]) == {"sub": SUBJECT}


def test_the_list_never_takes_away_what_the_protocol_needs(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, claims=())
    id_token, _ = released(world)
    assert {"sub", "auth_time", "acr", "amr", "sid", "nonce"} <= set(id_token)


def test_a_claim_is_released_only_with_the_value_that_was_asked_for(world: World) -> None:
    asked = (
        '{"userinfo": {"email": {"value": "ines@univ-exemple.fr"}, "given_name": {"values": ["Inès", "Ines"]},'
        ' "name": {"value": "Somebody Else"}, "updated_at": {"values": [1, 2]}}}'
    )
    _, userinfo = released(world, scope="openid", claims=asked)
    assert set(userinfo) == {"sub", "email", "given_name"}


@pytest.mark.parametrize(
    ("wish", "is_there"),
    [
        ('{"value": ["student"]}', True),
        ('{"values": [["member", "student"], ["student"]]}', True),
        ('{"value": ["member", "student"]}', False),
        ('{"value": "student"}', False),
    ],
)
def test_the_value_of_a_claim_with_several_is_a_list(world: World, wish: str, is_there: bool) -> None:
    """Core section 5.5.1: what is asked for is a valid value of that claim."""
    asked = f'{{"userinfo": {{"eduperson_affiliation": {wish}}}}}'
    _, userinfo = released(world, scope="openid", claims=asked)
    assert ("eduperson_affiliation" in userinfo) is is_there


@pytest.mark.parametrize("claim", ["acr", "sub", "auth_time"])
def test_the_sign_in_itself_has_single_values(reader: World, claim: str) -> None:
    for wish in ('{"value": ["x"]}', '{"values": [["x"]]}'):
        with pytest.raises(AuthorizationError, match="invalid_request"):
            reader.read(claims=f'{{"id_token": {{"{claim}": {wish}}}}}')


@pytest.mark.parametrize(
    ("claims", "is_about"),
    [
        ('{"id_token": {"sub": {"value": "subject-of-ines"}}}', True),
        ('{"id_token": {"sub": {"values": ["other", "subject-of-ines"]}}}', True),
        ('{"id_token": {"sub": {"essential": true}}}', True),
        ('{"id_token": {"sub": {"values": []}}}', False),
        ('{"userinfo": {"sub": {"value": "other"}}}', False),
        ('{"id_token": {"sub": {"value": "subject-of-ines"}}, "userinfo": {"sub": {"value": "other"}}}', False),
    ],
)
def test_a_requested_sub_names_the_person(reader: World, claims: str, is_about: bool) -> None:
    assert reader.provider.is_about(reader.read(claims=claims), SUBJECT) is is_about


def test_the_scoped_id_is_the_sub_that_the_client_sees(world: World) -> None:
    assert released(world, scope="openid voperson")[1]["voperson_id"] == f"{SUBJECT}@localhost"
    request = world.read(PAIRWISE, scope="openid voperson")
    own = world.provider.subject_for(PAIRWISE, SUBJECT)
    preview = world.provider.preview(request, SUBJECT, EVERYTHING)
    assert preview["voperson_id"] == f"{own}@localhost"
    assert SUBJECT not in str(preview)


def test_what_is_shown_before_agreeing_is_what_is_released(world: World) -> None:
    asked = {"scope": "openid email voperson", "claims": '{"id_token": {"name": null}}'}
    shown = world.provider.preview(world.read(**asked), SUBJECT, EVERYTHING)
    id_token, userinfo = released(world, **asked)
    assert set(shown) == (set(userinfo) | {"name"}) - {"sub"}
    assert all(({**id_token, **userinfo})[claim] == value for claim, value in shown.items())


def test_claims_stay_what_they_were_over_a_refresh(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, claims=("email",))
    tokens = world.tokens()
    again = world.refresh(tokens["refresh_token"], basic("portail", SECRET), now=NOW)
    assert set(world.userinfo(again["access_token"])) == {"sub", "email"}
