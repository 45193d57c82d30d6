"""``/healthz`` (the process lives) and ``/readyz`` (people can sign in)."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from idp.flows.health import Health


def blueprint(health: Health) -> Blueprint:
    views = Blueprint("health", __name__)

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

    return views
