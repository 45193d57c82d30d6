"""Histograms: hashing, database, pages. Few buckets each, because every one is a series of every label's value."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from idp.domain.measures import told_method
from idp.metrics.labels import NONE


class Times:
    """Takes times in seconds; shared by all threads of a process. Is a ``domain.measures.TimesHashing``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def histogram(name: str, tells: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(name, tells, labels, registry=registry, buckets=buckets)

        self._hash = histogram("idp_password_hash_seconds", "One bcrypt hash", (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 5))
        self._hash_wait = histogram(
            "idp_password_hash_wait_seconds",
            "Waiting for the turn to hash, in line and in a thread",
            (0.01, 0.1, 0.5, 1, 2, 5, 10, 20),
        )
        self._turned_away = Counter(
            "idp_password_hashes_turned_away", "Told to come again: too many wait to hash", registry=registry
        )
        database = histogram(
            "idp_database_seconds",
            "Operations of the database for which a request waited",
            (0.002, 0.01, 0.05, 0.25, 1, 5),
            "outcome",
        )
        http = histogram(
            "idp_http_request_seconds",
            "Answers, by endpoint of the application",
            (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            "endpoint",
            "method",
            "status",
        )
        # Looking a series up costs more than counting in it, and there are few.
        self._answered = cache(http.labels)
        self._done, self._failed = database.labels("ok"), database.labels("failed")

    def hashed(self, waited: float, seconds: float) -> None:
        self._hash_wait.observe(waited)
        self._hash.observe(seconds)

    def turned_away(self) -> None:
        self._turned_away.inc()

    def waited(self, seconds: float, *, ok: bool) -> None:
        """A request waited for one operation of the database, which was done, or failed."""
        (self._done if ok else self._failed).observe(seconds)

    def answered(self, endpoint: str | None, method: str, status: int, seconds: float) -> None:
        """One answer. endpoint: the application's name of the page, None where there is no such page."""
        self._answered(endpoint or NONE, told_method(method), f"{status // 100}xx").observe(seconds)
