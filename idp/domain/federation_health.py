"""How sign-in through each university goes: answers accepted and refused, and what was released with them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """Equal answers of one identity provider.

    refused: the reason, with the code of an error status; empty for accepted ones. received: names of the attributes
    that came with accepted ones.
    """

    entity_id: str
    refused: str
    received: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class UniversityHealth:
    """One university over a period.

    last_success: at any time, also before it; None where nobody succeeded as far as is known. refused: how many answers
    by cause, the most frequent first.
    received: in how many accepted answers each attribute came, by name.
    """

    entity_id: str
    name: str
    last_success: datetime | None
    accepted: int
    refused: dict[str, int]
    received: dict[str, int]

    @property
    def failure_rate(self) -> float:
        """The part of all answers that was refused, 0 to 1."""
        failed = sum(self.refused.values())
        return failed / (failed + self.accepted) if failed else 0.0


def health_of(
    entity_id: str, name: str, last_success: datetime | None, counts: Iterable[AnswerCount]
) -> UniversityHealth:
    """The sum of this university's counts."""
    accepted, refused, received = 0, dict[str, int](), dict[str, int]()
    for counted in sorted(counts, key=lambda found: -found.count):
        if counted.refused:
            refused[counted.refused] = refused.get(counted.refused, 0) + counted.count
            continue
        accepted += counted.count
        for attribute in counted.received:
            received[attribute] = received.get(attribute, 0) + counted.count
    return UniversityHealth(entity_id, name, last_success, accepted, refused, dict(sorted(received.items())))
