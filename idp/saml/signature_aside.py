"""Checking a large document's signature in a process of its own while this one goes on reading.

Canonicalizing 60 MB takes as long as reading what they hold. Nothing read meanwhile may be used before ``result``.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from idp.saml.metadata_files import Document, MetadataFault


class SignatureAside:
    """A check under way, in a fork of this process, which must have one thread alone."""

    def __init__(self, document: Document) -> None:
        self._child = os.fork()
        if self._child == 0:
            _check_and_exit(document)

    def result(self) -> None:
        """Raises MetadataFault as ``Document.check_signature`` does."""
        child, self._child = self._child, 0
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == _REFUSED:
            raise MetadataFault("is not signed by any of its signing_keys, or was changed after signing")
        if code != _HOLDS:
            raise MetadataFault(f"has a signature that could not be checked ({code})")

    def stop(self) -> None:
        """End it, where nobody waits for its result."""
        if self._child:
            with suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)


_HOLDS, _REFUSED, _FAILED = 0, 3, 4


def _check_and_exit(document: Document) -> None:
    code = _FAILED
    try:
        document.check_signature()
        code = _HOLDS
    except MetadataFault:
        code = _REFUSED
    finally:
        # Nothing of the parent's is to be flushed, closed or cleaned up here.
        os._exit(code)


@contextmanager
def checked_aside(document: Document) -> Iterator[SignatureAside]:
    """The check, under way; it has ended when this is left."""
    check = SignatureAside(document)
    try:
        yield check
    finally:
        check.stop()
