"""A real SMTP server whose mood a test changes while it runs."""

import asyncio
import socket
import time
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from enum import StrEnum
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from idp.demo.ports import free_port
from tests.mail.smtp_server import HOST
from tests.waiting import PATIENCE_SECONDS

_LOOK_SECONDS = 0.02


class Mood(StrEnum):
    """away: nobody listens. mute: listens, and says nothing. holding: takes a message, and keeps its answer back."""

    WELL = "well"
    AWAY = "away"
    MUTE = "mute"
    HOLDING = "holding"
    LATER = "4xx"
    NEVER = "5xx"


_ANSWERS = {Mood.LATER: "451 4.3.0 not now", Mood.NEVER: "554 5.7.1 not from you"}


@dataclass(frozen=True)
class Arrival:
    """One copy of a mail that the server has. at: seconds, by ``time.monotonic``."""

    message_id: str
    to: str
    at: float


class MoodyServer:
    """Keeps every copy that it took; ``asked`` counts the messages that it was offered and refused."""

    def __init__(self, mood: Mood = Mood.WELL) -> None:
        self.port = free_port()
        self.arrived: list[Arrival] = []
        self.asked = 0
        self.mood = Mood.AWAY
        self._controller: Controller | None = None
        self._listener: socket.socket | None = None
        self._first = mood

    def __enter__(self) -> Self:
        self.become(self._first)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.become(Mood.AWAY)

    def become(self, mood: Mood) -> None:
        """From now on; what is held back is answered."""
        self.mood = mood
        talks = mood not in (Mood.AWAY, Mood.MUTE)
        if self._controller and not talks:
            self._controller.stop()
            self._controller = None
        if self._listener:
            self._listener.close()
            self._listener = None
        if mood is Mood.MUTE:
            self._listener = socket.create_server((HOST, self.port), backlog=512)
        if talks and not self._controller:
            self._controller = Controller(self, hostname=HOST, port=self.port, ready_timeout=PATIENCE_SECONDS)
            self._controller.start()

    def copies(self) -> Counter[str]:
        """How many of each mail came, by its Message-ID."""
        return Counter(arrival.message_id for arrival in list(self.arrived))

    def recipients(self) -> Counter[str]:
        return Counter(arrival.to for arrival in list(self.arrived))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if answer := _ANSWERS.get(self.mood):
            self.asked += 1
            return answer
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        # Before the answer: a mail server that has a message keeps it, whether or not its answer was heard.
        self.arrived.append(Arrival(str(message["Message-ID"]), envelope.rcpt_tos[0], time.monotonic()))
        while self.mood is Mood.HOLDING:
            await asyncio.sleep(_LOOK_SECONDS)
        return "250 2.0.0 taken"
