"""Stands before a mongod and cuts replies: the command is carried out, whoever sent it never learns that."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterable

_LISTEN_BACKLOG = 100


class CuttingProxy:
    """Forwards to ``port`` of this machine; ``cut`` chooses the commands whose reply nobody gets."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_LISTEN_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self.number_cut = 0
        self._marks: tuple[bytes, ...] = ()
        self._every = 1
        self._seen = itertools.count(1)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    def cut(self, collection: str, commands: Iterable[str] = ("update", "findAndModify"), every: int = 1) -> None:
        """From now on, each ``every``-th of these commands on the collection has no reply."""
        self._every, self._seen = every, itertools.count(1)
        # As BSON has it: type (string), the command's name, the collection's length and name.
        name = collection.encode() + b"\x00"
        length = len(name).to_bytes(4, "little")
        self._marks = tuple(b"\x02" + command.encode() + b"\x00" + length + name for command in commands)

    def mend(self) -> None:
        self._marks = ()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        is_cut = threading.Event()
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._target)) as server:
            back = threading.Thread(target=self._pump_back, args=(server, client, is_cut), daemon=True)
            back.start()
            while data := client.recv(65_536):
                if self._is_chosen(data):
                    is_cut.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            back.join(1)

    def _pump_back(self, server: socket.socket, client: socket.socket, is_cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                if is_cut.is_set():
                    # The reply is here, so the command was carried out.
                    self.number_cut += 1
                    break
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def _is_chosen(self, data: bytes) -> bool:
        return any(mark in data for mark in self._marks) and next(self._seen) % self._every == 0
