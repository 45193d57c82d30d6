"""Web servers of somebody else, in a thread of the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer


class Silent:
    """A handler of requests that says nothing on the terminal."""

    def log_message(self, *args: object) -> None:
        return


@contextmanager
def answering(server: HTTPServer) -> Iterator[str]:
    """Its address, while it answers; it looks for its end often, so that no test waits for that."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
