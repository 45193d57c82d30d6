"""Short references that stand on a page and in the log: one for each journey, request or job of the background.

The one of what is being done is kept for the thread that does it, so that every line of the log has it.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Without letters and digits that are mistaken for one another on the telephone.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
# 256 is a multiple of the 32 characters: each is as likely as the others.
_CHARACTERS = (_ALPHABET * 8).encode()

_PRESENT: ContextVar[str] = ContextVar("reference", default="")


@contextmanager
def under_reference(reference: str = "") -> Iterator[None]:
    """What is done in here belongs to this reference; to a new one where none is given."""
    before = _PRESENT.set(reference or new_reference())
    try:
        yield
    finally:
        _PRESENT.reset(before)


def go_on_under(reference: str) -> None:
    """What is being done turned out to belong to a journey that began before."""
    if reference and _PRESENT.get():
        _PRESENT.set(reference)


def present_reference() -> str:
    """The reference of what is being done; a new one where nothing is, as in a command."""
    return _PRESENT.get() or new_reference()


def known_reference() -> str:
    """The same, empty where nothing is being done."""
    return _PRESENT.get()


def new_reference() -> str:
    """Eight characters in two groups, e.g. ``K7QM-2XWD``: 40 random bits, unique enough for a log."""
    return _grouped(secrets.token_bytes(8))


def reference_of(record_id: str) -> str:
    """The same reference every time for one record, e.g. a code that is mailed again."""
    return _grouped(hashlib.sha256(record_id.encode()).digest()[:8])


def _grouped(eight: bytes) -> str:
    text = eight.translate(_CHARACTERS).decode()
    return f"{text[:4]}-{text[4:]}"


def typed_reference(text: str) -> str | None:
    """The reference that a person copied or dictated; None where this is none."""
    plain = "".join(text.upper().split()).replace("-", "")
    is_one = len(plain) == 8 and all(char in _ALPHABET for char in plain)
    return f"{plain[:4]}-{plain[4:]}" if is_one else None
