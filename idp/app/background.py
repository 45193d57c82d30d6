"""What every process does beside answering: looks at the federation folder, sends mail, tells applications that
sign-ins ended, makes indexes.

Any number of processes may do so at once: of those that look at the metadata one has it read, for all; what is sent is
leased before.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from idp.domain.errors import ServiceUnavailable
from idp.queue_worker import QueueWorker
from idp.saml.federation import FederationFolder
from idp.saml.federation_downloads import FederationDownloads
from idp.storage.database import Database, Indexes

logger = logging.getLogger(__name__)

INDEX_RETRY_SECONDS = 2


class Background:
    """Daemon threads that live as long as the process; ``start`` returns at once, whatever is slow or away."""

    def __init__(
        self,
        database: Database,
        indexes: Sequence[Indexes],
        federation: FederationFolder,
        workers: Sequence[QueueWorker],
        refresh_seconds: int,
        downloads: FederationDownloads,
        watch_keys: Callable[[], None],
    ) -> None:
        self._database = database
        self._indexes = indexes
        self._federation = federation
        self._refresh_seconds = refresh_seconds
        self._downloads = downloads
        self._watch_keys = watch_keys
        self._workers = workers
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start looking, making and sending."""
        for work in (self._make_indexes, self._watch_federation, self._fetch_metadata):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        self._stopped.set()
        for worker in self._workers:
            worker.stop()

    def _make_indexes(self) -> None:
        """Single use rests on unique indexes: they are made as soon as the database answers."""
        while not self._stopped.is_set():
            try:
                self._database.create_indexes(self._indexes)
            except ServiceUnavailable as error:
                logger.warning("indexes.waiting", extra={"fields": {"detail": error.detail}})
                self._stopped.wait(INDEX_RETRY_SECONDS)
            else:
                return

    def _watch_federation(self) -> None:
        while not self._stopped.is_set():
            try:
                self._watch_keys()
                self._federation.refresh()
            except Exception:
                logger.exception("federation.refresh_failed")
            self._stopped.wait(self._refresh_seconds)

    def _fetch_metadata(self) -> None:
        # Beside the watch: a slow server must not keep a dropped file from being seen.
        while not self._stopped.is_set():
            try:
                self._downloads.fetch_due()
            except Exception:
                logger.exception("federation.downloads_failed")
            self._stopped.wait(self._refresh_seconds)
