"""The administrator's commands as a process runs them."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.servers import surroundings
from idp import cli
from idp.domain.client_secrets import verify_secret
from idp.storage.database import Database
from tests.cli.administration import administration
from tests.cli.in_process import idp as idp_here

PROJECT = Path(__file__).parents[2]


def idp(*arguments: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "idp", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env=surroundings() | environment,
    )


def test_help_names_the_commands() -> None:
    run = idp("--help")
    assert run.returncode == 0
    assert "client" in run.stdout
    assert "federation" in run.stdout


def test_a_command_that_only_explains_itself_loads_nothing_of_what_it_would_do() -> None:
    told = "import sys, idp.__main__; print({'flask', 'pymongo', 'pyop', 'saml2'} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert run.stdout.strip() == "set()"


def test_a_secret_is_hashed_as_the_clients_file_takes_it() -> None:
    run = idp("client", "hash-secret", typed="un secret de client assez long\n")
    assert verify_secret("un secret de client assez long", (run.stdout.strip(),))
    fresh = idp("client", "hash-secret", "--new").stdout.split()
    assert len(fresh) == 2
    assert verify_secret(fresh[0], (fresh[1],))
    assert idp("client", "hash-secret").returncode != 0


def test_clients_are_listed(tmp_path: Path) -> None:
    run = idp_here("client", "list")
    assert "portail" in run.stdout
    broken = tmp_path / "clients.toml"
    broken.write_text("[[client]]\nclient_id = 3\n")
    run = idp_here("client", "list", IDP_CLIENTS_FILE=str(broken))
    assert run.returncode != 0
    assert "clients.toml" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_token_for_registration_needs_the_database_and_says_so(tmp_path: Path) -> None:
    flows = administration(tmp_path, now=datetime.now(UTC))
    run = CliRunner().invoke(cli.main, ["client", "initial-token"], obj=lambda: flows)
    assert run.exit_code == 1
    assert run.output.startswith("database unavailable")


@pytest.mark.parametrize("registers", [True, False])
def test_a_token_that_nobody_can_use_yet_comes_with_a_note(tmp_path: Path, database: Database, registers: bool) -> None:
    flows = administration(tmp_path, now=datetime.now(UTC), database=database)
    flows = replace(flows, clients=replace(flows.clients, registers=registers))
    run = CliRunner().invoke(cli.main, ["client", "initial-token"], obj=lambda: flows)
    assert run.exit_code == 0
    assert len(run.stdout.split()) == 1  # the token alone, for programs
    assert ("registration.enabled" in run.stderr) is not registers


def test_a_list_of_people_that_cannot_be_read_is_told() -> None:
    run = idp_here("user", "invite", "--csv", "/proc/self/mem", "--reason", "rentrée")
    assert run.returncode == 1
    assert run.stderr == "/proc/self/mem: cannot be read: Input/output error; nobody was invited\n"


def test_check_names_every_fault_to_people_and_programs(tmp_path: Path) -> None:
    run = idp_here("check", "--json", IDP_FEDERATION_DIR=str(tmp_path))
    assert (run.returncode, json.loads(run.stdout), run.stderr) == (0, [], "")
    (tmp_path / "broken.xml").write_text("<html>")
    wrongs = {"broken.xml": {"IDP_FEDERATION_DIR": str(tmp_path)}, "IDP_SMTP_PORT": {"IDP_SMTP_PORT": "many"}}
    for named, wrong in wrongs.items():
        run = idp_here("check", **wrong)
        assert run.returncode == 1
        assert named in run.stderr
        assert "Traceback" not in run.stderr
        told = idp_here("check", "--json", **wrong)
        assert (told.returncode, json.loads(told.stdout), told.stderr) == (1, run.stderr.splitlines(), "")


def test_check_names_folders_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = idp_here(
        "check", IDP_FEDERATION_DIR=str(tmp_path / "nowhere"), IDP_KEYS_DIR=str(tmp_path / "file" / "deep" / "keys")
    )
    assert run.returncode == 1
    assert [line.partition(" = ")[0] for line in run.stderr.splitlines()] == ["keys.dir", "federation.dir"]
    run = idp_here("check", IDP_FEDERATION_DIR=str(tmp_path / "file"))
    assert (run.returncode, len(run.stderr.splitlines())) == (1, 1)
    assert run.stderr.startswith("federation.dir = ")
    fresh = idp_here("check", IDP_FEDERATION_DIR=str(tmp_path), IDP_KEYS_DIR=str(tmp_path / "new" / "keys"))
    assert fresh.returncode == 0
    assert not (tmp_path / "new").exists()


def test_a_university_that_is_not_there_is_told(tmp_path: Path) -> None:
    run = idp_here("federation", "which", "a@univ-exemple.fr", IDP_FEDERATION_DIR=str(tmp_path))
    assert run.returncode != 0
    assert "no university" in run.stderr
    run = idp_here("federation", "which", "nobody", IDP_FEDERATION_DIR=str(tmp_path))
    assert "not a mail address" in run.stderr
