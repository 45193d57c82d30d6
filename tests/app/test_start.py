"""What stops the start: one line, once, and no server that goes on trying."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.servers import surroundings
from idp.demo.ports import free_port
from tests.waiting import PATIENCE_SECONDS

PROJECT = Path(__file__).resolve().parents[2]
UNKNOWN_KEY = """
[[client]]
client_id = "a"
client_secret = "a-secret-of-this-client"
redirect_uris = ["https://a.example/cb"]
redirect_urs = []
"""


def refused(folder: Path, *options: str, **environment: str) -> list[str]:
    """What gunicorn says before it ends, line by line."""
    given = {"IDP_VAR_DIR": str(folder), "IDP_KEYS_DIR": str(folder / "keys")}
    given["IDP_WEB_BIND"] = f"127.0.0.1:{free_port()}"
    ran = subprocess.run(
        [sys.executable, "-m", "gunicorn", *options, "wsgi:app"],
        cwd=PROJECT,
        env=surroundings() | given | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ran.returncode != 0
    return ran.stderr.splitlines()


@pytest.mark.parametrize("content", ["[[client", UNKNOWN_KEY])
def test_a_clients_file_with_a_fault_stops_the_server_with_one_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(content)
    (line,) = refused(tmp_path, IDP_CLIENTS_FILE=str(file))
    assert line.startswith(f"{file}: ")
    assert "; accepted: " in line


def test_a_clients_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, IDP_CLIENTS_FILE="/nonexistent")
    assert line.startswith("clients.file = '/nonexistent': cannot be read")
    assert line.endswith("(IDP_CLIENTS_FILE)")


def test_a_folder_for_keys_that_cannot_be_made_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (line,) = refused(tmp_path, IDP_KEYS_DIR=str(tmp_path / "file" / "keys"))
    assert line.startswith("keys.dir = ")
    assert line.endswith("(IDP_KEYS_DIR)")


def test_a_data_folder_that_cannot_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    given = {"IDP_VAR_DIR": str(tmp_path / "file" / "var"), "IDP_SECRET_KEY": "x" * 32}
    (line,) = refused(tmp_path, **given)
    assert line.startswith(f"var_dir = {given['IDP_VAR_DIR']!r}: cannot be written: ")
    assert line.endswith("(IDP_VAR_DIR)")


def test_a_file_in_place_of_the_federation_s_folder_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (line,) = refused(tmp_path, IDP_FEDERATION_DIR=str(tmp_path / "file"))
    assert line == f"federation.dir = '{tmp_path}/file': accepted: a folder (IDP_FEDERATION_DIR)"


def test_a_server_without_our_settings_of_gunicorn_ends_as_well(tmp_path: Path) -> None:
    own = ("--config", os.devnull, "--bind", f"127.0.0.1:{free_port()}")
    lines = refused(tmp_path, *own, IDP_CLIENTS_FILE="/nonexistent")
    assert [line for line in lines if line.startswith("clients.file = ")]


def test_a_bad_setting_is_told_once(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, IDP_ISSUER="https://idp.example", IDP_SECRET_KEY="short")
    assert line.startswith("IDP_SECRET_KEY = ***: accepted: at least 32 characters")
