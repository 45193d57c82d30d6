"""A gunicorn worker that lets no slow sender and no slow reader hold a thread.

Gunicorn's threaded worker gives a connection to a thread as soon as its first byte is there; the thread then waits for
the rest, and again until its answer was taken. Two hundred clients that send a byte a second would hold every thread
(O-48), and so would forty that read nothing. Here the worker's own loop collects a request, a thread sees it when it is
there as a whole, and the loop sends what the reader does not take at once. A reverse proxy that buffers does the same;
this makes the provider safe without one.

The loop is also where requests of a costly kind wait for their turn (``lines``), so that those who wait hold no thread.

Nor may a sender hold the loop itself, on which everybody waits: it never waits for one connection, and whatever a piece
costs does not grow with what came before it.
"""

import contextlib
import io
import socket
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, Protocol

from gunicorn import http, util
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

from idp.web.arriving_request import ArrivingRequest
from idp.web.held_answer import HeldAnswer, unsent_part
from idp.web.waiting_line import WaitingLine

# A request that is not there after this time is given up, however steadily it trickles in.
REQUEST_SECONDS = 20.0
# As much as is ever held for one connection; the application's own limit refuses smaller bodies.
MAX_BODY_BYTES = 1_000_000
# An answer is lost where its reader is cut off while still sending (RFC 9112 section 9.6): until it hangs up, what it
# sends is thrown away, for so long. Nearly every library sends all of a body before it looks for an answer, so that ten
# megabytes are taken, in Base64, too (O-12). Who sends more than so much regardless is not read any more, has to wait
# for the rest of the time, and comes again the later.
FAREWELL_SECONDS = 2.0
FAREWELL_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
# What a thread takes of a request at a time: gunicorn copies what it holds for each chunk of a body, so that a megabyte
# of chunks of a byte each, held as one, would take it minutes.
_PIECE_BYTES = 8 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Lines(Protocol):
    """The lines in which requests of some kinds wait for their turn."""

    @property
    def all(self) -> Sequence[WaitingLine[Any]]: ...

    def line_of(self, request: bytes) -> WaitingLine[Any] | None:
        """Where this request, its head and body, has to wait for its turn; None where it has not."""

    def has_waited(self, seconds: float) -> None:
        """Told by the thread that serves a request, before it does: how long it has waited there."""


class NoLines:
    """Nobody has to wait."""

    all = ()

    def line_of(self, request: bytes) -> None:
        """Nowhere."""

    def has_waited(self, seconds: float) -> None:
        """Nobody wants to know."""


class BufferingThreadWorker(ThreadWorker):  # type: ignore[misc]
    """Collects requests in the worker's loop before a thread handles them, and takes leave of senders there.

    request_seconds: how long a request may take to arrive, and how long what its reader does not take at once. lines:
    who has to wait.
    """

    request_seconds = REQUEST_SECONDS
    max_body = MAX_BODY_BYTES
    lines: Lines = NoLines()

    def init_process(self) -> None:
        # Both in the order of the connections' deadlines, since each queue gives everybody the same time.
        self._leaving: deque[TConn] = deque()
        self._reading: deque[TConn] = deque()
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """Start collecting; what was read ahead behind the last request of this connection comes first."""
        if self.cfg.is_ssl:
            super().enqueue_req(conn)
            return
        conn.arrival = ArrivingRequest(self.max_body, conn.parser.unreader.take_buffered() if conn.parser else b"")
        conn.deadline = time.monotonic() + self.request_seconds
        self._collect(conn)

    def handle_request(self, req: Request, conn: TConn) -> bool:
        """Answer without waiting for the reader; ``conn.unsent`` is what the loop has to send.

        The sender of a body that nobody reads is told that the connection ends with the answer.
        """
        if self.cfg.is_ssl:
            return self._answer_patiently(req, conn)
        self.lines.has_waited(conn.has_waited)
        req.must_close = req.must_close or conn.ends
        if not conn.ends:
            _read_chunks(req)
        sock = conn.sock
        conn.sock = held = HeldAnswer(sock)
        try:
            return bool(super().handle_request(req, conn))
        finally:
            conn.sock = sock
            conn.unsent = held.pass_on()

    def _answer_patiently(self, req: Request, conn: TConn) -> bool:
        """Wait for the reader in the thread, as gunicorn does, but not for good: what TLS sends is not ours to hold."""
        conn.sock.settimeout(self.request_seconds)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            self.log.debug("client did not read its answer")
            return False

    def finish_request(self, conn: TConn, fs: "Future[object]") -> None:
        """Go on with what follows the answer, once it was read."""
        if self.cfg.is_ssl:
            super().finish_request(conn, fs)
            return
        self._pass_turn(conn)
        if conn.unsent and not (fs.cancelled() or fs.exception()):
            self._wait_for_reader(conn, fs)
        else:
            self._go_on(conn, fs)

    def _go_on(self, conn: TConn, fs: "Future[object]") -> None:
        """Where gunicorn would wait on the loop for the sender to hang up, let everybody else go on meanwhile."""
        if fs.cancelled() or fs.exception():
            super().finish_request(conn, fs)
        elif fs.result():
            # gunicorn looks here for the beginning of the next request.
            conn.parser.unreader.unread(conn.parser.unreader.take_buffered() + b"".join(conn.pieces))
            super().finish_request(conn, fs)
        else:
            self._take_leave(conn)

    def _wait_for_reader(self, conn: TConn, fs: "Future[object]") -> None:
        conn.deadline = time.monotonic() + self.request_seconds
        self._reading.append(conn)
        self.poller.register(conn.sock, EVENT_WRITE, partial(self._send_on, conn, fs))

    def _send_on(self, conn: TConn, fs: "Future[object]", client: socket.socket) -> None:
        try:
            conn.unsent = unsent_part(client, conn.unsent)
        except OSError:
            self._part(conn, self._reading)
            return
        if not conn.unsent:
            self.poller.unregister(client)
            self._reading.remove(conn)
            self._go_on(conn, fs)

    def murder_pending(self) -> None:
        super().murder_pending()
        now = time.monotonic()
        for ending in (self._leaving, self._reading):
            while ending and ending[0].deadline < now:
                self._part(ending[0], ending)
        for line in self.lines.all:
            for conn in line.out_of_patience(now):
                self._serve(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """A worker that stops waits for what has begun. A connection that is only open is like one that was kept open.

        Else whoever opens one and says nothing (browsers do, ahead of what they may ask) delays every restart.
        """
        super()._cap_keepalive(deadline)
        if self.cfg.is_ssl:
            return
        for conn in [conn for conn in self.pending_conns if not conn.arrival.has_begun]:
            self.pending_conns.remove(conn)
            conn.timeout = deadline
            self.keepalived_conns.append(conn)
            self.poller.modify(conn.sock, EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _collect(self, conn: TConn) -> None:
        conn.sock.setblocking(False)
        if self._read(conn):
            self._conclude(conn)
            return
        self._answer_expectation(conn)
        # The loop closes connections that are past their time (``murder_pending``). A byte that arrives moves neither
        # the deadline nor the place in this queue, which is in the order of the deadlines.
        conn.timeout = conn.deadline
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_more, conn))

    def _on_more(self, conn: TConn, client: socket.socket) -> None:
        if self._read(conn):
            self.poller.unregister(client)
            self.pending_conns.remove(conn)
            self._conclude(conn)
        else:
            self._answer_expectation(conn)

    def _read(self, conn: TConn) -> bool:
        """Take what is there of the request; True where no more of it is wanted, or will come."""
        while not (conn.arrival.is_complete() or conn.arrival.is_too_large()):
            try:
                data = conn.sock.recv(_READ_BYTES)
            except BlockingIOError:
                return False
            except OSError:
                return True
            if not data:
                return True
            conn.arrival.add(data)
        return True

    def _conclude(self, conn: TConn) -> None:
        """Hand over what has come as a whole, or will be refused, and nothing else.

        What was cut off is no request: half of a form must not be taken for all of it (RFC 9112 section 8). Nearly
        every connection ends so, with nothing of a request: its keeper has what it came for.
        """
        conn.ends = not conn.arrival.is_complete()
        if conn.ends and not conn.arrival.is_too_large():
            self._close(conn)
        else:
            self._hand_over(conn)

    def _answer_expectation(self, conn: TConn) -> None:
        """A client that asks first is told to go on, or its body would never come."""
        if conn.arrival.takes_expectation():
            try:
                conn.sock.send(_CONTINUE)
            except OSError:
                self.log.debug("client went away before its body")

    def _hand_over(self, conn: TConn) -> None:
        """Without the socket: a thread that reads on finds the end of what has come, and never waits for a sender."""
        received = conn.arrival.take()
        line = self.lines.line_of(received)
        conn.pieces = (received[start : start + _PIECE_BYTES] for start in range(0, len(received), _PIECE_BYTES))
        conn.parser = http.get_parser(self.cfg, conn.pieces, conn.client)
        conn.data_ready = True
        conn.handed_over = time.monotonic()
        conn.turn_in = None
        conn.unsent = b""
        if line is None or self._may_go_on(conn, line):
            self._serve(conn)

    def _serve(self, conn: TConn) -> None:
        conn.has_waited = time.monotonic() - conn.handed_over
        super().enqueue_req(conn)

    def _may_go_on(self, conn: TConn, line: WaitingLine[TConn]) -> bool:
        """Whether it has its turn, or there is no room to wait for one: then the application sees what can be done."""
        if line.take_turn():
            conn.turn_in = line
            return True
        return not line.join(conn, conn.handed_over)

    def _pass_turn(self, conn: TConn) -> None:
        """Let others go on where this one is through and had a turn. Nothing is done for who has hung up."""
        line, conn.turn_in = conn.turn_in, None
        if line is None:
            return
        line.end_turn()
        for waiting in self.lines.all:
            while (following := waiting.next_turn()) is not None:
                if _has_hung_up(following):
                    waiting.end_turn()
                    self._close(following)
                else:
                    following.turn_in = waiting
                    self._serve(following)

    def _take_leave(self, conn: TConn) -> None:
        """Nothing more is said; wait on the loop until the sender hangs up."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
            return
        conn.deadline = time.monotonic() + FAREWELL_SECONDS
        conn.thrown_away = 0
        self._leaving.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._throw_away, conn))

    def _throw_away(self, conn: TConn, client: socket.socket) -> None:
        try:
            thrown_away = len(client.recv(_READ_BYTES))
        except BlockingIOError:
            return
        except OSError:
            thrown_away = 0
        conn.thrown_away += thrown_away
        if not thrown_away:
            self._part(conn, self._leaving)
        elif conn.thrown_away > FAREWELL_BYTES:
            self.poller.unregister(client)

    def _part(self, conn: TConn, ending: deque[TConn]) -> None:
        with contextlib.suppress(KeyError):
            self.poller.unregister(conn.sock)
        ending.remove(conn)
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        util.close(conn.sock)


def _read_chunks(req: Request) -> None:
    """Refuse malformed chunks (RFC 9112 section 7.1) as malformed heads are: no application knows such an error."""
    if isinstance(req.body.reader, ChunkedReader):
        req.body = Body(io.BytesIO(req.body.read()))


def _has_hung_up(conn: TConn) -> bool:
    """Whether the one who waits has gone: a browser that was told to stop, or to send it once more."""
    try:
        return not conn.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
