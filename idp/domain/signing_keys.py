"""When a key signs, and when it is published: the rules of rotation with overlap."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

# How long relying parties may keep our key set; stands in its Cache-Control.
JWKS_MAX_AGE = timedelta(minutes=5)
# Twice that, since a cache may stand before a cache, and a minute for every worker to find the file.
PUBLISHED_BEFORE = 2 * JWKS_MAX_AGE + timedelta(minutes=1)
# No token that is checked with our keys may be set to live longer than a day; an hour for clocks and slow workers.
PUBLISHED_AFTER = timedelta(hours=25)

ALGORITHMS = ("RS256", "ES256", "EdDSA")


class KeyState(StrEnum):
    """next: published, does not sign yet. old: signs no more, published for what it signed. retired: neither."""

    NEXT = "next"
    SIGNING = "signing"
    OLD = "old"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class KeyTerm:
    """A key as the rules see it. signs_from: from when it signs, until the next key of its algorithm does."""

    kid: str
    algorithm: str
    signs_from: datetime

    @property
    def order(self) -> tuple[str, datetime, str]:
        """By which the keys of an algorithm follow one another."""
        return self.algorithm, self.signs_from, self.kid


def states(keys: Iterable[KeyTerm], now: datetime) -> dict[str, KeyState]:
    """The state of each key by its identifier; of each algorithm exactly one signs."""
    ordered = sorted(keys, key=lambda key: key.order)
    return {
        kid: state
        for _, family in groupby(ordered, key=lambda key: key.algorithm)
        for kid, state in _of_one_algorithm(list(family), now)
    }


def _of_one_algorithm(family: list[KeyTerm], now: datetime) -> list[tuple[str, KeyState]]:
    # Where none has begun, the first one begins early: somebody must sign.
    current = max((number for number, key in enumerate(family) if key.signs_from <= now), default=0)
    ends = [successor.signs_from + PUBLISHED_AFTER for successor in family[1 : current + 1]]
    before = [KeyState.OLD if now < end else KeyState.RETIRED for end in ends]
    after = [KeyState.NEXT] * (len(family) - current - 1)
    return list(zip((key.kid for key in family), [*before, KeyState.SIGNING, *after], strict=True))
