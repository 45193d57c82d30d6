"""A person closes their own account, or nobody used it; they may have it back for some time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.accounts import Account
from idp.domain.logout import EndsSignIns
from idp.domain.messages import MailQueue
from idp.domain.notices import tell
from idp.domain.references import present_reference
from idp.domain.sessions import Session
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.closed_accounts import ClosedAccounts
from idp.storage.consents import ConsentStore
from idp.storage.devices import DeviceStore
from idp.storage.passkeys import PasskeyStore
from idp.storage.sweeps import SweepStore
from idp.storage.under_way import UnderWay


@dataclass(frozen=True, slots=True)
class ClosingFlow:
    """kept: how long a closed account waits before it is erased."""

    accounts: AccountStore
    closed_accounts: ClosedAccounts
    ends_sign_ins: EndsSignIns
    devices: DeviceStore
    consents: ConsentStore
    passkeys: PasskeyStore
    under_way: UnderWay
    sweeps: SweepStore
    mails: MailQueue
    audit: AuditTrail
    clock: Callable[[], datetime]
    kept: timedelta

    def close(self, account: Account) -> bool:
        """Nobody signs in any more, and everything that came from the account ends; False where it was closed before.

        What a request that was under way adds meanwhile ends a minute later.
        """
        return self._close(account, "closed", "person")

    def close_unused(self, account: Account, is_again: bool = False) -> None:
        """The same for an account that nobody used. is_again: somebody who was killed began with it."""
        self._close(account, "unused", "inactivity", is_again=is_again)

    def _close(self, account: Account, change: str, by: str, *, is_again: bool = False) -> bool:
        now = self.clock()
        # The sweep is planned first: it makes good whatever goes wrong below, even if the person has reopened the
        # account by then.
        self.sweeps.put(account.id, now=now, began_before=now)
        is_closed = self.closed_accounts.close(account.id, reopens_until=now + self.kept)
        if not (is_closed or is_again):
            return False
        self.ends_sign_ins.of_account(account.id)
        self.devices.forget_account(account.id)
        self.consents.forget_account(account.id)
        self.passkeys.remove_account(account.id)
        # Either would open the account again.
        self.under_way.void(account.id, *account.addresses, now=now)
        self._tell(account, change, now, by)
        return True

    def closed(self, session: Session) -> Account | None:
        """The closed account of whoever has just proven to be its person."""
        account = self.accounts.of_session(session)
        return account if account is not None and account.is_closed(self.clock()) else None

    def reopen(self, account: Account) -> bool:
        """The account is the person's again; False where that was too late."""
        now = self.clock()
        done = self.closed_accounts.reopen(account.id, now=now)
        if done:
            self._tell(account, "reopened", now, "person")
        return done

    def _tell(self, account: Account, change: str, now: datetime, by: str) -> None:
        reference = present_reference()
        event = "account.reopened" if change == "reopened" else "account.closed"
        self.audit.append(event, at=now, reference=reference, account_id=account.id, by=by)
        days = str(self.kept.days)
        tell(self.mails, "account_closed", account, reference=reference, now=now, change=change, days=days)
