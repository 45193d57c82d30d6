"""A gunicorn worker that lets no slow sender hold a thread.

Gunicorn's threaded worker gives a connection to a thread as soon as its first byte is there; the thread then waits for
the rest. Two hundred clients that send a byte a second would hold every thread (O-48). Here the worker's own loop
collects a request, and a thread sees it when it is there as a whole. A reverse proxy that buffers does the same; this
makes the provider safe without one.
"""

import re
import socket
import time
from functools import partial
from selectors import EVENT_READ

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

# A request that is not there after this time is given up, however steadily it trickles in.
REQUEST_SECONDS = 20.0
MAX_HEAD_BYTES = 64 * 1024
# As much as is ever held for one connection; the application's own limit refuses smaller bodies.
MAX_BODY_BYTES = 1_000_000
_READ_BYTES = 64 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CHUNKED = re.compile(rb"^transfer-encoding:.*chunked", re.IGNORECASE | re.MULTILINE)
_EXPECTS_CONTINUE = re.compile(rb"^expect:[ \t]*100-continue", re.IGNORECASE | re.MULTILINE)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def is_whole(received: bytes, max_body: int) -> bool:
    """Whether a thread may have the request: it is complete, or so large or odd that it will be refused at once."""
    head, end, body = received.partition(_END_OF_HEAD)
    if not end:
        return len(received) > MAX_HEAD_BYTES
    if _CHUNKED.search(head):
        return body.endswith(b"0\r\n\r\n") or len(body) > max_body
    length = _CONTENT_LENGTH.search(head)
    announced = int(length[1]) if length else 0
    return announced > max_body or len(body) >= announced


class BufferingThreadWorker(ThreadWorker):  # type: ignore[misc]
    """Collects requests in the worker's loop before a thread handles them."""

    request_seconds = REQUEST_SECONDS
    max_body = MAX_BODY_BYTES

    def enqueue_req(self, conn: TConn) -> None:
        """Start collecting; what was read ahead behind the last request of this connection comes first."""
        if self.cfg.is_ssl:
            super().enqueue_req(conn)
            return
        conn.received = conn.parser.unreader.take_buffered() if conn.parser else b""
        conn.deadline = time.monotonic() + self.request_seconds
        conn.continued = False
        self._collect(conn)

    def _collect(self, conn: TConn) -> None:
        conn.sock.setblocking(False)
        ended = self._read(conn)
        if ended or is_whole(conn.received, self.max_body):
            self._hand_over(conn)
        else:
            self._answer_expectation(conn)
            self._wait(conn)

    def _read(self, conn: TConn) -> bool:
        """Take what is there; True when the sender has hung up."""
        while len(conn.received) <= self.max_body + MAX_HEAD_BYTES:
            try:
                data = conn.sock.recv(_READ_BYTES)
            except BlockingIOError:
                return False
            except OSError:
                return True
            if not data:
                return True
            conn.received += data
        return False

    def _wait(self, conn: TConn) -> None:
        # The loop closes what is past its time (``murder_pending``); the deadline does not move with each byte.
        conn.timeout = conn.deadline
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_more, conn))

    def _on_more(self, conn: TConn, client: socket.socket) -> None:
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self._collect(conn)

    def _answer_expectation(self, conn: TConn) -> None:
        """A client that asks first is told to go on (RFC 9110 section 10.1.1), or its body would never come."""
        head, end, _ = conn.received.partition(_END_OF_HEAD)
        if end and not conn.continued and _EXPECTS_CONTINUE.search(head):
            conn.continued = True
            try:
                conn.sock.send(_CONTINUE)
            except OSError:
                self.log.debug("client went away before its body")

    def _hand_over(self, conn: TConn) -> None:
        if conn.parser is None:
            conn.parser = http.get_parser(self.cfg, conn.sock, conn.client)
        conn.parser.unreader.unread(conn.received)
        conn.received = b""
        conn.data_ready = True
        super().enqueue_req(conn)
