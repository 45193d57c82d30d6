"""Documents that are fetched again and again: what is remembered of the last copy, and who fetches."""

from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells a server which copy we have (RFC 9110 section 8.8), as it gave them; empty where it gave none."""

    etag: str = ""
    last_modified: str = ""


class Download(Protocol):
    """Fetches an address into a file.

    known: of the copy that we have, if any. Returns those of the new copy; None where the copy that we have is still
    the right one, and then nothing is written. Raises ``NotFetched``; what was written by then is worth nothing.
    """

    def __call__(self, url: str, into: BinaryIO, known: Validators, /) -> Validators | None: ...
