"""The server as it is started: no header of a request makes its path another one."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.provider import Provider


@pytest.fixture
def provider(tmp_path: Path, mongodb_uri: str, keys_folder: Path) -> Iterator[Provider]:
    made = Provider(tmp_path, mongodb_uri, {"IDP_KEYS_DIR": str(keys_folder)})
    made.start()
    yield made
    made.stop()


def ask(provider: Provider, path: str, *headers: str) -> str:
    lines = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{provider.port}", "Connection: close", *headers, "", "")
    with socket.create_connection(("127.0.0.1", provider.port), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()


def test_a_client_says_nothing_of_where_the_application_stands(provider: Provider) -> None:
    """A proxy that keeps ``/metrics`` to itself would let ``/x/metrics`` pass."""
    assert ask(provider, "/x/metrics", "SCRIPT_NAME: /x").startswith("HTTP/1.1 404")
    assert "Location" not in ask(provider, "//evil.example/account/", "SCRIPT_NAME: //evil.example")
    answer = ask(provider, "/account", "SCRIPT_NAME: /x", "PATH_INFO: /metrics", "X-Forwarded-Proto: https")
    assert answer.startswith("HTTP/1.1 303")
    assert "Location: /sign-in" in answer
