"""The parts by name, and how large their runs are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Options:
    """How much is measured.

    warm_up: flows before anything is measured, for each side. flows: complete flows in one round of one side; the
    cheaper operations get a multiple. starts: how often start-up is measured, after one that nobody counts on. few,
    accounts: accounts in the two databases that are compared. clients: processes that drive, with a connection
    each. listen_seconds: how long the servers are heard while nobody calls them. providers: sizes of the synthetic
    federations. sign_ins: whole sign-ins of each kind in one round. bcrypt_cost: None for the product's own.
    hash_costs: those compared. hashes: of the default cost in a round, the cheaper ones more often. images: people who
    really come, after whom a crowd is made.
    """

    folder: Path
    rounds: int = 7
    warm_up: int = 2_000
    flows: int = 400
    starts: int = 5
    few: int = 1_000
    accounts: int = 100_000
    signatures: int = 400
    clients: int = 4
    listen_seconds: float = 10.0
    providers: tuple[int, ...] = (500, 5_000, 10_000)
    sign_ins: int = 40
    bcrypt_cost: int | None = None
    hash_costs: tuple[int, ...] = (10, 11, 12, 13, 14)
    hashes: int = 6
    images: int = 5

    @classmethod
    def quick(cls, folder: Path) -> Self:
        """As little as shows that every step works."""
        return cls(
            folder,
            rounds=1,
            warm_up=8,
            flows=8,
            starts=0,
            few=10,
            accounts=50,
            signatures=8,
            clients=2,
            listen_seconds=2.0,
            providers=(20, 60),
            sign_ins=2,
            bcrypt_cost=4,
            hash_costs=(10, 12),
            hashes=1,
            images=2,
        )

    def changed(self, *, rounds: int | None, accounts: int | None) -> Self:
        """These options with what the command line says."""
        return replace(self, rounds=rounds or self.rounds, accounts=accounts or self.accounts)


def _openid(options: Options) -> None:
    # Imported when it runs: the parts share no library.
    from benchmarks.openid import part

    part.run(options)


def _federation(options: Options) -> None:
    from benchmarks.federation import part

    part.run(options)


def _sign_in(options: Options) -> None:
    from benchmarks.sign_in import part

    part.run(options)


def _capacity(options: Options) -> None:
    from benchmarks.capacity import part

    part.run(options)


def _autumn(options: Options) -> None:
    from benchmarks.capacity import autumn_part

    autumn_part.run(options)


PARTS: dict[str, Callable[[Options], None]] = {
    "openid": _openid,
    "federation": _federation,
    "sign-in": _sign_in,
    "capacity": _capacity,
    "autumn": _autumn,
}
