"""A command that root runs leaves nothing that the service cannot open."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from idp.cli import become_owner, founded
from tests.waiting import PATIENCE_SECONDS

PROJECT = Path(__file__).parents[2]
SERVICE = 10001

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    """The data folder of a service with a user of its own; pytest's folders are for their maker alone."""
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "var"
        path.mkdir()
        Path(made).chmod(0o755)
        if os.geteuid() == 0:
            os.chown(path, SERVICE, SERVICE)
        yield path


def in_child(work: Callable[[], None]) -> None:
    """Who became somebody else cannot go back."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 -- told by the code
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@needs_root
def test_what_root_writes_is_the_services(folder: Path) -> None:
    def work() -> None:
        become_owner(folder)
        (folder / "lock").touch()
        assert os.getgroups() == [SERVICE]

    in_child(work)
    found = (folder / "lock").stat()
    assert (found.st_uid, found.st_gid) == (SERVICE, SERVICE)


@needs_root
def test_who_sits_at_the_terminal_is_still_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "camille")

    def work() -> None:
        become_owner(folder)
        assert founded.founded("asked for by phone").operator == "camille (root)"

    in_child(work)


@needs_root
@pytest.mark.parametrize("name", ["", "not/there"])
def test_roots_own_folder_and_one_that_is_not_there_change_nothing(folder: Path, name: str) -> None:
    def work() -> None:
        os.chown(folder, 0, 0)
        become_owner(folder / name)
        assert os.getuid() == 0

    in_child(work)


@needs_root
def test_a_command_of_root_locks_the_federation_as_the_service(folder: Path) -> None:
    """The command reads its program as the service's user, so this needs one that everybody can read."""
    environment = {
        "IDP_ISSUER": "http://localhost:5000",
        "IDP_SECRET_KEY": "une clé secrète assez longue pour le test",
        "IDP_VAR_DIR": str(folder),
        "IDP_KEYS_DIR": str(folder / "keys"),
        "IDP_FEDERATION_DIR": str(PROJECT / "federation_metadata"),
        "PATH": os.environ["PATH"],
    }
    run = subprocess.run(
        [sys.executable, "-m", "idp", "federation", "list"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if "ermission" in run.stderr:
        pytest.skip(f"missing: a checkout that everybody can read ({run.stderr.splitlines()[-1]})")
    assert run.returncode == 0, run.stderr
    made = list(folder.rglob("*"))
    assert made
    assert {path.stat().st_uid for path in made} == {SERVICE}
