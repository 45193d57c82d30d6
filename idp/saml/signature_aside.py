"""Checking a large file in a process of its own while this one goes on reading.

The check builds a tree of the document and canonicalizes it, which takes as long as reading what it holds. Nothing read
meanwhile may be used before ``result``.
"""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final

from idp.parent_death import end_with_parent
from idp.saml.metadata_trust import MetadataFault, MetadataFile, Outline, Validity, VerifiedMetadata

# Ends an answer: one that was cut off is none.
_END: Final = b"\n"


class CheckAside:
    """A check under way, in a fork of this process, which must have one thread alone."""

    def __init__(self, file: MetadataFile, now: datetime) -> None:
        self._told, telling = os.pipe()
        us = os.getpid()
        self._child = os.fork()
        if self._child == 0:
            # It has our lock and pipes as well: whoever waits for them would wait for it where we are killed.
            end_with_parent(signal.SIGKILL)
            if os.getppid() != us:
                os._exit(1)
            _check_and_exit(file, now, telling)
        os.close(telling)

    def result(self) -> VerifiedMetadata:
        """As ``metadata_files.verified``; also raises MetadataFault where the check came to no end."""
        with open(self._told, "rb", closefd=False) as told:
            text = told.read()
        if not text.endswith(_END):
            child, self._child = self._child, 0
            _, status = os.waitpid(child, 0)
            raise MetadataFault(f"could not be checked ({os.waitstatus_to_exitcode(status)})")
        return _result(json.loads(text))

    def stop(self) -> None:
        """Have it end, where nobody waits for its result."""
        os.close(self._told)
        if self._child:
            with suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)

    def wait(self) -> None:
        """Until it has ended, which takes as long as giving back the memory of a large tree."""
        child, self._child = self._child, 0
        if child:
            os.waitpid(child, 0)


@contextmanager
def checked_aside(file: MetadataFile, *, now: datetime) -> Iterator[CheckAside]:
    """The check, under way; it is made to end when the context is left, and the caller must ``wait`` for that."""
    check = CheckAside(file, now)
    try:
        yield check
    finally:
        check.stop()


def _check_and_exit(file: MetadataFile, now: datetime, telling: int) -> None:
    code = 1
    try:
        # The libraries are loaded here, beside the reading, and leave with this process.
        from idp.saml.metadata_files import parsed, verified_root

        try:
            root = parsed(file)
            found = verified_root(root, file, now=now)
        except MetadataFault as fault:
            told: dict[str, str | int | None] = {"fault": str(fault)}
        else:
            told = {
                "digest": found.digest,
                "valid_until": _text(found.validity.valid_until),
                "created": _text(found.validity.created),
                "elements": found.outline.elements,
                "entity_ids": found.outline.entity_ids,
            }
        with open(telling, "wb") as answer:
            # Told before the large tree is taken down, which goes with this process.
            answer.write(json.dumps(told).encode() + _END)
        code = 0
    finally:
        # Nothing of the parent's is to be flushed, closed or cleaned up here.
        os._exit(code)


def _result(told: dict[str, str | int | None]) -> VerifiedMetadata:
    if "fault" in told:
        raise MetadataFault(str(told["fault"]))
    validity = Validity(_moment(told["valid_until"]), _moment(told["created"]))
    return VerifiedMetadata(str(told["digest"]), validity, Outline(int(told["elements"] or 0), str(told["entity_ids"])))


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | int | None) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
