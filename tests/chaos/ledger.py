"""What the clients were told, and whether the provider still stands by it."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.client import Answer, Client
from tests.chaos.journey import Stopped, authorize_silently, refresh, token_in

# [tokens] refresh_grace_seconds: a reply that was lost for longer ends the family (RFC 9700 section 4.14.2).
GRACE_SECONDS = 30
CHECKED = 60


@dataclass
class Family:
    """A chain of refresh tokens, as its client knows it.

    in_doubt_since: when a refresh was sent whose outcome the client does not know; None where it knows.
    """

    token: str
    in_doubt_since: float | None = None
    is_over: bool = False

    def take(self, answer: Answer) -> str | None:
        """Learn from an answer to a refresh; what is wrong with it, if anything."""
        if answer.status == 200:
            self.token, self.in_doubt_since = token_in(answer, "refresh_token"), None
        elif answer.status in (0, 503):
            self.in_doubt_since = self.in_doubt_since or answer.started
        else:
            self.is_over = True
            if self.in_doubt_since is None or answer.started - self.in_doubt_since < GRACE_SECONDS - 1:
                return f"a refresh token that was acknowledged is not good: {answer.outcome} {answer.body[:120]}"
        return None


@dataclass
class Ledger:
    """codes: how many good answers each code got. sessions: cookies of browsers that were told that they are in."""

    codes: Counter[str] = field(default_factory=Counter)
    sessions: list[dict[str, str]] = field(default_factory=list)
    families: list[Family] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def exchanged(self, code: str, answer: Answer) -> None:
        with self._lock:
            self.codes[code] += answer.status == 200

    def signed_in(self, client: Client) -> None:
        self.sessions.append(dict(client.cookies))

    def refreshed(self, family: Family, answer: Answer) -> None:
        if fault := family.take(answer):
            self.faults.append(fault)

    def double_grants(self) -> int:
        return sum(number > 1 for number in self.codes.values())

    def families_ended(self) -> int:
        """Families that their own client's doubt has ended: it asked again later than the grace allows."""
        return sum(family.is_over for family in self.families)

    def lost(self, port: int) -> list[str]:
        """Acknowledged things that are gone: asked of the provider, which must be well again."""
        lost = list(self.faults)
        for cookies in self.sessions[:: max(1, len(self.sessions) // CHECKED)]:
            try:
                authorize_silently(Client(port, dict(cookies)))
            except Stopped as stopped:
                lost.append(f"a session: {stopped} {stopped.answer.location[:200]}")
        kept = (family for family in self.families if not family.is_over)
        return lost + [fault for family in kept if (fault := family.take(_patiently(port, family)))]


def _patiently(port: int, family: Family) -> Answer:
    answer = refresh(Client(port), family.token)
    if answer.status in (0, 503):
        time.sleep(1)
        answer = refresh(Client(port), family.token)
    return answer
