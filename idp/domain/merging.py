"""Two accounts of one person become one, and may be parted again for some time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# A person who has just proven the mailbox decides at once; who regrets it notices within weeks.
OFFER_LIFETIME = timedelta(minutes=10)
UNDO_LIFETIME = timedelta(days=30)


class MergeState(StrEnum):
    """offered → moving → done; done → parting, and then gone.

    While it moves or parts, both accounts are locked for other merges.
    """

    OFFERED = "offered"
    MOVING = "moving"
    DONE = "done"
    PARTING = "parting"


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge. survivor: id of the account that goes on, the one signed in. other: of the one that ends in it.

    address: of the other account, whose mailbox was proven. clients: who knew the person by the other's subject.
    until: when the offer ends, or the time for parting the two again.
    """

    id: str
    survivor: str
    other: str
    address: str
    created_at: datetime
    until: datetime
    state: MergeState = MergeState.OFFERED
    clients: tuple[str, ...] = ()

    def is_overtaken(self, proved_at: datetime | None) -> bool:
        """Whether somebody proved at a university since, at ``proved_at``, to be the other account's person.

        The proof took its password away: whoever read its mailbox before would need nothing else to merge it.
        """
        return proved_at is not None and proved_at > self.created_at
