"""The embedded mongod: shared, kept, gone with its last user. Every test runs the real mongod."""

import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pymongo
import pytest

from idp.domain.errors import ConfigurationError
from idp.storage import embedded
from tests.waiting import wait_until

# A user process: ensures mongod, says its URI and what it counted after its own insert, lives until its stdin ends.
USER = """
import sys
from pathlib import Path
from pymongo import MongoClient
from idp.storage.embedded import ensure
uri = ensure(Path(sys.argv[1]))
people = MongoClient(uri, w="majority").test.people
people.insert_one({})
print(uri, people.count_documents({}), flush=True)
sys.stdin.read()
"""
User = subprocess.Popen[str]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., User]]:
    """Starts user processes of one directory; ends them, and waits for their mongod to go."""
    users: list[User] = []

    def started(folder: str = "db") -> User:
        command = [sys.executable, "-c", USER, str(tmp_path / folder)]
        user = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        users.append(user)
        return user

    yield started
    for user in users:
        user.kill()
        user.communicate()
    _kill(_mongods(tmp_path), signal.SIGTERM)  # the supervisor too stops mongod cleanly
    wait_until(lambda: not _mongods(tmp_path))


def _said(user: User) -> tuple[str, int]:
    assert user.stdout is not None
    uri, count = user.stdout.readline().split()
    return uri, int(count)


def _mongods(directory: Path) -> list[int]:
    """Process ids of mongods whose data lie in this directory, and their supervisors'."""
    commands = ((int(process.name), _command(int(process.name))) for process in Path("/proc").glob("[0-9]*"))
    return [
        process
        for process, command in commands
        if any(part.startswith(os.fsencode(directory)) for part in command) and b"-c" not in command
    ]


def _command(process: int) -> list[bytes]:
    """Its words; none where it has ended since somebody saw it, be it while this is read."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _kill(processes: list[int], sent: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):  # they end each other, and with their last user
            os.kill(process, sent)


def _mongod(directory: Path) -> int:
    (found,) = _serving(directory)
    return found


def _serving(directory: Path) -> list[int]:
    """The mongods themselves; none in the moment between an old and a new one."""
    return [process for process in _mongods(directory) if b"--dbpath" in _command(process)]


def test_processes_that_start_together_share_one_mongod(start: Callable[..., User], tmp_path: Path) -> None:
    said = [_said(user) for user in [start() for _ in range(4)]]
    assert len({uri for uri, _ in said}) == 1
    assert max(count for _, count in said) == 4
    assert len(_mongods(tmp_path)) == 2  # it and its supervisor


def test_mongod_is_gone_after_its_last_user_was_killed(start: Callable[..., User], tmp_path: Path) -> None:
    users = [start(), start()]
    for user in users:
        _said(user)
    users[0].kill()
    users[0].wait()
    assert len(_mongods(tmp_path)) == 2
    users[1].kill()
    users[1].wait()
    wait_until(lambda: not _mongods(tmp_path))


def test_its_log_quotes_nobody(start: Callable[..., User], tmp_path: Path) -> None:
    """MongoDB writes slow commands there whole, with the address that was looked for."""
    uri, _ = _said(start())
    slow = {"$or": [{"address": "camille@univ-exemple.fr"}, {"$where": "sleep(300) || true"}]}
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        assert client.test.people.find_one(slow)
    assert "camille" not in (tmp_path / "db" / "mongod.log").read_text()


def test_data_outlive_a_restart(start: Callable[..., User], tmp_path: Path) -> None:
    user = start()
    assert _said(user)[1] == 1
    user.kill()
    user.wait()
    wait_until(lambda: not _mongods(tmp_path))
    assert _said(start())[1] == 2


def test_a_newcomer_in_the_last_moment_is_served(start: Callable[..., User], tmp_path: Path) -> None:
    user = start()
    _said(user)
    for expected in range(2, 5):
        user.kill()
        user.wait()
        user = start()
        assert _said(user)[1] == expected


def test_data_outlive_killed_mongod_and_supervisor(start: Callable[..., User], tmp_path: Path) -> None:
    user = start()
    _said(user)
    user.kill()
    _kill(_mongods(tmp_path), signal.SIGKILL)
    assert _said(start())[1] == 2


def test_mongod_ends_with_its_killed_supervisor(start: Callable[..., User], tmp_path: Path) -> None:
    _said(start())
    mongod = _mongod(tmp_path)
    (supervisor,) = [process for process in _mongods(tmp_path) if process != mongod]
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not _mongods(tmp_path))


def test_a_killed_mongod_is_started_again_for_its_users(start: Callable[..., User], tmp_path: Path) -> None:
    _said(start())
    killed = _mongod(tmp_path)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: _serving(tmp_path) not in ([], [killed]))
    assert _said(start())[1] == 2


def test_mongod_listens_on_a_private_socket_and_ignores_the_terminal(
    start: Callable[..., User], tmp_path: Path
) -> None:
    uri, _ = _said(start())
    path = tmp_path / "db" / "socket" / "mongod.sock"
    assert uri == f"mongodb://{str(path).replace('/', '%2F')}/?directConnection=true"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    mongod = _mongod(tmp_path)
    sockets = {os.readlink(link) for link in Path(f"/proc/{mongod}/fd").iterdir() if link.is_symlink()}
    listening = re.findall(r"^ *\d+: \S+ \S+ 0A .* (\d+) 1 ", Path("/proc/net/tcp").read_text(), re.MULTILINE)
    assert not sockets & {f"socket:[{inode}]" for inode in listening}
    assert os.getsid(mongod) != os.getsid(0)


def test_a_long_path_gets_a_short_private_socket(start: Callable[..., User], tmp_path: Path) -> None:
    path = embedded.socket_path(tmp_path / ("x" * 120))
    assert len(str(path)) < 100
    assert path != embedded.socket_path(tmp_path / ("y" * 120))
    assert str(path).replace("/", "%2F") in _said(start("x" * 120))[0]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_any_mongod_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"uness-idp\[embedded\].*IDP_MONGODB_URI"):
        embedded.find_mongod(tmp_path, search_path=str(tmp_path), wheel="no-such-wheel")


def _program(file: Path, script: str) -> Path:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def test_a_mongod_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    program = _program(tmp_path / "mongod", "echo db version v4.4.29")
    with pytest.raises(ConfigurationError, match="version 5 or later"):
        embedded.find_mongod(tmp_path, search_path=str(tmp_path), wheel="no-such-wheel")
    _program(program, "echo db version v7.0.1")
    assert embedded.find_mongod(tmp_path, search_path=str(tmp_path)) == program


def test_the_program_of_the_wheel_gets_its_run_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_wheel-1.dist-info").mkdir()
    (tmp_path / "some_wheel-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: some-wheel\nVersion: 1\n"
    )
    program = tmp_path / "fiftyone" / "db" / "bin" / "mongod"
    program.parent.mkdir(parents=True)
    _program(program, "exit 0").chmod(0o644)
    monkeypatch.syspath_prepend(tmp_path)
    assert embedded.find_mongod(tmp_path, search_path=str(tmp_path), wheel="some-wheel") == program
    assert os.access(program, os.X_OK)


def test_a_mongod_that_cannot_run_is_told_in_its_own_words(tmp_path: Path) -> None:
    broken = _program(tmp_path / "mongod", "echo 'libcrypto.so.3: cannot open shared object file' >&2; exit 127")
    with pytest.raises(ConfigurationError, match=r"libcrypto\.so\.3: cannot open.*IDP_MONGODB_URI"):
        embedded.ensure(tmp_path / "db", broken)


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("a file")
    with pytest.raises(ConfigurationError, match="IDP_MONGODB_URI"):
        embedded.ensure(tmp_path / "db")
