"""A request on its way in, for ``buffering_worker``: whether all of it is there, without understanding it."""

import re

MAX_HEAD_BYTES = 64 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_END_OF_LINE = b"\r\n"
_MAX_LINE_BYTES = 8 * 1024
# Of a longer number as many digits as say that it is too large.
_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*0*(\d{1,18})\d*[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CHUNK_SIZE = re.compile(rb"[0-9a-f]{1,8}(?=[ \t;\r])", re.IGNORECASE)
_CHUNKED = re.compile(rb"^transfer-encoding:.*chunked", re.IGNORECASE | re.MULTILINE)
_EXPECTS_CONTINUE = re.compile(rb"^expect:[ \t]*100-continue", re.IGNORECASE | re.MULTILINE)


class ArrivingRequest:
    """A request as it comes in. Nothing is looked at twice, so that a body in a million pieces costs what it weighs.

    max_body: a body of more bytes is not waited for.
    """

    def __init__(self, max_body: int, received: bytes = b"") -> None:
        self._received = bytearray()
        self._max_body = max_body
        self._body_begins = 0
        self._announced = 0
        self._chunk: int | None = None
        self._expects_continue = False
        self._are_chunks_over = False
        self.add(received)

    def add(self, data: bytes) -> None:
        looked_through = max(0, len(self._received) - len(_END_OF_HEAD))
        self._received += data
        if not self._body_begins:
            self._look_for_head(looked_through)
        if self._chunk is not None:
            self._are_chunks_over = self._look_for_last_chunk(self._chunk)

    def take(self) -> bytes:
        """What has come, for whoever handles it; nothing of it is kept here."""
        received, self._received = bytes(self._received), bytearray()
        return received

    @property
    def has_begun(self) -> bool:
        """Whether anything of it has come."""
        return bool(self._received)

    def is_complete(self) -> bool:
        """Whether there is no more of it, or something so odd that whoever reads it will refuse it there."""
        if not self._body_begins:
            return False
        return self._are_chunks_over if self._chunk is not None else self._body_bytes >= self._announced

    def is_too_large(self) -> bool:
        """Whether it will be refused, so that nobody waits for the rest."""
        if not self._body_begins:
            return len(self._received) > MAX_HEAD_BYTES
        return (self._announced if self._chunk is None else self._body_bytes) > self._max_body

    def takes_expectation(self) -> bool:
        """True once, where the sender waits to be told to go on (RFC 9110 section 10.1.1)."""
        expects, self._expects_continue = self._expects_continue, False
        return expects

    @property
    def _body_bytes(self) -> int:
        return len(self._received) - self._body_begins

    def _look_for_head(self, start: int) -> None:
        end = self._received.find(_END_OF_HEAD, start)
        if end < 0:
            return
        head = bytes(self._received[:end])
        length = _CONTENT_LENGTH.search(head)
        self._body_begins = end + len(_END_OF_HEAD)
        self._announced = int(length[1]) if length else 0
        self._chunk = self._body_begins if _CHUNKED.search(head) else None
        self._expects_continue = _EXPECTS_CONTINUE.search(head) is not None

    def _look_for_last_chunk(self, chunk: int) -> bool:
        """Whether the chunks (RFC 9112 section 7.1) have come to their end; ``_chunk`` is where the next one begins."""
        while (line := self._received.find(_END_OF_LINE, chunk)) >= 0:
            size = _CHUNK_SIZE.match(self._received, chunk)
            if not size:
                return True
            if not (bytes_of_chunk := int(size[0], 16)):
                return self._received.find(_END_OF_HEAD, line) >= 0 or len(self._received) - line > MAX_HEAD_BYTES
            chunk = self._chunk = line + bytes_of_chunk + 2 * len(_END_OF_LINE)
        return len(self._received) - chunk > _MAX_LINE_BYTES
