"""Threads that work a queue off, beside answering requests."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime

from idp.domain.errors import ServiceUnavailable

logger = logging.getLogger(__name__)

_LONGEST_BACK_OFF = 30.0


class QueueWorker:
    """Some threads that do what is due: at once what this process queued itself, everything else at the next look.

    Any number of processes may each have one. work: does one thing of the queue, under the name of the worker that it
    is given; False when nothing is due. arrivals: released once for each thing that this process queues, so that one
    thread wakes for it. clock: aware, in UTC. look_every: seconds between two looks of the threads together.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[str, datetime], bool],
        arrivals: threading.Semaphore,
        clock: Callable[[], datetime],
        *,
        threads: int = 1,
        look_every: float = 1.0,
    ) -> None:
        self._name = name
        self._work = work
        self._arrivals = arrivals
        self._clock = clock
        self._stopping = threading.Event()
        self._count = threads
        self._look_every = look_every
        self._threads: tuple[threading.Thread, ...] = ()

    def start(self) -> None:
        """Start the threads; after a fork, not before one."""
        self._stopping.clear()
        self._threads = tuple(
            threading.Thread(target=self._run, args=(number,), name=self._name, daemon=True)
            for number in range(self._count)
        )
        for thread in self._threads:
            thread.start()

    def begin_to_stop(self) -> None:
        """Begin nothing more; what is not in hand stays in the queue."""
        self._stopping.set()
        self._arrivals.release(self._count)

    def stop(self, timeout: float = 10.0) -> None:
        """Let what is in hand be finished, for at most ``timeout`` seconds in all."""
        ends = time.monotonic() + timeout
        self.begin_to_stop()
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))

    def _run(self, number: int) -> None:
        worker = secrets.token_hex(8)
        # The threads look in turn, and each may be kept waiting by what it does.
        pause, usual = number * self._look_every, self._count * self._look_every
        while True:
            has_arrived = self._arrivals.acquire(timeout=pause)
            if self._stopping.is_set():
                return
            if self._is_done(worker, everything=not has_arrived):
                pause = usual
            else:
                pause = min(2 * max(pause, usual), _LONGEST_BACK_OFF)

    def _is_done(self, worker: str, *, everything: bool) -> bool:
        """Do what is due, or one thing of it; False where that was not possible."""
        try:
            while self._work(worker, self._clock()) and everything and not self._stopping.is_set():
                pass
        except ServiceUnavailable as problem:
            logger.warning("queue.unavailable", extra={"fields": {"queue": self._name, "detail": problem.detail}})
            return False
        except Exception:  # the last resort of this thread, which must not end
            logger.exception("queue.failed", extra={"fields": {"queue": self._name}})
            return False
        return True
