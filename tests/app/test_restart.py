"""A server that is replaced turns nobody away, and one that runs keeps the code with which it was started."""

import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.client import Client
from tests.chaos.provider import PLAIN, PROJECT, REDIRECT_URI, Provider
from tests.waiting import wait_until

DISCOVERY = "/.well-known/openid-configuration"
# As systemd starts a service that has a socket (sd_listen_fds): it is descriptor 3 of the process that is named.
AS_SYSTEMD = """
import os, sys
os.dup2({listening}, 3)
os.environ |= {{"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}}
os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "wsgi:app"])
"""


@pytest.fixture
def provider(tmp_path: Path, mongodb_uri: str, keys_folder: Path) -> Iterator[Provider]:
    made = Provider(tmp_path, mongodb_uri, {"IDP_KEYS_DIR": str(keys_folder)})
    yield made
    made.stop()


class Visitors:
    """One after the other, from before a restart until after it."""

    def __init__(self, port: int) -> None:
        self._port, self._end = port, threading.Event()
        self.answers: list[str] = []
        self._thread = threading.Thread(target=self._come)

    def _come(self) -> None:
        while not self._end.is_set():
            # However slow this machine is at the moment: nobody is turned away.
            self.answers.append(Client(self._port, timeout=60).get(DISCOVERY).outcome)

    def __enter__(self) -> "Visitors":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def test_a_restart_behind_a_kept_address_turns_nobody_away(provider: Provider) -> None:
    with socket.create_server(("127.0.0.1", provider.port), backlog=256) as kept:
        provider.command = ("-c", AS_SYSTEMD.format(listening=kept.fileno()))
        provider.handed_on = (kept.fileno(),)
        provider.start()
        with Visitors(provider.port) as visitors:
            wait_until(lambda: len(visitors.answers) > 20)
            provider.stop()
            before = len(visitors.answers)
            provider.start()
            wait_until(lambda: len(visitors.answers) > before + 20)
        provider.stop()
    assert set(visitors.answers) == {"200"}


def test_what_is_installed_over_a_running_server_reaches_none_of_its_workers(provider: Provider) -> None:
    """Half of an old release with half of a new one is neither."""
    provider.project = provider.folder / "installed"
    provider.project.mkdir()
    for file in ("wsgi.py", "gunicorn.conf.py"):
        shutil.copy(PROJECT / file, provider.project)
    for folder in ("idp", "config"):
        shutil.copytree(PROJECT / folder, provider.project / folder)
    provider.start()
    first = set(provider.workers())
    for module in (provider.project / "idp").rglob("*.py"):
        module.write_text("raise RuntimeError('of another release')")
    for template in (provider.project / "idp").rglob("templates/**/*.*"):
        template.write_text("of another release {{ of_another_release() }}")
    provider.signal_master(signal.SIGHUP)
    wait_until(lambda: (now := set(provider.workers())) and len(now) == len(first) and not now & first)
    provider.wait_until_ready()
    assert Client(provider.port).get("/accessibility").status == 200
    assert "of another release" not in provider.log()


def test_a_worker_that_dies_while_files_are_being_edited_is_replaced_and_so_are_all_at_a_reload(
    tmp_path: Path, mongodb_uri: str, keys_folder: Path
) -> None:
    """Each new worker would read half of what the administrator wants, and the server would end with it."""
    file = tmp_path / "settings.toml"
    file.write_text("")
    provider = Provider(tmp_path, mongodb_uri, {"IDP_CONFIG": str(file), "IDP_KEYS_DIR": str(keys_folder)})
    provider.start()
    try:
        for broken in (file, tmp_path / "clients.toml"):
            broken.write_text("[[client")
        before = set(provider.workers())
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(set(provider.workers()) - before) == 1)
        provider.wait_until_ready()
        before = set(provider.workers())
        provider.signal_master(signal.SIGHUP)
        wait_until(lambda: len(provider.workers()) == len(before) and not before & set(provider.workers()))
        provider.wait_until_ready()
        assert "settings.toml: " in provider.log()
        asked = Client(provider.port).get(f"/authorize?client_id={PLAIN}&redirect_uri={REDIRECT_URI}&prompt=none")
        assert asked.status == 303, "the client is known still"
    finally:
        provider.stop()
