"""HTTP/1.1 over one kept-alive connection, with as little work as possible: the driver shares the machine."""

import re
import socket
from dataclasses import dataclass
from typing import Self

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation: *([^\r\n]+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_TIMEOUT_SECONDS = 30


class UnexpectedAnswer(Exception):
    """The server answered something else than the operation needs."""


@dataclass(frozen=True)
class Answer:
    status: int
    head: bytes
    body: bytes

    @property
    def location(self) -> str:
        found = _LOCATION.search(self.head)
        if found is None:
            raise UnexpectedAnswer(f"{self.status} without Location: {self.body[:200]!r}")
        return found[1].decode("ascii")


class Connection:
    """One connection to 127.0.0.1, opened again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def exchange(self, request: bytes) -> Answer:
        """Send the whole request, read the whole answer."""
        connected = self._socket or self._connect()
        connected.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive(connected)
        head, _, body = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        missing = int(length[1]) - len(body) if length else 0
        while missing > 0:
            more = self._receive(connected)
            body += more
            missing -= len(more)
        if _CLOSE.search(head):
            self.close()
        return Answer(int(head[9:12]), head, body)

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        self._socket = socket.create_connection(("127.0.0.1", self._port), _TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    @staticmethod
    def _receive(connected: socket.socket) -> bytes:
        data = connected.recv(65_536)
        if not data:
            raise UnexpectedAnswer("the connection was closed")
        return data
