"""What makes the threads of a queue look at it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from idp.queue_worker import QueueWorker
from tests.waiting import PATIENCE_SECONDS

RARELY = 600.0


class Queue:
    """Counts looks; ``due``: how many things there are to do."""

    def __init__(self, due: int = 0) -> None:
        self.due = due
        self.looks = 0
        self.done = threading.Semaphore(0)
        self.looked = threading.Semaphore(0)
        self._lock = threading.Lock()

    def work(self, _worker: str, _now: datetime) -> bool:
        with self._lock:
            self.looks += 1
            is_something = self.due > 0
            self.due -= is_something
        (self.done if is_something else self.looked).release()
        return is_something


def running(work: Callable[[str, datetime], bool], arrivals: threading.Semaphore, threads: int) -> QueueWorker:
    worker = QueueWorker("some queue", work, arrivals, lambda: datetime.now(UTC), threads=threads, look_every=RARELY)
    worker.start()
    return worker


def test_the_first_look_is_at_once_and_ends_when_nothing_is_left() -> None:
    queue, arrivals = Queue(due=3), threading.Semaphore(0)
    worker = running(queue.work, arrivals, 1)
    assert queue.looked.acquire(timeout=PATIENCE_SECONDS)
    worker.stop()
    assert (queue.due, queue.looks) == (0, 4)


def test_each_thing_that_arrives_wakes_one_thread_for_one_look() -> None:
    queue, arrivals = Queue(), threading.Semaphore(0)
    worker = running(queue.work, arrivals, 4)
    assert queue.looked.acquire(timeout=PATIENCE_SECONDS)
    queue.due = 2
    arrivals.release(2)
    assert all(queue.done.acquire(timeout=PATIENCE_SECONDS) for _ in range(2))
    worker.stop()
    assert queue.looks == 3


def test_the_others_go_on_while_one_is_kept_waiting() -> None:
    queue, arrivals, held = Queue(), threading.Semaphore(0), threading.Event()

    def work(worker: str, now: datetime) -> bool:
        is_something = queue.work(worker, now)
        if is_something and queue.due:
            held.wait(PATIENCE_SECONDS)
        return is_something

    worker = running(work, arrivals, 2)
    assert queue.looked.acquire(timeout=PATIENCE_SECONDS)
    queue.due = 2
    arrivals.release(2)
    assert all(queue.done.acquire(timeout=PATIENCE_SECONDS) for _ in range(2))
    held.set()
    worker.stop()
