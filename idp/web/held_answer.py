"""An answer on its way out, for ``buffering_worker``: the thread that makes it never waits for its reader."""

import contextlib
import socket
from typing import IO, Any


class HeldAnswer:
    """Stands for the socket while a thread answers, and never waits for the reader; else it is that socket.

    Answers are short, so that each is held as a whole: the file of a picture is the longest.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        self._pieces.append(data)

    def send(self, data: bytes) -> int:
        self._pieces.append(data)
        return len(data)

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        file.seek(offset)
        return self.send(file.read(-1 if count is None else count))

    def pass_on(self) -> memoryview:
        """Send what the reader takes at once; the rest of it. Raises OSError where there is no reader any more."""
        answer = memoryview(b"".join(self._pieces))
        self._sock.setblocking(False)
        return unsent_part(self._sock, answer)


def unsent_part(sock: socket.socket, data: memoryview) -> memoryview:
    """What is left of this when the reader takes no more at the moment. Raises OSError where there is none any more."""
    with contextlib.suppress(BlockingIOError):
        while data:
            data = data[sock.send(data) :]
    return data
