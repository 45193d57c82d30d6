"""What a migration is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from idp.storage.database import Database, Document


@dataclass(frozen=True, slots=True)
class Terms:
    """What migrations need of the settings. audit_kept: how long events of the security log stay."""

    audit_kept: timedelta


# Given documents of the old shape: brings them up to date, each by one write that only touches the old shape, and
# returns how many it changed.
Change = Callable[[Database, Sequence[Document], Terms], int]


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of shape.

    number: its place; counts up without gaps. about: a sentence for the administrator. outdated: what selects documents
    of the old shape, none of which it selects again after ``change``. fields: what ``change`` has to see of them.
    serves_from: number of the last migration that a release must know to serve what this one leaves behind; 0: every
    older release can.
    """

    number: int
    about: str
    collection: str
    outdated: Document
    change: Change
    fields: tuple[str, ...] = ()
    serves_from: int = 0
