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
