"""The end of sign-ins, and telling the applications that people were signed in to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ApplicationInUse:
    """One client that was given a grant in one sign-in, and may hold a session of its own since then.

    subject: the ``sub`` that this client sees.
    """

    client_id: str
    subject: str
    sid: str


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """What one client is to be told: this sign-in has ended (OpenID Connect Back-Channel Logout 1.0).

    expires_at: when telling it is given up. reference: of the sign-out.
    """

    id: str
    application: ApplicationInUse
    created_at: datetime
    expires_at: datetime
    reference: str = ""


class EndsSignIns(Protocol):
    """Ends sign-ins with all that came from them; every way of signing somebody out ends here.

    Each tells which applications were in use.
    """

    def of_session(self, sid: str) -> tuple[ApplicationInUse, ...]:
        """End this one sign-in."""

    def of_account(
        self, account_id: str, *, except_session: str | None = None, known_browsers: Sequence[str] = ()
    ) -> tuple[ApplicationInUse, ...]:
        """End every sign-in of the account. except_session: id of a session that the browser keeps.

        known_browsers: are signed out like all others, but stay known, so that what waits in them goes on.
        """

    def of_application(self, account_id: str, client_id: str) -> tuple[ApplicationInUse, ...]:
        """End what one client has from every sign-in of the account, which themselves go on."""


class PutsOut(Protocol):
    """Puts everybody out of an account that goes on: whoever came in by what leads there no longer."""

    def __call__(self, account_id: str, known_browsers: Sequence[str] = ()) -> None:
        """End every sign-in, also those that are under way. known_browsers: as in ``EndsSignIns``."""
