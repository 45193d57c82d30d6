"""Relying parties that registered themselves, as an administrator sees and ends them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idp.domain.registrations import Registration
from idp.storage.clients import ClientStore
from idp.storage.database import Database
from tests.cli.in_process import idp

FOUNDED = datetime(2026, 11, 30, 9, tzinfo=UTC)


@pytest.fixture
def environment(mongodb_uri: str, database: Database) -> dict[str, str]:
    return {"IDP_MONGODB_URI": mongodb_uri, "IDP_MONGODB_DATABASE": database.name}


def register(database: Database, client_id: str, *, days: int = 0, **metadata: Any) -> None:
    addresses = {"redirect_uris": [f"https://{client_id}.example/cb", f"https://{client_id}.example/cb2"]}
    at = FOUNDED + timedelta(days=days)
    ClientStore(database).add(Registration(client_id, addresses | metadata, "a verifier", "a hash", at))


def test_registered_clients_are_listed_the_oldest_first(environment: dict[str, str], database: Database) -> None:
    register(database, "reg_b", days=1)
    register(database, "reg_a", days=2)
    register(database, "reg_c", client_name="Carte\tdu\ncampus")
    run = idp("client", "registered", **environment)
    assert run.returncode == 0
    assert [line.split("\t")[0] for line in run.stdout.splitlines()] == ["reg_c", "reg_b", "reg_a"]
    # The name is the application's own word: it makes neither a line nor a column.
    row = (
        "reg_c",
        "since 2026-11-30T09:00:00Z",
        r"Carte\tdu\ncampus",
        "https://reg_c.example/cb https://reg_c.example/cb2",
    )
    assert run.stdout.splitlines()[0] == "\t".join(row)


def test_what_was_registered_is_told_to_programs_without_secrets(
    environment: dict[str, str], database: Database
) -> None:
    register(database, "reg_a", scope="openid")
    told = json.loads(idp("client", "registered", "--json", **environment).stdout)
    addresses = ["https://reg_a.example/cb", "https://reg_a.example/cb2"]
    assert told == [
        {
            "client_id": "reg_a",
            "client_id_issued_at": "2026-11-30T09:00:00Z",
            "redirect_uris": addresses,
            "scope": "openid",
        }
    ]


def test_nobody_registered_is_an_empty_list(environment: dict[str, str]) -> None:
    assert idp("client", "registered", **environment).stdout == ""
    assert json.loads(idp("client", "registered", "--json", **environment).stdout) == []


def test_a_removed_client_is_gone_and_the_others_stay(environment: dict[str, str], database: Database) -> None:
    register(database, "reg_a")
    register(database, "reg_b")
    grants = database.collection("grants")
    grants.insert_many([{"_id": one, "client_id": one} for one in ("reg_a", "reg_b", "portail")])
    run = idp("client", "remove", "reg_a", **environment)
    assert (run.returncode, run.stdout, run.stderr) == (0, "reg_a: removed\n", "")
    assert [one.client_id for one in ClientStore(database).every()] == ["reg_b"]
    assert {grant["_id"] for grant in grants.find()} == {"reg_b", "portail"}


def test_a_removal_that_was_cut_off_is_finished_by_the_next(environment: dict[str, str], database: Database) -> None:
    grants = database.collection("grants")
    grants.insert_one({"_id": "left over", "client_id": "reg_a"})
    run = idp("client", "remove", "reg_a", **environment)
    assert run.returncode == 1
    assert run.stderr == "no registration of reg_a; `idp client registered` lists them\n"
    assert grants.count_documents({}) == 0


def test_an_application_of_the_file_is_not_removed_here(environment: dict[str, str], database: Database) -> None:
    grants = database.collection("grants")
    grants.insert_one({"_id": "portail's", "client_id": "portail"})
    run = idp("client", "remove", "portail", **environment)
    assert run.returncode == 1
    assert "clients file" in run.stderr
    assert grants.count_documents({}) == 1


@pytest.mark.parametrize("command", [("registered",), ("remove", "reg_a")])
def test_without_a_database_nothing_is_done_and_it_is_said(command: tuple[str, ...]) -> None:
    away = {"IDP_MONGODB_URI": "mongodb://127.0.0.1:9/", "IDP_MONGODB_TIMEOUT_MS": "100"}
    run = idp("client", *command, **away)
    assert run.returncode == 1
    assert run.stderr.startswith("database unavailable")
