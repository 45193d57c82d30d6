"""``/metrics`` for Prometheus, and every answer with the time that it took, for the figures and for the log."""

import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.routing import Rule

from idp.domain.measures import told_method
from idp.web.this_answer import this_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

# Asked every few seconds by machines, and what every page asks for.
_UNTOLD = ("health", "metrics", "static")


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


def with_times(application: "WSGIApplication", timed: TimesAnswers) -> "WSGIApplication":
    """The application, whose every answer is timed and told (PEP 3333); the request still belongs to the answer."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        began_at = time.perf_counter()

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Callable[[bytes], object]:
            _tell(
                this_request().url_rule,
                environ["REQUEST_METHOD"],
                int(status[:3]),
                time.perf_counter() - began_at,
                timed,
            )
            return start_response(status, headers, *failure)

        return application(environ, start)

    return answer


def _tell(rule: Rule | None, method: str, status: int, seconds: float, timed: TimesAnswers) -> None:
    """One line an answer. The route stands for the address, which may hold a link or a handle."""
    endpoint, route = (rule.endpoint, rule.rule) if rule else (None, "")
    timed(endpoint, method, status, seconds)
    if endpoint is None or endpoint.partition(".")[0] not in _UNTOLD:
        fields = {"method": told_method(method), "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        logger.info("request.answered", extra={"fields": fields})
