"""Threads that work a queue off, beside answering requests."""

import logging
import secrets
import threading
from collections.abc import Callable
from datetime import datetime

from idp.domain.errors import ServiceUnavailable

_log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
_LONGEST_BACK_OFF = 30.0


class QueueWorker:
    """Some threads that do what is due: at once what this process queued itself, else within a second.

    Any number of processes may each have one. work: does one thing of the queue, under the name of the worker that it
    is given; False when nothing is due. arrivals: set where this process queues something. clock: aware, in UTC.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[str, datetime], bool],
        arrivals: threading.Event,
        clock: Callable[[], datetime],
        *,
        threads: int = 1,
    ) -> None:
        self._name = name
        self._work = work
        self._arrivals = arrivals
        self._clock = clock
        self._stopping = threading.Event()
        self._count = threads
        self._threads: tuple[threading.Thread, ...] = ()

    def start(self) -> None:
        """Start the threads; after a fork, not before one."""
        self._stopping.clear()
        self._threads = tuple(
            threading.Thread(target=self._run, name=self._name, daemon=True) for _ in range(self._count)
        )
        for thread in self._threads:
            thread.start()

    @property
    def is_running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def stop(self, timeout: float = 10.0) -> None:
        """Let what is in hand be finished, for at most ``timeout`` seconds each; the rest stays in the queue."""
        self._stopping.set()
        self._arrivals.set()
        for thread in self._threads:
            thread.join(timeout)

    def _run(self) -> None:
        worker = secrets.token_hex(8)
        pause = _POLL_SECONDS
        while not self._stopping.is_set():
            self._arrivals.clear()
            pause = self._work_off(worker, pause)
            self._arrivals.wait(pause)

    def _work_off(self, worker: str, pause: float) -> float:
        """Everything that is due; how many seconds to rest then."""
        try:
            while not self._stopping.is_set() and self._work(worker, self._clock()):
                pass
        except ServiceUnavailable as problem:
            pause = min(2 * pause, _LONGEST_BACK_OFF)
            fields = {"queue": self._name, "detail": problem.detail, "pause": pause}
            _log.warning("queue.unavailable", extra={"fields": fields})
            return pause
        except Exception:  # noqa: BLE001  # the last resort of this thread, which must not end
            _log.exception("queue.failed", extra={"fields": {"queue": self._name}})
            return min(2 * pause, _LONGEST_BACK_OFF)
        return _POLL_SECONDS
