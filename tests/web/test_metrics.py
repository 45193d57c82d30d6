"""``/metrics``: what a journey leaves there, nobody's name in it, and who may read it."""

import re
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from idp import app as application
from idp import settings
from idp.domain.errors import ConfigurationError
from idp.domain.passwords import HashingBounds
from idp.storage.database import Database
from tests.metrics.reading import Reading
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World
from tests.web.visitor import HOST

TOKEN = "prometheus-reads-with-this"
TURNED_AWAY = "idp_password_hashes_turned_away_total"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def read(world: World) -> Reading:
    answer = world.app.test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return Reading(answer.text)


def journey(world: World) -> Traveller:
    """The first time, a wrong and a right password, a refused answer, a sign-in that was there, an unknown page."""
    person = world.browser().start().prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account", person.text
    later = world.browser().start()
    later.press("Se connecter", password="pas la bonne phrase")
    later.press("Se connecter", password=PASSWORD)
    assert later.step == "account", later.text
    request = {"client_id": "exams", "redirect_uri": "https://exams.example/cb", "response_type": "code", "state": "s"}
    challenge = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
    later.get("/authorize", scope="openid email", **request, **challenge)
    exchange = {"grant_type": "authorization_code", "code": later.answer["code"], "code_verifier": VERIFIER}
    exchange["redirect_uri"] = request["redirect_uri"]
    client = world.app.test_client()
    answer = client.post("/token", data=exchange, auth=("exams", "a-secret-of-the-exams"), headers=HOST)
    assert answer.status_code == 200, answer.text
    world.browser().get("/authorize", scope="openid", prompt="none", **request, **challenge)
    other = world.browser().start()
    other.come_back(other.leave(EXEMPLE), world.draft().changed(audience="https://other.example/metadata"))
    other.get(f"/people/{CAMILLE}")
    client.post("/token", data={"grant_type": CAMILLE}, auth=("exams", "wrong"), headers=HOST)
    return later


def test_a_journey_counts_and_leaves_no_trace_of_the_person(world: World) -> None:
    before = read(world)
    person = journey(world)
    after = read(world)

    def more(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    assert more("idp_sign_ins_total", method="university", outcome="ok") == 1
    assert more("idp_sign_ins_total", method="password", outcome="password.wrong") == 1
    assert more("idp_sign_ins_total", method="password", outcome="ok") == 1
    assert more("idp_sign_ins_total", method="session", outcome="ok") == 1
    assert more("idp_sign_ins_total", method="session", outcome="login_required") == 1
    assert more("idp_sign_ins_total", method="university", outcome="saml.audience") == 1
    assert more("idp_proofings_total", university=EXEMPLE, outcome="started") == 2
    for outcome in ("vouched", "confirmed", "completed", "saml.audience"):
        assert more("idp_proofings_total", university=EXEMPLE, outcome=outcome) == 1
    for kind in ("access_token", "id_token"):
        assert more("idp_tokens_issued_total", grant="authorization_code", kind=kind) == 1
    assert more("idp_tokens_issued_total", grant="authorization_code", kind="refresh_token") == 0
    assert more("idp_token_errors_total", grant="other", error="invalid_client") == 1
    assert more("idp_password_hash_seconds_count") == 3
    assert more("idp_http_request_seconds_count", endpoint="none", method="GET", status="4xx") == 1
    assert more("idp_http_request_seconds_count", endpoint="tokens.token", method="POST", status="4xx") == 1

    account = world.services.stores.accounts.by_address(CAMILLE)
    assert account
    secrets = [CAMILLE, "camille", "durand", "etu.univ", account.id, account.subject, PASSWORD]
    secrets += [cookie.value for cookie in person.cookies.values()]
    secrets += [event["reference"] for event in world.events("sign_in.succeeded")]
    assert [secret for secret in secrets if secret and secret.lower() in after.text.lower()] == []
    assert not re.search(r"[\w.+-]+@[\w-]+\.\w+|/sign-in/|/people/", after.text)


def test_who_is_told_to_come_again_because_too_many_hash_is_counted(world: World) -> None:
    world.account("ines", CAMILLE, password=PASSWORD)
    person, places, web = world.browser().start(), world.services.hasher._places, world.services.settings.web
    with ExitStack() as taken:
        for _ in range(HashingBounds.of_worker(workers=web.workers, threads=web.threads).strangers):
            taken.enter_context(places._place(is_known=False))
        before = read(world)
        person.press("Se connecter", password=PASSWORD)
        after = read(world)
    assert person.last.status_code == 503
    assert after.value(TURNED_AWAY) == before.value(TURNED_AWAY) + 1
    person.start().press("Se connecter", password=PASSWORD)
    assert person.step == "account", person.text
    assert read(world).value(TURNED_AWAY) == after.value(TURNED_AWAY)


def test_the_queue_s_oldest_mail_is_told(world: World) -> None:
    assert read(world).value("idp_mail_oldest_waiting_seconds") == 0
    world.browser().start().prove()
    world.clock.ahead += world.mails(CAMILLE)[0]["expires_at"] - world.mails(CAMILLE)[0]["created_at"]
    world.clock.ahead /= 2
    found = read(world)
    assert found.value("idp_mail_waiting") == 1
    assert found.value("idp_mail_oldest_waiting_seconds") > 60
    assert found.value("idp_ready") == 1
    assert found.value("idp_federation_seconds_to_expiry", file="fer.xml") > 86_400


def client_with(database: Database, mongodb_uri: str, folder: Path, **variables: str) -> FlaskClient:
    environment = {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_VAR_DIR": str(folder / "var"),
        "IDP_KEYS_DIR": str(folder / "keys"),
        "IDP_PASSWORDS_BCRYPT_COST": "4",
    }
    built = application.build(settings.load(environment | variables), database=database)
    return application.create_app(built).test_client()


def test_only_who_shows_the_token_reads(database: Database, mongodb_uri: str, university_folder: Path) -> None:
    client = client_with(database, mongodb_uri, university_folder, IDP_METRICS_TOKEN=TOKEN)
    wrong = ("", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer é")
    for shown in (None, *wrong):
        answer = client.get("/metrics", headers={"Authorization": shown} if shown is not None else {})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
        assert "idp_" not in answer.text
    assert client.get("/metrics", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200
    # Who is refused leaves nothing in the security log, which strangers could fill.
    assert database.collection("audit").count_documents({}) == 0
    assert client.get("/healthz").status_code == 200


def test_metrics_can_be_turned_off(database: Database, mongodb_uri: str, university_folder: Path) -> None:
    client = client_with(database, mongodb_uri, university_folder, IDP_METRICS_ENABLED="false")
    assert client.get("/metrics", headers=HOST).status_code == 404
    assert client.get("/readyz").status_code in (200, 503)


@pytest.mark.parametrize("token", ["short", "with a space in its middle", "é" * 20])
def test_a_token_that_no_header_can_carry_stops_the_start(token: str) -> None:
    with pytest.raises(ConfigurationError, match="IDP_METRICS_TOKEN"):
        settings.load({"IDP_METRICS_TOKEN": token})


def test_the_last_backup_is_told(world: World) -> None:
    assert "idp_last_backup_timestamp_seconds" not in read(world).names
    for days in (2, 1):
        at = world.clock() - timedelta(days=days)
        world.services.stores.audit.append("backup.made", at=at, reference="R")
    assert read(world).value("idp_last_backup_timestamp_seconds") == pytest.approx(at.timestamp(), abs=0.002)
