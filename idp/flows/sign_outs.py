"""The end of sign-ins, in every journey: sessions and tokens die, and the applications are told.

A worker may be killed in the middle, and a request that is under way may add something behind our back. So whoever
ends sign-ins first plans a sweep (``storage.sweeps``), which ends them once more a minute later; every step may be done
twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.clients import Client
from idp.domain.keyed import random_id
from idp.domain.logout import ApplicationInUse, LogoutNotice
from idp.domain.references import present_reference
from idp.storage.accounts import AccountStore
from idp.storage.grants import GrantStore
from idp.storage.logout_notices import LogoutNotices
from idp.storage.sessions import SessionStore
from idp.storage.sweeps import Sweep, SweepStore

# An application that does not answer for this long is given up: people have left the page that spoke of it.
DEADLINE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SignOuts:
    """Ends sign-ins (``domain.logout.EndsSignIns``). clients: the relying party with this identifier."""

    accounts: AccountStore
    sessions: SessionStore
    grants: GrantStore
    notices: LogoutNotices
    sweeps: SweepStore
    clients: Callable[[str], Client | None]
    clock: Callable[[], datetime]

    def of_session(self, sid: str) -> tuple[ApplicationInUse, ...]:
        """End this one sign-in, and once more in a minute."""
        self.sweeps.put_session(sid, now=self.clock())
        return self._end_session(sid)

    def of_account(
        self, account_id: str, *, except_session: str | None = None, known_browsers: Sequence[str] = ()
    ) -> tuple[ApplicationInUse, ...]:
        """End every sign-in of the account, with what each of its devices did."""
        if known_browsers:
            self.sessions.forget_sign_in(account_id, known_browsers)
        self.sessions.end_account(account_id, except_session=except_session)
        return self._end_grants(account_id)

    def of_application(self, account_id: str, client_id: str) -> tuple[ApplicationInUse, ...]:
        """End what one client has from every sign-in of the account, which themselves go on."""
        used = self.grants.used_by_account(account_id)
        told = self._tell([application for application in used if application.client_id == client_id])
        self.grants.revoke_client(account_id, client_id)
        return told

    def sweep_next(self, now: datetime) -> bool:
        """End once more what one sweep names; False where nothing is due."""
        sweep = self.sweeps.next_due(now=now)
        if sweep is None:
            return False
        self._sweep(sweep)
        self.sweeps.done(sweep)
        return True

    def _sweep(self, sweep: Sweep) -> None:
        if sweep.sid:
            self._end_session(sweep.sid)
            return
        account = self.accounts.find(sweep.account_id)
        if account is None or account.disabled:
            self.of_account(sweep.account_id)
        elif sweep.began_before is not None:
            self.sessions.end_account(sweep.account_id, began_before=sweep.began_before)
            self._end_grants(sweep.account_id, sweep.began_before)

    def _end_session(self, sid: str) -> tuple[ApplicationInUse, ...]:
        """The session goes last: who reads that it did not work presses again, and is led through all of it."""
        told = self._tell(self.grants.used_by_session(sid))
        self.grants.revoke_session(sid)
        self.sessions.end_sid(sid)
        return told

    def _end_grants(self, account_id: str, began_before: datetime | None = None) -> tuple[ApplicationInUse, ...]:
        told = self._tell(self.grants.used_by_account(account_id, began_before=began_before))
        self.grants.revoke_account(account_id, began_before=began_before)
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
