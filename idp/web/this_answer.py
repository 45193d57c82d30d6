"""The request in hand, and what its answer knows by now: looked for once in a function, not at every word.

Flask's ``request`` and ``g`` look for the present request at each attribute that is asked of them, hundreds of times in
one sign-in.
"""

from dataclasses import dataclass, field
from datetime import datetime

from flask import Request, g, request

from idp.domain.sessions import Session


@dataclass(slots=True)
class ThisAnswer:
    """cookies: to be set, by name; each with its value, and with its seconds where it outlives the browser's window.

    journeys: references by handle, of those that were looked up. The rest is for the headers.
    """

    session: Session | None = None
    is_session_read: bool = False
    language: str | None = None
    ends_at: datetime | None = None
    cookies: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    journeys: dict[str, str | None] = field(default_factory=dict)
    form_targets: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    has_own_data: bool = False

    def has_session(self, session: Session | None) -> None:
        """This is the browser's session from here on."""
        self.session, self.is_session_read = session, True


def this_answer() -> ThisAnswer:
    """What is known of the answer to the request in hand."""
    known = g._get_current_object()
    try:
        answer: ThisAnswer = known.this_answer
    except AttributeError:
        answer = known.this_answer = ThisAnswer()
    return answer


def this_request() -> Request:
    """The request in hand itself."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]
    return found
