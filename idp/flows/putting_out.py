"""Everybody is put out of an account: every sign-in ends, and no device is known any more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.domain.logout import EndsSignIns
from idp.storage.devices import DeviceStore
from idp.storage.sweeps import SweepStore


@dataclass(frozen=True, slots=True)
class PuttingOut:
    """``domain.logout.PutsOut``."""

    ends_sign_ins: EndsSignIns
    devices: DeviceStore
    sweeps: SweepStore
    clock: Callable[[], datetime]

    def __call__(self, account_id: str, known_browsers: Sequence[str] = ()) -> None:
        """End every sign-in, and once more in a minute those that were under way."""
        now = self.clock()
        self.sweeps.put(account_id, now=now, began_before=now)
        self.ends_sign_ins.of_account(account_id, known_browsers=known_browsers)
        self.devices.forget_account(account_id)
