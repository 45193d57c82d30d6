"""Where a password that somebody sends waits until it can be hashed, which takes a core for a third of a second.

Strangers can send passwords as often as they like (CWE-400). They wait among themselves: somebody whose browser has
signed in before, which its cookie says and ``domain.passwords.Places`` looks at more closely, stands in another line.
"""

import re
from typing import Any

from idp.domain import measures
from idp.domain.passwords import HashingBounds
from idp.web.waiting_line import WaitingLine

# The path of ``sign_in.with_password``, whatever stands before it.
_SENDS_PASSWORD = re.compile(rb"POST [^ ?]*/sign-in/[^/ ?]+/methods[ ?]")
# The cookie that ``Browser.device`` reads, by either of its names.
_HAS_DEVICE = re.compile(rb"\r\nCookie:[^\r\n]*idp_device=", re.IGNORECASE)


class PasswordLines:
    """The lines of one worker: as many have their turn as may wait for a hash in its threads."""

    def __init__(self, bounds: HashingBounds) -> None:
        self._known, self._strangers = WaitingLine[Any](bounds.known), WaitingLine[Any](bounds.strangers)
        self.all = (self._known, self._strangers)

    def line_of(self, request: bytes) -> WaitingLine[Any] | None:
        """Where this request, its head and body, has to wait for its turn; None where it has not."""
        if not _SENDS_PASSWORD.match(request):
            return None
        return self._known if _HAS_DEVICE.search(request) else self._strangers

    def has_waited(self, seconds: float) -> None:
        """Told by the thread that serves a request, before it does: how long it has waited here."""
        measures.waited_before.set(seconds)
