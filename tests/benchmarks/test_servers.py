"""Figures from /proc: all processes of a server count, and a server that does not start says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.servers import Server, ServerFailed, family, process_cpu_seconds
from idp.demo.ports import free_port

PAGE = "import http.server, sys; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))"


def server(folder: Path, program: str) -> Server:
    port = free_port()
    return Server(
        name="a server",
        arguments=(sys.executable, "-c", program, str(port)),
        environment={},
        folder=folder,
        log_file=folder / "log",
        port=port,
        ready_path="/",
    )


def test_a_server_is_started_measured_and_stopped(tmp_path: Path) -> None:
    page = server(tmp_path, PAGE)
    assert page.start() > 0
    try:
        assert page.processes() == 1
        assert page.memory_bytes() > 1_000_000
        assert page.cpu_seconds() > 0
    finally:
        page.stop()
    assert page.processes() == 0


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match=r"a server does not start, see .*log"):
        server(tmp_path, "raise SystemExit(1)").start()


def test_a_family_holds_grandchildren() -> None:
    command = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE) as child:
        while len(found := family(child.pid)) < 2 and child.poll() is None:
            pass
        assert found[0] == child.pid
        child.communicate(b"\n")


def test_a_process_that_has_ended_has_used_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert process_cpu_seconds(child.pid) == 0
    assert process_cpu_seconds(os.getpid()) > 0
