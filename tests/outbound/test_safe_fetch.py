"""Addresses that somebody else chose lead nowhere near us."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from idp.domain.errors import NotFetched
from idp.outbound.safe_fetch import fetch, fetch_json


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.partition("?")[0]
        if name == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
            return
        body = {"/good": b'{"a": 1}', "/junk": b"\xff{", "/deep": b"[" * 60_000, "/large": b"x" * 100_000}.get(name)
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_a_document_on_loopback_is_read_where_that_is_allowed(server: str) -> None:
    assert fetch_json(server + "/good?x=1", allow_loopback=True) == {"a": 1}
    with pytest.raises(NotFetched, match="not https"):
        fetch_json(server + "/good")


@pytest.mark.parametrize("path", ["/redirect", "/absent", "/junk", "/deep", "/large"])
def test_redirects_errors_junk_and_floods_are_refused(server: str, path: str) -> None:
    with pytest.raises(NotFetched):
        fetch_json(server + path, allow_loopback=True)


def named(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name has these addresses."""
    found = [(socket.AF_UNSPEC, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def never_connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No address can be reached; which were tried."""
    tried: list[str] = []

    def create_connection(address: tuple[str, int], timeout: float) -> socket.socket:
        tried.append(address[0])
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", create_connection)
    return tried


def test_where_ipv6_leads_nowhere_ipv4_is_tried(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = server.rpartition(":")[2]
    connect = socket.create_connection
    named(monkeypatch, "::1", "127.0.0.1")

    def create_connection(address: tuple[str, int], timeout: float) -> socket.socket:
        if ":" in address[0]:
            raise TimeoutError
        monkeypatch.undo()
        return connect(address, timeout=timeout)

    monkeypatch.setattr(socket, "create_connection", create_connection)
    assert fetch_json(f"http://application.example:{port}/good", allow_loopback=True) == {"a": 1}


def test_many_addresses_of_one_family_leave_time_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, *(f"2606:4700::{number}" for number in range(1, 9)), "1.1.1.1", "1.0.0.1", "8.8.8.8")
    tried = never_connects(monkeypatch)
    with pytest.raises(NotFetched, match="TimeoutError"):
        fetch("https://application.example/")
    assert tried == ["2606:4700::1", "2606:4700::2", "1.1.1.1", "1.0.0.1"]


def test_one_private_address_among_public_ones_spoils_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "1.1.1.1", "10.0.0.1")
    tried = never_connects(monkeypatch)
    with pytest.raises(NotFetched, match="not a public address"):
        fetch("https://application.example/")
    assert tried == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - what is to be refused
        "224.0.0.1",
        "[fd00::1]",
        "[fe80::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a00:1]",
        "[2002:a00:1::1]",
        "2130706433",
        "0x7f.1",
    ],
)
def test_addresses_of_private_networks_are_refused(host: str) -> None:
    with pytest.raises(NotFetched):
        fetch(f"https://{host}/")


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[fd00::1]"])
def test_allowing_loopback_allows_no_other_private_network(host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(NotFetched, match="not a public address"):
            fetch(f"{scheme}://{host}/", allow_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "file:///etc/hosts",
        "https://",
        "https://[",
        "https://u:p@x.example/",
        "https://x.example/#f",
        "https://x.example:0/",
        "https://x.example/é",
        "https://x.example/a b",
        "https://x.example/" + "a" * 3000,
    ],
)
def test_what_is_no_plain_https_address_is_refused(url: str) -> None:
    with pytest.raises(NotFetched):
        fetch(url)


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_a_server_that_dribbles_is_given_up(beginning: bytes) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def dribble() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(beginning)
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=dribble)
    thread.start()
    with pytest.raises(NotFetched):
        fetch(f"http://127.0.0.1:{listening.getsockname()[1]}/", allow_loopback=True, timeout=0.3)
    stop.set()
    thread.join()
    listening.close()
