"""Every metric of a process, and the text that Prometheus reads, which adds up all processes of one server.

Where several workers serve, each keeps its numbers in files of a folder that the server has made for all of them
(prometheus_client's multiprocess mode); without such a folder a process tells its own alone.
"""

import logging
import os
from pathlib import Path

from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from idp.metrics.counts import Counts
from idp.metrics.times import Times
from idp.metrics.worker_folder import VARIABLE, reserve

CONTENT_TYPE = CONTENT_TYPE_LATEST

logger = logging.getLogger(__name__)

# When each series began: nobody asks for that, and workers who count together cannot tell it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """counts: told of events. times: told of durations. Made once per process."""

    def __init__(self) -> None:
        self._folder = os.environ.get(VARIABLE)
        if self._folder:
            _count_with_others(Path(self._folder))
        self._registry = CollectorRegistry(auto_describe=False)
        self.counts = Counts(self._registry)
        self.times = Times(self._registry)

    def text(self, *states: Collector) -> bytes:
        """The exposition, of ``CONTENT_TYPE``: all processes of this server, and these states."""
        shown = CollectorRegistry(auto_describe=False)
        is_shared = self._folder is not None and Path(self._folder).is_dir()
        if is_shared:
            MultiProcessCollector(shown, self._folder)  # type: ignore[no-untyped-call]
        else:
            shown.register(self._registry)
        for state in states:
            shown.register(state)
        return generate_latest(shown)


def _count_with_others(folder: Path) -> None:
    """A disk without room keeps nobody from signing in: then this worker's figures are missing."""
    try:
        reserve(folder, os.getpid())
    except OSError as error:
        logger.error("metrics.not_shared", extra={"fields": {"detail": str(error)}})
        values.ValueClass = values.MutexValue
