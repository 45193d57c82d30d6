"""Gauges read at the moment of asking, so that every worker gives the same answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from idp.domain.errors import ServiceUnavailable
from idp.domain.federation import MetadataFileStatus


class Readiness(Protocol):
    @property
    def ready(self) -> bool: ...


class Watched(Protocol):
    """What there is to see of the provider; all but ``files`` raise ServiceUnavailable."""

    @property
    def clock(self) -> Callable[[], datetime]: ...
    def readiness(self) -> Readiness: ...
    def files(self) -> tuple[MetadataFileStatus, ...]: ...
    def waiting_mails(self) -> int: ...
    def oldest_waiting_mail(self) -> datetime | None: ...
    def waiting_logout_notices(self) -> int: ...
    def inactive_accounts(self) -> Mapping[str, int]: ...
    def last_backup(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class State(Collector):
    watched: Watched

    def collect(self) -> list[GaugeMetricFamily]:
        return [*self._federation(), *self._database()]

    def _federation(self) -> list[GaugeMetricFamily]:
        providers = GaugeMetricFamily(
            "idp_federation_providers", "Identity providers in use, by metadata file", labels=["file"]
        )
        expiry = GaugeMetricFamily(
            "idp_federation_seconds_to_expiry",
            "Seconds until the metadata in use expires; 0 where none is in use (any more)",
            labels=["file"],
        )
        problem = GaugeMetricFamily(
            "idp_federation_file_problem", "1 when the file on disk is not the one in use", labels=["file"]
        )
        download = GaugeMetricFamily(
            "idp_federation_download_problem", "1 when the file's url was not fetched the last time", labels=["file"]
        )
        for status in self.watched.files():
            download.add_metric([status.file], 1 if status.download_problem else 0)
            providers.add_metric([status.file], status.providers)
            problem.add_metric([status.file], 1 if status.problem else 0)
            if status.valid_until is not None:
                expiry.add_metric([status.file], (status.valid_until - self.watched.clock()).total_seconds())
            elif status.problem and status.loaded_at is None:
                # An alert on few seconds left must not fall silent when they are over.
                expiry.add_metric([status.file], 0)
        return [providers, expiry, problem, download]

    def _database(self) -> list[GaugeMetricFamily]:
        up = GaugeMetricFamily("idp_database_up", "1 when the database answers")
        ready = GaugeMetricFamily("idp_ready", "1 when people can sign in, as /readyz says")
        waiting = GaugeMetricFamily("idp_mail_waiting", "Messages not delivered yet")
        oldest = GaugeMetricFamily("idp_mail_oldest_waiting_seconds", "Age of the message that waits longest, or 0")
        untold = GaugeMetricFamily("idp_logout_notices_waiting", "Applications not told yet that a sign-in ended")
        inactive = GaugeMetricFamily(
            "idp_inactive_accounts",
            "Accounts that nobody used: due to be told, told, or untold as no mail left",
            labels=["state"],
        )
        backup = GaugeMetricFamily(
            "idp_last_backup_timestamp_seconds", "When `idp backup` last made a backup, in seconds since 1970"
        )
        try:
            waiting.add_metric([], self.watched.waiting_mails())
            oldest.add_metric([], self._age(self.watched.oldest_waiting_mail()))
            untold.add_metric([], self.watched.waiting_logout_notices())
            for state, accounts in self.watched.inactive_accounts().items():
                inactive.add_metric([state], accounts)
            if made_at := self.watched.last_backup():
                backup.add_metric([], made_at.timestamp())
            ready.add_metric([], self.watched.readiness().ready)
            up.add_metric([], 1)
        except ServiceUnavailable:
            up.add_metric([], 0)
            if not ready.samples:
                ready.add_metric([], 0)
        return [up, ready, waiting, oldest, untold, inactive, backup]

    def _age(self, since: datetime | None) -> float:
        return max(0.0, (self.watched.clock() - since).total_seconds()) if since else 0.0
