"""A span for each request, and in it one for each command of the database and each hash."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from idp.domain.references import known_reference

_SERVER_ERROR = 500


class Spans:
    """Takes the same times as the metrics do, in seconds, when what took them is over."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def request(self) -> Iterator[None]:
        """What is done in here is one request, named when it is answered.

        It begins a trace: whoever calls from outside says nothing about ours.
        """
        nobody = trace.set_span_in_context(trace.INVALID_SPAN)
        with self._tracer.start_as_current_span("request", context=nobody, kind=SpanKind.SERVER):
            yield

    def answered(self, endpoint: str | None, method: str, status: int, seconds: float) -> None:
        """The request is answered; endpoint: the application's name of the page, which stands for its address."""
        span = trace.get_current_span()
        span.update_name(f"{method} {endpoint or 'unknown'}")
        span.set_attributes({"http.request.method": method, "http.response.status_code": status})
        if reference := known_reference():
            span.set_attribute("idp.reference", reference)
        if status >= _SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))

    def commanded(self, command: str, seconds: float, *, ok: bool) -> None:
        """One command of the database; those that no request waits for are left out."""
        told = {"db.system.name": "mongodb", "db.operation.name": command}
        if span := self._over(f"mongodb {command}", seconds, told, SpanKind.CLIENT):
            if not ok:
                span.set_status(Status(StatusCode.ERROR))
            span.end()

    def hashed(self, waited: float, seconds: float) -> None:
        """One hash, and how long its turn was waited for."""
        if span := self._over("password hash", seconds, {"idp.waited_seconds": waited}, SpanKind.INTERNAL):
            span.end()

    def turned_away(self) -> None:
        """Too many wait to be hashed."""
        trace.get_current_span().add_event("password hash turned away")

    def _over(self, name: str, seconds: float, told: Mapping[str, str | float], kind: SpanKind) -> Span | None:
        """A span of what has just ended, to be ended itself; None outside of a request."""
        if not trace.get_current_span().is_recording():
            return None
        return self._tracer.start_span(name, start_time=time.time_ns() - int(seconds * 1e9), attributes=told, kind=kind)
