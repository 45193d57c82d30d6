"""Requests as spans, with what they spent on database and hashing; nothing of a person in any of them."""

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from idp import app as application
from idp.app import services as services_module
from idp.domain.accounts import Account
from idp.domain.errors import ServiceUnavailable
from idp.domain.measures import EveryTimes
from idp.domain.passwords import HashingBounds, Places
from idp.metrics.exposition import Metrics
from idp.tracing import start
from idp.tracing.spans import Spans
from tests.metrics.reading import Reading
from tests.web.proofing_world import CAMILLE, PASSWORD, World
from tests.web.visitor import HOST


@pytest.fixture
def told() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(told: InMemorySpanExporter) -> Spans:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(told))
    return Spans(provider.get_tracer("test"))


def named(spans: Sequence[ReadableSpan], name: str) -> ReadableSpan:
    (found,) = (span for span in spans if span.name == name)
    return found


def test_a_request_is_a_trace_with_what_it_asked_of_the_database(
    world: World, spans: Spans, told: InMemorySpanExporter
) -> None:
    built = services_module.build(world.services.settings, clock=world.clock, traces=spans)
    answer = application.create_app(built).test_client().get("/sign-in/a-handle/methods?next=secret", headers=HOST)
    built.database.close()
    assert answer.status_code == 400
    finished = told.get_finished_spans()
    request, command = named(finished, "GET sign_in.methods"), finished[0]
    assert command.name.startswith("mongodb ")
    assert command.parent
    assert request.context
    assert command.parent.span_id == request.context.span_id
    assert request.parent is None
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 400
    reference = answer.text.partition('data-reference="')[2].partition('"')[0]
    assert request.attributes["idp.reference"] == reference
    assert not any("handle" in str(span.to_json()) or "secret" in str(span.to_json()) for span in finished)


def test_a_hash_stands_in_the_request_that_waited_for_it(
    world: World, spans: Spans, told: InMemorySpanExporter
) -> None:
    built = services_module.build(world.services.settings, clock=world.clock, traces=spans)
    built.stores.accounts.create(
        Account("camille", "s", world.clock(), (), (CAMILLE,), password_hash=built.hasher.hash(PASSWORD))
    )
    with spans.request():
        assert built.hasher.verify(PASSWORD, "$2b$04$" + "." * 53) is False
    built.database.close()
    finished = told.get_finished_spans()
    hashed, request = named(finished, "password hash"), named(finished, "request")
    assert hashed.parent
    assert request.context
    assert hashed.parent.span_id == request.context.span_id
    assert PASSWORD not in str(hashed.to_json())


def test_a_hash_that_finds_no_place_is_told_in_its_request_and_in_the_metrics(
    spans: Spans, told: InMemorySpanExporter
) -> None:
    metrics = Metrics()
    places = Places(HashingBounds(1, 1), EveryTimes(metrics.times, spans))

    def one_more() -> None:
        with spans.request(), pytest.raises(ServiceUnavailable):
            places.run(lambda: "twice")

    places.run(one_more)
    (event,) = named(told.get_finished_spans(), "request").events
    assert event.name == "password hash turned away"
    assert Reading(metrics.text().decode()).value("idp_password_hashes_turned_away_total") == 1


def test_what_no_request_waits_for_is_no_span(spans: Spans, told: InMemorySpanExporter) -> None:
    spans.commanded("find", 0.01, ok=True)
    spans.hashed(0.0, 0.2)
    assert told.get_finished_spans() == ()


@pytest.mark.parametrize(
    ("environ", "is_wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_the_environment_decides(environ: dict[str, str], is_wanted: bool) -> None:
    assert start.is_wanted(environ) is is_wanted
