"""Whether this process traces: decided by OpenTelemetry's own variables, read once when it starts."""

import logging
import os
from collections.abc import Mapping

from idp.domain.measures import Traces

logger = logging.getLogger(__name__)

_PLACES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NAME = "uness-idp"


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment says where traces go, and neither switches them off."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not is_off and any(environ.get(name) for name in _PLACES)


def started(release: str) -> Traces | None:
    """What this process tells its times to; None where nobody wants traces, or the packages are missing.

    In a worker after its fork: a thread of its own sends. release: of the provider.
    """
    if not is_wanted(os.environ):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        logger.warning("tracing.packages_missing", extra={"fields": {"detail": f"{error}; pip install .[tracing]"}})
        return None
    from idp.tracing.spans import Spans

    named = {"service.version": release} | ({} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": _NAME})
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    logger.info("tracing.started")
    return Spans(provider.get_tracer("idp", release))
