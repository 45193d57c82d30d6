"""``/healthz`` (the process lives), ``/readyz`` (people can sign in) and ``/metrics`` (Prometheus)."""

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from idp.domain.errors import ServiceUnavailable
from idp.flows.health import Health


def blueprint(health: Health) -> Blueprint:
    views = Blueprint("health", __name__)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_State(health))

    @views.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return jsonify(status="ok")

    @views.get("/readyz")
    def readyz() -> ResponseReturnValue:
        readiness = health.readiness()
        response = jsonify(ready=readiness.ready, problems=readiness.problems)
        if not readiness.ready:
            response.status_code = 503
            response.headers["Retry-After"] = "5"
        return response

    @views.get("/metrics")
    def metrics() -> ResponseReturnValue:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return views


class _State(Collector):
    """Gauges read at the moment of asking, so that every worker gives the same answer."""

    def __init__(self, health: Health) -> None:
        self._health = health

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
        for status in self._health.files():
            download.add_metric([status.file], 1 if status.download_problem else 0)
            providers.add_metric([status.file], status.providers)
            problem.add_metric([status.file], 1 if status.problem else 0)
            if status.valid_until is not None:
                expiry.add_metric([status.file], (status.valid_until - self._health.clock()).total_seconds())
            elif status.problem and status.loaded_at is None:
                # An alert on few seconds left must not fall silent when they are over.
                expiry.add_metric([status.file], 0)
        return [providers, expiry, problem, download]

    def _database(self) -> list[GaugeMetricFamily]:
        up = GaugeMetricFamily("idp_database_up", "1 when the database answers")
        waiting = GaugeMetricFamily("idp_mail_waiting", "Messages not delivered yet")
        untold = GaugeMetricFamily("idp_logout_notices_waiting", "Applications not told yet that a sign-in ended")
        try:
            waiting.add_metric([], self._health.waiting_mails())
            untold.add_metric([], self._health.waiting_logout_notices())
            up.add_metric([], 1)
        except ServiceUnavailable:
            up.add_metric([], 0)
        return [up, waiting, untold]
