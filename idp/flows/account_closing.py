"""Closing an account, and opening it again: an administrator's act, or the end of an invitation."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.logout import EndsSignIns
from idp.domain.references import present_reference
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.consents import ConsentStore
from idp.storage.devices import DeviceStore
from idp.storage.sweeps import SweepStore
from idp.storage.under_way import UnderWay


@dataclass(frozen=True, slots=True)
class AccountClosing:
    """``domain.accounts.ClosesAccounts`` over the stores. kept: how long an account outlives its invitation."""

    accounts: AccountStore
    ends_sign_ins: EndsSignIns
    devices: DeviceStore
    consents: ConsentStore
    under_way: UnderWay
    sweeps: SweepStore
    audit: AuditTrail
    clock: Callable[[], datetime]
    kept: timedelta

    def close(self, account_id: str, **fields: str) -> bool:
        """Nobody signs in any more, every session and token of the account ends, and its applications are told.

        What a request that was under way adds meanwhile ends a minute later. False where there is no such account.
        """
        # Where it is opened again before that minute is over, what began before this ends all the same.
        self._plan_sweep(account_id, began_before=self.clock())
        # The account first, so that nothing new begins behind our back.
        if not self.accounts.set_disabled(account_id, disabled=True):
            return False
        self._end_everything(account_id)
        self._void_what_is_under_way(account_id)
        self._note("account.closed", account_id, **fields)
        return True

    def reopen(self, account_id: str, **fields: str) -> bool:
        """The person may sign in again, as before; False where there is no such account."""
        is_there = self.accounts.set_disabled(account_id, disabled=False)
        if is_there:
            self._note("account.reopened", account_id, **fields)
        return is_there

    def close_next_expired(self, now: datetime) -> bool:
        """Close one account whose invitation has ended; False where there is none."""
        account_id = self.accounts.next_expired(now=now)
        if account_id is None:
            return False
        self._plan_sweep(account_id)
        if self.accounts.expire(account_id, now=now):
            self._end_everything(account_id)
            self._note("account.expired", account_id)
        return True

    def give_up_next_expired(self, now: datetime) -> bool:
        """Have one account erased whose invitation ended long ago; False where there is none."""
        return self.accounts.give_up_next(before=now - self.kept, now=now)

    def _plan_sweep(self, account_id: str, *, began_before: datetime | None = None) -> None:
        # Planned before the account is written: whatever goes wrong after that, the sweep finds the account closed and
        # ends its sign-ins. Where the account stays open after all, the sweep ends only what began before the moment
        # that it names, if it names one.
        self.sweeps.put(account_id, now=self.clock(), began_before=began_before)

    def _end_everything(self, account_id: str) -> None:
        self.ends_sign_ins.of_account(account_id)
        self.devices.forget_account(account_id)
        self.consents.forget_account(account_id)

    def _void_what_is_under_way(self, account_id: str) -> None:
        """It would let somebody in after ``reopen``."""
        account = self.accounts.find(account_id)
        self.under_way.void(account_id, *(account.addresses if account else ()), now=self.clock())

    def _note(self, event: str, account_id: str, **fields: str) -> None:
        self.audit.append(event, at=self.clock(), reference=present_reference(), account_id=account_id, **fields)
