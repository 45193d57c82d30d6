"""What a thief may have left in an account goes with the old password."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.passkeys import Passkey
from idp.domain.ways_in import WaysIn, other_addresses
from idp.storage.merges import MergeStore


@dataclass(frozen=True, slots=True)
class AccountWaysIn:
    """``domain.ways_in.ClosesWaysIn``. The callables are those of the account page's own acts."""

    passkeys: Callable[[Account], tuple[Passkey, ...]]
    merges: MergeStore
    removes_address: Callable[[Account, str], bool]
    removes_passkey: Callable[[Account, str], None]
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
