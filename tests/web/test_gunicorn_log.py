"""Gunicorn's own lines, over a real gunicorn: requests that it cannot read or finish are not quoted."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.demo.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until

APPLICATION = """
def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/broken"):
        raise RuntimeError("outside of Flask")
    start_response("200 OK", [])
    return [b"ok"]
"""
CONFIGURATION = """
from idp.web.gunicorn_log import GunicornLog
logger_class = GunicornLog
accesslog = None
loglevel = "warning"
control_socket_disable = True
worker_class = "gthread"
"""
PROJECT = Path(__file__).parents[2]


class Server:
    def __init__(self, port: int, log_file: Path) -> None:
        self.port = port
        self.log_file = log_file

    def send(self, request: str) -> str:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(request.encode())
            answer = b""
            while more := connection.recv(65_536):
                answer += more
        return answer.decode()

    def get(self, path: str) -> str:
        return self.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    def line(self, event: str) -> dict[str, Any]:
        """The newest line of this event, once it is there."""
        wait_until(lambda: self._lines(event))
        return self._lines(event)[-1]

    def _lines(self, event: str) -> list[dict[str, Any]]:
        # The last one may be half written.
        whole = self.log_file.read_text().rpartition("\n")[0].splitlines()
        return [line for line in map(json.loads, whole) if line["event"] == event]

    def answers(self) -> bool:
        try:
            self.get("/healthz")
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("gunicorn")
    (folder / "small.py").write_text(APPLICATION)
    (folder / "gunicorn.conf.py").write_text(CONFIGURATION)
    port = free_port()
    log_file = folder / "log"
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with log_file.open("wb") as log:
        command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "small:application"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        made = Server(port, log_file)
        wait_until(made.answers)
        yield made
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("request_line", "event"),
    [
        ("GET /proofing/link/a-mailed-token HTTP/9.9", "request.unreadable"),
        ("GET /proofing/link/a-mailed token HTTP/1.1", "request.unreadable"),
        ("GET /broken/a-mailed-token?code=a-mailed-code HTTP/1.1", "request.broken"),
    ],
)
def test_gunicorn_s_own_complaints_quote_nothing(server: Server, request_line: str, event: str) -> None:
    server.send(f"{request_line}\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert server.line(event)["logger"] == "gunicorn.error"
    text = server.log_file.read_text()
    assert "a-mailed" not in text


def test_gunicorn_s_own_form_of_a_line_can_be_written_where_it_runs_without_our_configuration() -> None:
    """As with ``gunicorn --chdir``: its lines hold the number of the process, and were tracebacks instead."""
    program = (
        "import logging; from gunicorn.glogging import Logger; from idp import log; log.configure('info', 'json');"
        "record = logging.LogRecord('gunicorn.error', logging.INFO, '', 0, 'Worker exiting', (), None);"
        "print(logging.Formatter(Logger.error_fmt).format(record))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert "Worker exiting" in ran.stdout, ran.stderr
