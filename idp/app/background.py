"""What every process does beside answering: looks at the federation folder, sends mail, tells applications that
sign-ins ended, makes indexes.

Any number of processes may do so at once. One of them has the metadata read, for all of them; a mail or a notice is
leased before it is sent.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.queue_worker import QueueWorker
from idp.saml.federation import FederationFolder
from idp.saml.federation_downloads import FederationDownloads
from idp.storage.database import Database, Indexes
from idp.storage.migrations.schema_state import adopt_if_empty, schema_state

logger = logging.getLogger(__name__)

INDEX_RETRY_SECONDS = 2


class Background:
    """Daemon threads that live as long as the process; ``start`` returns soon, whatever is slow or away."""

    def __init__(
        self,
        database: Database,
        indexes: Sequence[Indexes],
        federation: FederationFolder,
        workers: Sequence[QueueWorker],
        refresh_seconds: int,
        downloads: FederationDownloads,
        watch_keys: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._indexes = indexes
        self._federation = federation
        self._refresh_seconds = refresh_seconds
        self._downloads = downloads
        self._watch_keys = watch_keys
        self._clock = clock
        self._workers = workers
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start looking, making and sending.

        The first try at the indexes is waited for: a request that came before them could use a code twice. Raises
        ConfigurationError for a database that a newer release has changed, or that is half restored.
        """
        if not self._made_indexes():
            threading.Thread(target=self._make_indexes, name="_make_indexes", daemon=True).start()
        for work in (self._watch_federation, self._fetch_metadata):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()
        for worker in self._workers:
            worker.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Let what is in hand be finished, for at most ``timeout`` seconds in all."""
        ends = time.monotonic() + timeout
        self._stopped.set()
        for worker in self._workers:
            worker.begin_to_stop()
        for worker in self._workers:
            worker.stop(max(0.0, ends - time.monotonic()))

    def _make_indexes(self) -> None:
        """Single use rests on unique indexes: they are made as soon as the database answers."""
        while not self._stopped.wait(INDEX_RETRY_SECONDS):
            try:
                if self._made_indexes():
                    return
            except ConfigurationError as error:
                # This process serves already and cannot refuse to start any more: /readyz answers 503 instead.
                logger.critical("schema.not_served", extra={"fields": {"detail": str(error)}})

    def _made_indexes(self) -> bool:
        try:
            self._look_at_schema()
            self._database.create_indexes(self._indexes)
        except ServiceUnavailable as error:
            logger.warning("indexes.waiting", extra={"fields": {"detail": error.detail}})
            return False
        return True

    def _look_at_schema(self) -> None:
        """A new database begins with the shapes of today; of any other one the log tells what is due."""
        adopt_if_empty(self._database, now=self._clock())
        state = schema_state(self._database)
        if not state.serves:
            raise ConfigurationError(*state.problems())
        for problem in state.problems():
            logger.warning("schema.problem", extra={"fields": {"detail": problem}})

    def _watch_federation(self) -> None:
        while not self._stopped.is_set():
            try:
                self._watch_keys()
                self._federation.refresh()
            except Exception:
                logger.exception("federation.refresh_failed")
            self._stopped.wait(self._refresh_seconds)

    def _fetch_metadata(self) -> None:
        # Beside the watch of the folder: a slow server must not delay the look at a file that was dropped into it.
        while not self._stopped.is_set():
            try:
                self._downloads.fetch_due()
            except Exception:
                logger.exception("federation.downloads_failed")
            self._stopped.wait(self._refresh_seconds)
