"""What became of one try to hand something over: a mail to a server, a logout notice to a client."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """The other side took it. reply: its answer, one line."""

    reply: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Try again later: the other side says so, or could not be reached."""

    reply: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side will never take it, however often it is sent."""

    reply: str


Outcome = Done | Deferred | Refused
