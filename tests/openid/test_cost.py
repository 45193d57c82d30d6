"""What a flow costs the database: few commands, each by an index, however many grants there are."""

from datetime import timedelta

import pytest

from idp.storage.database import Database
from tests.openid.world import NOW, SIGN_IN, World, basic
from tests.profiled import profiled


@pytest.fixture
def crowded(world: World, database: Database) -> World:
    """Many other people's grants, all of them live."""
    world.tokens()
    (template,) = database.collection("grants").find()
    database.collection("grants").insert_many(
        template
        | {"_id": f"g{number}", "code_hash": f"c{number}", "account_id": f"a{number}"}
        | {"access": [{"hash": f"t{number}", "scope": [], "expires_at": NOW + timedelta(hours=1)}]}
        | {"sign_in": template["sign_in"] | {"sid": f"s{number}"}}
        for number in range(300)
    )
    return world


def test_pyop_fault_no_request_scans_the_grants(crowded: World, database: Database) -> None:
    with profiled(database, "grants") as operations:
        tokens = crowded.tokens()
        crowded.userinfo(tokens["access_token"])
        crowded.refresh(tokens["refresh_token"])
        crowded.grants.revoke_session(SIGN_IN.sid)
        crowded.grants.revoke_account("a7")
    assert len([each for each in operations if each["op"] != "insert"]) == 6
    for each in operations:
        assert each.get("docsExamined", 0) <= 2
        assert "COLLSCAN" not in each.get("planSummary", "")


def test_a_code_flow_takes_four_commands(world: World, database: Database) -> None:
    with profiled(database, "grants") as operations:
        world.userinfo(world.tokens()["access_token"])
    assert [each["op"] for each in operations] == ["insert", "query", "update", "query"]


def test_refresh_introspection_and_revocation_take_one_command_each(world: World, database: Database) -> None:
    tokens = world.tokens()
    with profiled(database, "grants") as operations:
        refreshed = world.refresh(tokens["refresh_token"])
        for endpoint in (world.provider.introspection, world.provider.revocation):
            endpoint.answer([("token", refreshed["access_token"])], basic(), now=NOW)
    assert [each["op"] for each in operations] == ["command", "query", "update"]
    assert all("COLLSCAN" not in each.get("planSummary", "") for each in operations)
