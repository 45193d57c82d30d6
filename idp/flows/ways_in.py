"""What a thief may have left in an account goes with the old password, and whoever came in by it is put out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.logout import EndsSignIns
from idp.domain.passkeys import Passkey
from idp.domain.ways_in import WaysIn, other_addresses
from idp.storage.devices import DeviceStore
from idp.storage.merges import MergeStore
from idp.storage.sweeps import SweepStore


@dataclass(frozen=True, slots=True)
class AccountWaysIn:
    """``domain.ways_in.ClosesWaysIn``. The callables are those of the account page's own acts."""

    passkeys: Callable[[Account], tuple[Passkey, ...]]
    merges: MergeStore
    removes_address: Callable[[Account, str], bool]
    removes_passkey: Callable[[Account, str], None]
    ends_sign_ins: EndsSignIns
    devices: DeviceStore
    sweeps: SweepStore
    clock: Callable[[], datetime]

    def beside(self, account: Account, proven: str | None) -> WaysIn:
        """What leads in beside the password and the address that was proven."""
        return replace(self.beside_proof(account, proven), passkeys=self.passkeys(account))

    def beside_proof(self, account: Account, proven: str | None) -> WaysIn:
        """The same without passkeys."""
        merged = tuple(merge.address for merge in self.merges.of_survivor(account.id, now=self.clock()))
        return WaysIn(() if merged else other_addresses(account, proven), merged=merged)

    def remove(self, account: Account, unknown: WaysIn) -> None:
        """Take these away; passkeys first, since they may be refused. Raises PasskeyRefused."""
        for passkey in unknown.passkeys:
            self.removes_passkey(account, passkey.id)
        for address in unknown.addresses:
            self.removes_address(account, address)

    def put_out(self, account_id: str, known_browsers: Sequence[str] = ()) -> None:
        """End every sign-in, and once more in a minute those that were under way."""
        now = self.clock()
        self.sweeps.put(account_id, now=now, began_before=now)
        self.ends_sign_ins.of_account(account_id, known_browsers=known_browsers)
        self.devices.forget_account(account_id)
