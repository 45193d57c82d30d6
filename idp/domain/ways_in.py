"""What leads into an account beside its password: shown where another one is chosen, and closed there by its person.

Whoever had the person's session or mailbox may have added some of it, which no proof and no password can know.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from idp.domain.accounts import Account
from idp.domain.passkeys import Passkey


@dataclass(frozen=True, slots=True)
class WaysIn:
    """addresses: a code mailed to any of them signs in. passkeys: any of them signs in by itself.

    merged: an address of each account that was merged into this one and may still be parted from it. Where there is
    one, ``addresses`` is empty: parting needs the addresses of both accounts, and also removes the other account's
    university, which no ticked address would.
    """

    addresses: tuple[str, ...] = ()
    passkeys: tuple[Passkey, ...] = ()
    merged: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.addresses or self.passkeys)

    def among(self, named: Collection[str]) -> "WaysIn":
        """Those of them that are named, by address or by a passkey's id, neither of which can be the other."""
        return WaysIn(
            tuple(address for address in self.addresses if address in named),
            tuple(passkey for passkey in self.passkeys if passkey.id in named),
        )


NO_WAYS = WaysIn()


def other_addresses(account: Account, proven: str | None) -> tuple[str, ...]:
    """The addresses of the account except the one that its person has just shown to read. An only address stays."""
    return tuple(one for one in account.addresses if one != proven) if len(account.addresses) > 1 else ()


class ClosesWaysIn(Protocol):
    """Knows and closes what leads into an account beside its password."""

    def beside(self, account: Account, proven: str | None) -> WaysIn:
        """What there is. proven: the address that the person has just shown to read, which is theirs."""

    def beside_proof(self, account: Account, proven: str | None) -> WaysIn:
        """The same after a proof, which leaves no passkey."""

    def remove(self, account: Account, unknown: WaysIn) -> None:
        """Take them away, each told as when the person removes it alone. Raises PasskeyRefused where nothing else would
        lead in safely."""
