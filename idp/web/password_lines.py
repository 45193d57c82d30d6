"""Where a password that somebody sends waits until it can be hashed, which takes a core for a third of a second.

Strangers can send passwords as often as they like (CWE-400). They wait among themselves: whoever has signed in with
this browser before stands in another line, and so does whoever has proven who they are and chooses a password. Here it
is the cookie's presence or the path that tells, before anything costs anything; who invents one waits in that line, and
is a stranger to ``domain.passwords.Places``, or has nothing hashed.
"""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from idp.domain import measures
from idp.domain.passwords import HashingBounds
from idp.web.waiting_line import Turns, WaitingLine

# An empty line may stand before it (RFC 9112 section 2.2), and gunicorn leaves a fragment out.
_POSTED_TO = re.compile(rb"[\r\n]*POST ([^ ?#]+)")
# The path of ``sign_in.with_password``, whatever stands before it.
_TAKES_PASSWORD = re.compile(rb".*/sign-in/[^/]+/methods", re.DOTALL)
# The paths of ``new_password``, ``renewed_password``, ``account.change_password`` and ``merging``.
_TAKES_PASSWORD_OF_PROVEN = re.compile(
    rb".*/(?:sign-in/[^/]+/(?:new-)?password|account/(?:password|merge/[^/]+))", re.DOTALL
)
# The cookie that ``Browser.device`` reads, by either of its names.
_HAS_DEVICE = re.compile(rb"\r\nCookie:[^\r\n]*idp_device=", re.IGNORECASE)


class PasswordLines:
    """The lines of one worker, for as many turns as there are places to hash. Neither line ever has them all."""

    def __init__(self, bounds: HashingBounds) -> None:
        turns, most = Turns(bounds.in_all), bounds.strangers
        self._known, self._strangers = WaitingLine[Any](turns, most), WaitingLine[Any](turns, most)
        self.all = (self._known, self._strangers)

    def line_of(self, request: bytes) -> WaitingLine[Any] | None:
        """Where this request, its head and body, has to wait for its turn; None where it has not."""
        posted_to = _POSTED_TO.match(request)
        # Decoded as Flask decodes it: any letter of the path may be percent-encoded.
        path = unquote_to_bytes(posted_to[1]) if posted_to else b""
        if _TAKES_PASSWORD_OF_PROVEN.fullmatch(path):
            return self._known
        if not _TAKES_PASSWORD.fullmatch(path):
            return None
        return self._known if _HAS_DEVICE.search(request) else self._strangers

    def has_waited(self, seconds: float) -> None:
        """Told by the thread that serves a request, before it does: how long it has waited here."""
        measures.waited_before.set(seconds)
