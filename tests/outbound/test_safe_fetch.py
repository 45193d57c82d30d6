"""Addresses that somebody else chose lead nowhere near us."""

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from idp.domain.errors import NotFetched
from idp.outbound.safe_fetch import fetch, fetch_json
from tests.web_server import Silent, answering


class _Answers(Silent, BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.partition("?")[0]
        if name == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
            return
        if not self.headers["User-Agent"]:
            self.send_error(403)
            return
        body = {"/good": b'{"a": 1}', "/junk": b"\xff{", "/deep": b"[" * 60_000, "/large": b"x" * 100_000}.get(name)
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(body or b"")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), _Answers)) as address:
        yield address


def test_a_document_on_loopback_is_read_where_that_is_allowed(server: str) -> None:
    assert fetch_json(server + "/good?x=1", allow_loopback=True) == {"a": 1}
    with pytest.raises(NotFetched, match="not https"):
        fetch_json(server + "/good")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/redirect", "status 302; redirects are not followed"),
        ("/absent", "status 404"),
        ("/junk", "not JSON"),
        ("/deep", "not JSON"),
        ("/large", "too large"),
    ],
)
def test_redirects_errors_junk_and_floods_are_refused(server: str, path: str, why: str) -> None:
    with pytest.raises(NotFetched, match=why):
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


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "its host has no address"),
        (ConnectionRefusedError(), "nobody answers there"),
        (certificate_error(), "its certificate is not trusted: certificate has expired"),
    ],
)
def test_what_went_wrong_is_told_in_words(monkeypatch: pytest.MonkeyPatch, error: OSError, words: str) -> None:
    def fail(*_: object, **__: object) -> list[object]:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NotFetched, match=f"^{words}$"):
        fetch("https://application.example/")


def test_many_addresses_of_one_family_leave_time_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, *(f"2606:4700::{number}" for number in range(1, 9)), "1.1.1.1", "1.0.0.1", "8.8.8.8")
    tried = never_connects(monkeypatch)
    with pytest.raises(NotFetched, match="too slow"):
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
        "240.0.0.1",
        "[ff0e::1]",
        "[::ffff:127.0.0.1]",
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
    # What it says tells it from a connection that came to nothing.
    with pytest.raises(NotFetched, match="not a public address"):
        fetch(f"https://{host}/")


@pytest.mark.parametrize(
    ("addresses", "allow_loopback"),
    [
        (["93.184.216.34", "10.0.0.1"], False),
        (["10.0.0.1", "93.184.216.34"], False),
        (["127.0.0.1", "10.0.0.1"], True),
        (["93.184.216.34", "127.0.0.1"], True),
        ([], False),
        ([], True),
    ],
)
def test_every_address_of_a_name_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], allow_loopback: bool
) -> None:
    named(monkeypatch, *addresses)
    with pytest.raises(NotFetched, match="not a public address"):
        fetch("https://two.example/", allow_loopback=allow_loopback)


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is asked for again may lead elsewhere by then (DNS rebinding)."""
    asked: list[object] = []

    def connect(address: tuple[str, int], **_: object) -> socket.socket:
        asked.append(address)
        raise OSError

    named(monkeypatch, "93.184.216.34")
    monkeypatch.setattr(socket, "create_connection", connect)
    for port in ("", ":8443"):
        with pytest.raises(NotFetched):
            fetch(f"https://one.example{port}/")
    assert asked == [("93.184.216.34", 443), ("93.184.216.34", 8443)]


def test_a_name_that_no_resolver_takes_is_refused_like_any_other() -> None:
    with pytest.raises(NotFetched):
        fetch(f"https://{'x' * 64}.example/")


def test_allowing_loopback_allows_http_beside_https_alone() -> None:
    with pytest.raises(NotFetched, match="not https"):
        fetch("ftp://127.0.0.1/", allow_loopback=True)


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
    with pytest.raises(NotFetched, match=r"not an absolute address|not https"):
        fetch(url)


# The last one would look whole once we have hung up: nothing says how long it is.
@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
)
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
