"""The dashboard and the alert rules name what the provider really tells, and so does the documentation."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from idp.domain.errors import ServiceUnavailable
from idp.domain.federation import MetadataFileStatus
from idp.metrics.exposition import Metrics
from idp.metrics.state import Readiness, State
from tests.deploy.test_files import DEPLOY, PROJECT
from tests.waiting import PATIENCE_SECONDS

FOLDER = DEPLOY / "monitoring"
OF_PROMETHEUS = {"le", "instance", "job"}


@dataclass(frozen=True)
class Nothing:
    """A provider that waits for its database and knows no university."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def files(self) -> tuple[MetadataFileStatus, ...]:
        return ()

    def waiting_mails(self) -> int:
        raise ServiceUnavailable("database")

    waiting_logout_notices = waiting_mails

    def inactive_accounts(self) -> Mapping[str, int]:
        raise ServiceUnavailable("database")

    def oldest_waiting_mail(self) -> datetime | None:
        raise ServiceUnavailable("database")

    last_backup = oldest_waiting_mail

    def readiness(self) -> Readiness:
        raise ServiceUnavailable("database")


def told() -> dict[str, str]:
    """The names of all metrics as /metrics has them, and their types."""
    text = Metrics().text(State(Nothing())).decode()
    return dict(re.findall(r"^# TYPE (idp_\w+) (\w+)$", text, re.MULTILINE))


def series() -> set[str]:
    """What a query may ask for."""
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    return {name + part for name, kind in told().items() for part in parts.get(kind, ("",))}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return found


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def test_every_metric_that_a_query_names_is_told() -> None:
    named = {name for query in queries() for name in re.findall(r"\bidp_\w+", query)}
    assert named <= series()
    # And no metric is there for nothing.
    assert [name for name in told() if not any(asked.startswith(name) for asked in named)] == []


def test_every_label_that_a_query_names_is_one_of_ours() -> None:
    source = "".join(path.read_text() for path in (PROJECT / "idp" / "metrics").glob("*.py"))
    for query in queries():
        grouped = re.findall(r"(?:by|on) \(([^)]*)\)", query)
        matched = re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", query)
        for label in {*matched, *(label.strip() for group in grouped for label in group.split(","))} - {""}:
            assert label in OF_PROMETHEUS or f'"{label}"' in source, query


def test_every_alert_says_what_is_wrong_and_how_urgent_it_is() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("warning", "critical")
    text = (PROJECT / "docs" / "observability.md").read_text()
    lost = [name for name in names if f"`{name}`" not in text]
    assert not lost, f"say in docs/observability.md what to do at these alerts: {lost}"


def test_panels_have_a_place_of_their_own() -> None:
    places = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels())
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_the_documentation_lists_every_metric_and_no_other() -> None:
    text = (PROJECT / "docs" / "observability.md").read_text()
    rows = set(re.findall(r"^\| `(idp_\w+)`", text, re.MULTILINE))
    lost, gone = sorted(set(told()) - rows), sorted(rows - set(told()))
    assert not lost + gone, f"docs/observability.md: add rows for {lost}, remove those for {gone}"


def test_the_example_of_prometheus_names_files_that_are_there() -> None:
    configuration = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    assert all((FOLDER / name).is_file() for name in configuration["rule_files"])


def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("missing: promtool (Debian: prometheus)")
    asked = [{"record": f"query{number}", "expr": query} for number, query in enumerate(queries())]
    from_panels = json.dumps({"groups": [{"name": "panels", "rules": asked}]}).replace("$__rate_interval", "5m")
    (tmp_path / "panels.json").write_text(from_panels)
    files = [FOLDER / "alerts.yaml", tmp_path / "panels.json"]
    run = subprocess.run(
        [promtool, "check", "rules", *files], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_process_that_counts_alone_tells_no_more_than_those_that_count_together() -> None:
    assert [name for name in told() if name.endswith("_created")] == []


def test_prometheus_asks_services_that_compose_starts() -> None:
    jobs = yaml.safe_load((FOLDER / "prometheus.yaml").read_text("utf-8"))["scrape_configs"]
    asked = {target.split(":")[0] for job in jobs for static in job["static_configs"] for target in static["targets"]}
    assert asked <= yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))["services"].keys()
