"""The end of sign-ins, in every journey: sessions and tokens die, and the applications are told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.clients import Client
from idp.domain.keyed import random_id
from idp.domain.logout import ApplicationInUse, LogoutNotice
from idp.domain.references import present_reference
from idp.storage.grants import GrantStore
from idp.storage.logout_notices import LogoutNotices
from idp.storage.sessions import SessionStore

# An application that does not answer for this long is given up: people have left the page that spoke of it.
DEADLINE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SignOuts:
    """Ends sign-ins (``domain.logout.EndsSignIns``). clients: the relying party with this identifier."""

    sessions: SessionStore
    grants: GrantStore
    notices: LogoutNotices
    clients: Callable[[str], Client | None]
    clock: Callable[[], datetime]

    def of_session(self, sid: str) -> tuple[ApplicationInUse, ...]:
        """End this one sign-in. The session goes first, so that no grant is added behind our back."""
        self.sessions.end_sid(sid)
        told = self._tell(self.grants.used_by_session(sid))
        self.grants.revoke_session(sid)
        return told

    def of_account(
        self, account_id: str, *, except_session: str | None = None, known_browsers: Sequence[str] = ()
    ) -> tuple[ApplicationInUse, ...]:
        """End every sign-in of the account, with what each of its devices did."""
        if known_browsers:
            self.sessions.forget_sign_in(account_id, known_browsers)
        self.sessions.end_account(account_id, except_session=except_session)
        told = self._tell(self.grants.used_by_account(account_id))
        self.grants.revoke_account(account_id)
        return told

    def of_application(self, account_id: str, client_id: str) -> tuple[ApplicationInUse, ...]:
        """End what one client has from every sign-in of the account, which themselves go on."""
        used = self.grants.used_by_account(account_id)
        told = self._tell([application for application in used if application.client_id == client_id])
        self.grants.revoke_client(account_id, client_id)
        return told

    def _tell(self, applications: Sequence[ApplicationInUse]) -> tuple[ApplicationInUse, ...]:
        now = self.clock()
        self.notices.put(
            [
                LogoutNotice(random_id(), application, now, now + DEADLINE, present_reference())
                for application in applications
                if (client := self.clients(application.client_id)) and client.backchannel_logout_uri
            ]
        )
        return tuple(applications)
