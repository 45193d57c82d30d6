"""What ``/readyz`` and ``/metrics`` say of the federation's files is true, whatever happens to them."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from idp.flows.health import Health
from idp.metrics.exposition import CONTENT_TYPE, Metrics
from idp.metrics.state import State
from idp.outbound.safe_fetch import download
from idp.saml.federation import FederationFolder
from idp.storage.database import Database
from idp.storage.logout_notices import LogoutNotices
from idp.storage.migrations.ledger import Ledger
from idp.storage.outbox import Outbox
from idp.web import health, metrics
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.aggregates import TRUSTED, Clock, rewrite

KEY = university.new_key("federation")
DAY = 86_400


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path, clock: Clock) -> FederationFolder:
    entity = university.entity_descriptor(aggregates.LIMOGES, (KEY,), scopes=("unilim.fr",))
    good = aggregates.signed(aggregates.aggregate([entity]), KEY)
    keys = {"old.pem": KEY.certificate, "new.pem": KEY.certificate}
    aggregates.write_folder(tmp_path, {"fer.xml": good}, TRUSTED, keys)
    return FederationFolder(tmp_path, clock, state=tmp_path / "state")


def health_of(database: Database, folder: FederationFolder, clock: Clock, *clients_problems: str) -> Health:
    """Of an installation whose accounts are all in use, and that nobody backed up."""
    outbox, notices = Outbox(database), LogoutNotices(database)
    return Health(database, folder, outbox, notices, lambda: clients_problems, clock, dict, lambda: None)


@pytest.fixture
def client(folder: FederationFolder, clock: Clock, database: Database) -> FlaskClient:
    database.create_indexes(())
    app = Flask(__name__)
    flow = health_of(database, folder, clock)
    app.register_blueprint(health.blueprint(flow))
    app.register_blueprint(metrics.blueprint(partial(Metrics().text, State(flow)), CONTENT_TYPE, ""))
    return app.test_client()


def problems(client: FlaskClient) -> list[str]:
    answer = client.get("/readyz")
    # A bad file keeps nobody away.
    assert answer.status_code == 200
    found: list[str] = answer.get_json()["problems"]
    return found


def gauge(client: FlaskClient, name: str) -> float | None:
    wanted = f'idp_federation_{name}{{file="fer.xml"}} '
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    return next((float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted)), None)


def test_before_the_first_look_it_is_not_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["problems"]) == (503, ["federation: still loading"])


def test_before_the_indexes_are_made_it_is_not_ready(folder: FederationFolder, clock: Clock, mongodb_uri: str) -> None:
    folder.refresh()
    database = Database(mongodb_uri, "not_indexed")
    flow = health_of(database, folder, clock)
    assert not flow.readiness().ready
    assert "database: indexes are still being made" in flow.readiness().problems
    database.create_indexes(())
    assert flow.readiness().ready


def test_a_good_file_is_told_with_the_seconds_it_has_left(
    client: FlaskClient, folder: FederationFolder, clock: Clock
) -> None:
    folder.refresh()
    clock.now += timedelta(days=1)
    assert problems(client) == []
    assert (gauge(client, "providers"), gauge(client, "file_problem")) == (1, 0)
    assert (gauge(client, "seconds_to_expiry"), gauge(client, "download_problem")) == (8 * DAY, 0)


def test_the_last_good_copy_is_told_beside_the_broken_file(
    client: FlaskClient, folder: FederationFolder, clock: Clock, tmp_path: Path
) -> None:
    folder.refresh()
    rewrite(tmp_path / "fer.xml", b"<other/>")
    folder.refresh()
    clock.now += timedelta(days=2)
    [problem] = problems(client)
    assert "fer.xml: is no SAML metadata" in problem
    assert (gauge(client, "providers"), gauge(client, "file_problem")) == (1, 1)
    assert gauge(client, "seconds_to_expiry") == 7 * DAY


def test_an_expired_file_is_told_and_counts_nobody(client: FlaskClient, folder: FederationFolder, clock: Clock) -> None:
    folder.refresh()
    clock.now += timedelta(days=10)
    folder.refresh()
    [problem] = problems(client)
    assert "expired" in problem
    assert (gauge(client, "providers"), gauge(client, "file_problem")) == (0, 1)
    assert gauge(client, "seconds_to_expiry") == 0


def test_a_fetch_that_fails_is_told_apart_from_the_file_that_is_in_use(
    client: FlaskClient, folder: FederationFolder, tmp_path: Path
) -> None:
    # Nobody listens on the port of "discard".
    rewrite(tmp_path / "overrides.toml", f'{TRUSTED}url = "http://127.0.0.1:9/all.xml"\n'.encode())
    folder.refresh()
    folder.downloads(partial(download, allow_loopback=True)).fetch_due()
    folder.refresh()
    assert problems(client) == ["federation: fer.xml: not downloaded: nobody answers there"]
    assert (gauge(client, "file_problem"), gauge(client, "download_problem")) == (0, 1)
    assert gauge(client, "seconds_to_expiry") == 9 * DAY


def test_a_state_that_cannot_be_written_is_told_and_the_provider_keeps_serving(
    client: FlaskClient, folder: FederationFolder, tmp_path: Path
) -> None:
    folder.refresh()
    (state,) = (tmp_path / "state").iterdir()
    # What a directory without the right to write does, also to root: the lock cannot be opened.
    (state / "lock").unlink()
    (state / "lock").mkdir()
    rewrite(tmp_path / "fer.xml", b"<html/>")
    folder.refresh()
    assert any("federation state" in problem for problem in problems(client))
    assert folder.current.provider(aggregates.LIMOGES) is not None


def test_migrations_that_are_due_are_told_and_keep_nobody_away(
    client: FlaskClient, folder: FederationFolder, database: Database
) -> None:
    folder.refresh()
    database.collection("accounts").insert_one({"_id": "of-an-older-release"})
    assert any("run `idp migrate`" in problem for problem in problems(client))


def test_what_only_a_newer_release_can_read_or_is_half_restored_serves_nobody(
    client: FlaskClient, folder: FederationFolder, database: Database, clock: Clock
) -> None:
    folder.refresh()
    ledger = Ledger(database)
    ledger.begin_restore("one", now=clock())
    assert client.get("/readyz").status_code == 503
    ledger.end_restore("one")
    assert client.get("/readyz").status_code == 200
    ledger.begin(999, 999, now=clock())
    assert client.get("/readyz").status_code == 503


def test_a_fault_in_the_clients_file_is_told_and_keeps_nobody_away(
    folder: FederationFolder, clock: Clock, database: Database
) -> None:
    folder.refresh()
    database.create_indexes(())
    flow = health_of(database, folder, clock, "clients.toml: x")
    readiness = flow.readiness()
    assert readiness.ready
    assert "clients: clients.toml: x" in readiness.problems
