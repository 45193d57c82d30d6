"""Slow senders hold no thread (O-48): a real gunicorn with two threads and many connections that trickle."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from idp.demo.ports import free_port
from idp.web.arriving_request import MAX_HEAD_BYTES, ArrivingRequest
from tests.waiting import PATIENCE_SECONDS, wait_until

# So patient that nobody is given up, and nobody's leave is over, however long the machine stands still meanwhile.
CONFIGURATION = """
from idp.web import buffering_worker

buffering_worker.FAREWELL_SECONDS = 600.0

class worker_class(buffering_worker.BufferingThreadWorker):
    request_seconds = 600.0

workers, threads, loglevel = 1, 2, "warning"
"""
IMPATIENT = CONFIGURATION.replace("600.0", "2.0")
APPLICATION = """
def app(environ, start_response):
    path = environ["PATH_INFO"]
    body = b"" if path == "/unread" else bytes(20_000_000) if path == "/large" else environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
# More than MAX_BODY_BYTES, and no end.
MANY_CHUNKS = (b"3e8\r\n" + b"a" * 1000 + b"\r\n") * 1000


# Whoever asks for /costly waits for the one turn there is; ``held`` has it until the other end of a pipe is opened.
CONFIGURATION_WITH_LINE = """
from idp.web.buffering_worker import BufferingThreadWorker
from idp.web.waiting_line import Turns, WaitingLine

class OneLine:
    all = (WaitingLine(Turns(1), 1, room=4, patience=600.0),)

    def line_of(self, request):
        if not request.startswith(b"POST /costly"):
            return None
        with open("come", "ab") as told:
            told.write(request.split()[1] + b" ")
        return self.all[0]

    def has_waited(self, seconds):
        pass

class worker_class(BufferingThreadWorker):
    lines = OneLine()

workers, threads, loglevel = 1, 3, "critical"
"""
COSTLY_APPLICATION = """
import os, signal

def app(environ, start_response):
    asked = environ["QUERY_STRING"]
    with open("asked", "a") as told:
        told.write(asked + " ")
    if asked == "held":
        open("held").close()
    if asked == "stop":
        os.kill(os.getpid(), signal.SIGTERM)
    if asked == "fault":
        raise RuntimeError("asked for")
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An echo under our worker, with two threads."""
    yield from serving(tmp_path_factory.mktemp("server"), APPLICATION, CONFIGURATION)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same, where a request has two seconds to arrive, and an answer to be taken."""
    yield from serving(tmp_path_factory.mktemp("impatient"), APPLICATION, IMPATIENT)


@pytest.fixture
def costly(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An application with a costly page, under our worker, with three threads; somebody has the one turn there is."""
    configuration = CONFIGURATION_WITH_LINE.replace("600.0", getattr(request, "param", "600.0"))
    for address in serving(tmp_path, COSTLY_APPLICATION, configuration):
        os.mkfifo(tmp_path / "held")
        with asking(address, "held", tmp_path):
            wait_until(lambda: asked_of(tmp_path) == ["held"])
            yield address
            let_go(tmp_path)


def let_go(folder: Path) -> None:
    """Let the turn of ``held`` end; it may have ended."""
    pipe = folder / "held"
    if pipe.exists():
        # Opened once the other end is, too.
        os.close(os.open(pipe, os.O_WRONLY))
        pipe.unlink()


def serving(folder: Path, application: str, configuration: str) -> Iterator[str]:
    (folder / "served.py").write_text(application)
    (folder / "gunicorn.conf.py").write_text(configuration)
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "served:app", "--bind", address],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        wait_until(lambda: answers(address))
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def answers(address: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"http://{address}/", timeout=PATIENCE_SECONDS).ok
    return False


def connect(server: str) -> socket.socket:
    host, port = server.split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)


def kept_of(server: str, connections: list[socket.socket]) -> int:
    """Of how many the server's end is open still: nothing else tells who does not read (01: ESTABLISHED)."""
    port, ours = int(server.split(":")[1]), {connection.getsockname()[1] for connection in connections}
    open_ends = re.findall(rf" \w+:{port:04X} \w+:(\w+) 01 ", Path("/proc/net/tcp").read_text())
    return len(ours & {int(end, 16) for end in open_ends})


def asking(server: str, asked: str, folder: Path) -> socket.socket:
    """Somebody who has asked for the costly page, and waits for the answer."""
    connection = connect(server)
    connection.sendall(f"POST /costly?{asked} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    # Who comes next comes after.
    wait_until(lambda: f"/costly?{asked}" in told_in(folder / "come"))
    return connection


def asked_of(folder: Path) -> list[str]:
    """What the application was asked for so far."""
    return told_in(folder / "asked")


def told_in(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


SLOW = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nab"


def test_o_48_two_hundred_slow_bodies_hold_nobody_up(server: str) -> None:
    with contextlib.ExitStack() as kept:
        slow = [kept.enter_context(connect(server)) for _ in range(200)]
        for connection in slow:
            connection.sendall(SLOW)
        for number in range(20):
            answer = requests.post(f"http://{server}/", data=f"hello {number}", timeout=PATIENCE_SECONDS)
            assert answer.text == f"hello {number}"
            for connection in slow[:50]:
                connection.sendall(b"c")
        assert kept_of(server, slow) == 200


def test_o_48_two_hundred_slow_bodies_are_given_up(impatient: str) -> None:
    with contextlib.ExitStack() as kept:
        slow = [kept.enter_context(connect(impatient)) for _ in range(200)]
        for connection in slow:
            with contextlib.suppress(OSError):  # given up already, on a machine that stood still
                connection.sendall(SLOW)
        wait_until(lambda: not kept_of(impatient, slow))
        assert requests.post(f"http://{impatient}/", data="hello", timeout=PATIENCE_SECONDS).text == "hello"


def test_who_trickles_is_given_up_whoever_comes_meanwhile(impatient: str) -> None:
    with contextlib.ExitStack() as kept:
        trickling = kept.enter_context(connect(impatient))
        ends = time.monotonic() + PATIENCE_SECONDS
        with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012 -- it is said by some later letter
            trickling.sendall(SLOW)
            while time.monotonic() < ends:
                with contextlib.suppress(OSError):
                    kept.enter_context(connect(impatient)).sendall(b"G")
                trickling.sendall(b"a")
                time.sleep(0.4)


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 10\r\n\r\npass", b"Transfer-Encoding: chunked\r\n\r\n4\r\npass\r\n"]
)
def test_a_body_that_was_cut_off_is_no_request(costly: str, tmp_path: Path, framing: bytes) -> None:
    with connect(costly) as connection:
        connection.sendall(b"POST /?cut HTTP/1.1\r\nHost: x\r\n" + framing)
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection) == b""
    assert asked_of(tmp_path) == ["held"]


def test_a_body_in_pieces_arrives_whole(server: str) -> None:
    with connect(server) as connection:
        for piece in (b"POST / HTTP/1.1\r\nHo", b"st: x\r\nContent-Length: 10\r\n\r", b"\n01234", b"56789"):
            connection.sendall(piece)
            time.sleep(0.05)
        assert connection.recv(1000).endswith(b"0123456789")


def test_connections_are_kept_and_pipelined_requests_all_answered(server: str) -> None:
    with requests.Session() as session:
        assert [session.post(f"http://{server}/", text, timeout=PATIENCE_SECONDS).text for text in "abc"] == [*"abc"]
    one = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
    with connect(server) as connection:
        connection.sendall(one + b"1" + one + b"2" + one + b"3")
        received = b""
        while received.count(b"200 OK") < 3 or not received.endswith(b"3"):
            received += connection.recv(1000)


def test_a_body_in_chunks_of_a_byte_takes_no_time(server: str) -> None:
    chunks = b"1\r\na\r\n" * 60_000 + b"0\r\n\r\n"
    with connect(server) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert all_of(connection).count(b"a" * 60_000) == 1


@pytest.mark.parametrize(
    "chunks",
    [
        b"3\na=b\r\n0\r\n\r\n",
        b"-3\r\na=b\r\n0\r\n\r\n",
        b"3;a\rb\r\na=b\r\n0\r\n\r\n",
        b"3\r\na=b0\r\n\r\n",
        b"3\r\na=b\r\n0\r\nContent-Length: 3\r\n\r\n",
    ],
)
def test_malformed_chunks_are_the_sender_s_fault_and_never_reach_the_application(
    costly: str, tmp_path: Path, chunks: bytes
) -> None:
    with connect(costly) as connection:
        connection.sendall(b"POST /?chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection)[:12] in (b"HTTP/1.1 400", b"")
    assert asked_of(tmp_path) == ["held"]


def test_chunked_bodies_and_expectations_work(server: str) -> None:
    chunks = (text.encode() for text in ("un ", "deux ", "trois"))
    assert requests.post(f"http://{server}/", data=chunks, timeout=PATIENCE_SECONDS).text == "un deux trois"
    with connect(server) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"ok")
        received = connection.recv(1000)
        while not received.endswith(b"ok"):
            received += connection.recv(1000)


def test_who_does_not_hang_up_after_the_last_answer_holds_nobody_up(server: str) -> None:
    with contextlib.ExitStack() as kept:
        for _ in range(5):
            connection = kept.enter_context(connect(server))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert all_of(connection).startswith(b"HTTP/1.1 200 OK")
        # Long before their leave is over.
        assert requests.get(f"http://{server}/", timeout=PATIENCE_SECONDS).status_code == 200


def test_o_12_who_sends_ten_megabytes_before_looking_for_an_answer_has_it_long_before_the_leave_is_over(
    server: str,
) -> None:
    # Nearly every library sends all of a body first; ten megabytes are a third more in Base64.
    requests.post(f"http://{server}/unread", data=b"A" * 14_000_000, timeout=PATIENCE_SECONDS / 2)


def test_who_sends_on_after_the_last_answer_is_not_read_and_has_to_wait(impatient: str) -> None:
    with connect(impatient) as connection:
        # Before leave is taken, or this process could stand still in between and find no time left to wait.
        began = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        all_of(connection)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.sendall(b"more and more" * 10_000_000)
        assert time.monotonic() - began > 1


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n",
        b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 500000000000000000000000\r\n\r\n",
        b"POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + MANY_CHUNKS,
    ],
)
def test_nobody_waits_for_the_rest_of_what_is_too_large(server: str, begun: bytes) -> None:
    """More of them than there are threads: each is answered, and told that this was all."""
    with contextlib.ExitStack() as kept:
        senders = [kept.enter_context(connect(server)) for _ in range(5)]
        for sender in senders:
            sender.sendall(begun)
        for sender in senders:
            head = all_of(sender).partition(b"\r\n\r\n")[0]
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert b"Connection: close" in head


def test_a_thread_never_waits_for_more_of_what_is_too_large(server: str) -> None:
    """Where the application reads on, it finds the end of what has come; so does whoever reads a head without end."""
    begun = (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + MANY_CHUNKS,
        b"GET / HTTP/1.1\r\n" + b"X-Long: and longer\r\n" * 4000,
    )
    with contextlib.ExitStack() as kept:
        for beginning in begun * 2:
            kept.enter_context(connect(server)).sendall(beginning)
        assert requests.post(f"http://{server}/", data="meanwhile", timeout=PATIENCE_SECONDS).text == "meanwhile"


LARGE = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"


def test_who_reads_no_answer_is_given_up(impatient: str) -> None:
    with connect(impatient) as connection:
        connection.sendall(LARGE)
        wait_until(lambda: not kept_of(impatient, [connection]))
        with contextlib.suppress(ConnectionResetError):
            assert len(all_of(connection)) < 20_000_000


def test_who_reads_slowly_holds_no_thread_and_gets_the_whole_answer(server: str) -> None:
    """More of them than there are threads, each with an answer that no buffer holds, and another one behind it."""
    with contextlib.ExitStack() as kept:
        readers = [kept.enter_context(connect(server)) for _ in range(4)]
        for reader in readers:
            reader.sendall(LARGE + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert requests.get(f"http://{server}/", timeout=PATIENCE_SECONDS).status_code == 200
        for reader in readers:
            received = all_of(reader)
            assert received.count(b"HTTP/1.1 200 OK") == 2
            assert len(received) > 20_000_000


def test_who_waits_for_a_turn_holds_no_thread_and_goes_on_in_the_order_of_coming(costly: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as kept:
        waiting = [kept.enter_context(asking(costly, name, tmp_path)) for name in ("first", "fault", "third")]
        assert requests.get(f"http://{costly}/?other", timeout=PATIENCE_SECONDS).text == "ok"
        assert asked_of(tmp_path) == ["held", "other"]
        let_go(tmp_path)
        answers = [connection.recv(1000)[:12] for connection in waiting]
    assert asked_of(tmp_path) == ["held", "other", "first", "fault", "third"]
    assert answers == [b"HTTP/1.1 200", b"HTTP/1.1 500", b"HTTP/1.1 200"]


def test_nothing_is_done_for_who_hung_up_while_waiting(costly: str, tmp_path: Path) -> None:
    asking(costly, "gone", tmp_path).close()
    with asking(costly, "there", tmp_path) as waiting:
        let_go(tmp_path)
        assert waiting.recv(1000).startswith(b"HTTP/1.1 200")
    assert asked_of(tmp_path) == ["held", "there"]


def test_who_finds_no_room_to_wait_is_answered_all_the_same(costly: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as kept:
        for name in "abcd":
            kept.enter_context(asking(costly, name, tmp_path))
        with asking(costly, "e", tmp_path) as one_too_many:
            assert one_too_many.recv(1000).startswith(b"HTTP/1.1 200")
        assert asked_of(tmp_path) == ["held", "e"]


@pytest.mark.parametrize("costly", ["2.0"], indirect=True)
def test_who_has_waited_long_enough_is_answered_all_the_same(costly: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as kept:
        for connection in [kept.enter_context(asking(costly, name, tmp_path)) for name in "abcd"]:
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert sorted(asked_of(tmp_path)) == ["a", "b", "c", "d", "held"]


def test_a_turn_is_had_once_for_each_request_of_a_connection(costly: str, tmp_path: Path) -> None:
    let_go(tmp_path)
    with requests.Session() as session:
        assert [session.post(f"http://{costly}/costly?{name}", timeout=PATIENCE_SECONDS).text for name in "abc"] == [
            "ok"
        ] * 3
        assert session.get(f"http://{costly}/?other", timeout=PATIENCE_SECONDS).text == "ok"
    assert asked_of(tmp_path) == ["held", "a", "b", "c", "other"]


def test_a_worker_that_stops_waits_for_what_has_begun_and_not_for_who_says_nothing(tmp_path: Path) -> None:
    for address in serving(tmp_path, COSTLY_APPLICATION, CONFIGURATION_WITH_LINE):
        with connect(address) as silent, connect(address) as begun:
            begun.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            assert requests.get(f"http://{address}/?stop", timeout=PATIENCE_SECONDS).text == "ok"
            assert silent.recv(1) == b""
            begun.sendall(b"\r\n")
            assert all_of(begun).startswith(b"HTTP/1.1 200 OK")


def all_of(connection: socket.socket) -> bytes:
    """Everything until the other side has said its last."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("received", "complete", "too_large"),
    [
        (b"", False, False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", False, False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True, False),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", False, False),
        (b"POST / HTTP/1.1\r\ncontent-length:3\r\n\r\nabc", True, False),
        (b"POST / HTTP/1.1\r\nContent-Length: 0000000000000000000003\r\n\r\nab", False, False),
        (b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", False, False),
        (b"POST / HTTP/1.1\r\nContent-Length: 1000001\r\n\r\n", False, True),
        (b"POST / HTTP/1.1\r\nContent-Length: 50000000\r\n\r\n", False, True),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", False, True),
        (b"POST / HTTP/1.1\r\nContent-Length: abc\r\n\r\n", True, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", False, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", True, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + MANY_CHUNKS, False, True),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n0\r\n\r\n0\r\n", False, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;x=y\r\nX-Trailer: z\r\n", False, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;x=y\r\nX-Trailer: z\r\n\r\n", True, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n", True, False),
        # The size of a chunk ends where its extension begins, whatever that looks like (RFC 9112 section 7.1.1).
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=0\r\nhello\r\n", False, False),
        (b'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a="0;"\r\n0\r\n\r\n\r\n0\r\n\r\n', True, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5 ; a\r\nhello\r\n0 ; b\r\n\r\n", True, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"a" * 9000, True, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot a number\r\n", True, False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 9000, True, False),
        (b"x" * 70_000, False, True),
    ],
)
def test_a_thread_gets_what_is_complete_or_will_be_refused_at_once(
    received: bytes, complete: bool, too_large: bool
) -> None:
    in_pieces = ArrivingRequest(1_000_000)
    for start in range(0, len(received), 7):
        in_pieces.add(received[start : start + 7])
    for arrival in (ArrivingRequest(1_000_000, received), in_pieces):
        assert (arrival.is_complete(), arrival.is_too_large()) == (complete, too_large)
        assert arrival.take() == received


@pytest.mark.parametrize(
    ("head", "most"),
    [(b"", MAX_HEAD_BYTES), (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 1_000_000)],
    ids=["a head", "a body in chunks"],
)
def test_what_is_as_large_as_it_may_be_is_waited_for(head: bytes, most: int) -> None:
    arriving = ArrivingRequest(1_000_000, head + b"f" * most)
    assert not arriving.is_too_large()
    arriving.add(b"f")
    assert arriving.is_too_large()


def test_nobody_waits_for_the_end_of_trailers_that_are_too_large() -> None:
    arriving = ArrivingRequest(1_000_000, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    arriving.add(b"x" * (MAX_HEAD_BYTES - len(b"\r\n")))
    assert not arriving.is_complete()
    arriving.add(b"x")
    assert arriving.is_complete()
