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
    """addresses: each is mailed codes. passkeys: each signs in by itself.

    merged: of accounts that may still be parted from this one. Then no address is named, since parting needs those of
    both; it takes the other person's university away as well, which no removal of an address does.
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
    """The addresses of the account but the one that its person has just shown to read, if any; an only one leads in."""
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
