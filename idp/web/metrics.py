"""``/metrics`` for Prometheus, and every answer with the time that it took, for the figures and for the log."""

import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from typing import Protocol

from flask import Blueprint, Flask, Response, g, request
from flask.typing import ResponseReturnValue

from idp.domain.measures import told_method

logger = logging.getLogger(__name__)

# Asked every few seconds by machines.
_UNTOLD = ("health", "metrics")


class TimesAnswers(Protocol):
    """Told of each answer: the page's name in the application (None: no such page), and the seconds it took."""

    def __call__(self, endpoint: str | None, method: str, status: int, seconds: float) -> None: ...


def blueprint(text: Callable[[], bytes], content_type: str, token: str) -> Blueprint:
    """``/metrics``. text: what it answers. token: what the reader shows (RFC 6750 section 2.1); empty: nothing."""
    views = Blueprint("metrics", __name__)

    @views.get("/metrics")
    def metrics() -> ResponseReturnValue:
        if not may_read(request.headers.get("Authorization"), token):
            # Not a refusal like others: strangers' tries are nothing for the security log.
            return Response("a bearer token is needed\n", 401, {"WWW-Authenticate": 'Bearer realm="metrics"'})
        return Response(text(), content_type=content_type)

    return views


def may_read(authorization: str | None, token: str) -> bool:
    """Whether this Authorization header shows the token; the time that it takes tells nothing about it."""
    scheme, _, shown = (authorization or "").partition(" ")
    is_equal = hmac.compare_digest(_digest(shown.strip()), _digest(token))
    return not token or (is_equal and scheme.lower() == "bearer")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def time_answers(app: Flask, timed: TimesAnswers) -> None:
    """Time every request from here on; to be registered before any other hook."""

    @app.before_request
    def begin() -> None:
        g.began_at = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        if "began_at" in g:
            seconds = time.perf_counter() - g.pop("began_at")
            timed(request.endpoint, request.method, response.status_code, seconds)
            _log_answer(response.status_code, seconds)
        return response


def _log_answer(status: int, seconds: float) -> None:
    """One line an answer. The route stands for the address, which may hold a link or a handle."""
    if request.blueprint in _UNTOLD or request.endpoint == "static":
        return
    route = request.url_rule.rule if request.url_rule else ""
    fields = {"method": told_method(request.method), "route": route, "status": status, "ms": round(1000 * seconds, 1)}
    logger.info("request.answered", extra={"fields": fields})
