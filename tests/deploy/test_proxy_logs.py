"""Proxies write no address of a page anywhere, also while the provider is away: links from mails are in them."""

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

import pytest

from idp.demo.ports import HOST as LOOPBACK
from idp.demo.ports import free_port
from tests.chaos.client import Client
from tests.deploy import proxies
from tests.deploy.proxies import Ports, TlsClient

SECRET = "a-handle-or-a-link-from-a-mail"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@contextmanager
def _provider(port: int, answer: bytes) -> Iterator[None]:
    """What answers every connection with this and hangs up."""
    listener = socket.create_server((LOOPBACK, port))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    with closing(listener):
        threading.Thread(target=serve, daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


PROVIDERS: dict[str, tuple[Callable[[int], AbstractContextManager[None]], set[int]]] = {
    "up": (lambda port: _provider(port, ANSWER), {200}),
    "away": (lambda port: nullcontext(), {502, 503}),
    "dying": (lambda port: _provider(port, b""), {502}),
    "talking nonsense": (lambda port: _provider(port, ANSWER.replace(b"Con", b"\0Con")), {200, 502}),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where proxies may read after they gave up root's rights."""
    with tempfile.TemporaryDirectory(prefix="proxy-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("state", PROVIDERS)
@pytest.mark.parametrize("name", proxies.PROXIES)
def test_no_log_holds_the_address_of_a_page(name: str, state: str, folder: Path) -> None:
    if problem := proxies.missing(name):
        pytest.skip(problem)
    ports = Ports(http=free_port(), https=free_port(), provider=free_port())
    provide, expected = PROVIDERS[state]
    browser = TlsClient(ports.https, certificate=proxies.make_certificate(folder / "certificates"))
    browser.always = {"Referer": f"https://localhost/proof?{SECRET}"}
    with provide(ports.provider), proxies.running(name, folder, ports):
        answers = [browser.get(f"/proof?link={SECRET}"), browser.post(f"/code/{SECRET}", {"code": "123456"})]
        refused = browser.post(f"/code/{SECRET}", {"x": "y" * 1_100_000})
        browser.get(f"/%zz{SECRET}")
        in_clear = Client(ports.http).get(f"/proof?link={SECRET}")
    assert {answer.status for answer in answers} <= expected
    assert (refused.status, in_clear.status) == (413, 301)
    written = {path.name: path.read_text(errors="replace") for path in folder.rglob("*.log")}
    # The whole server's own, which is there in any case.
    assert "error.log" in written
    assert [log for log, text in written.items() if SECRET in text] == []
