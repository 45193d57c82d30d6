"""Headers, floods and outages (O-10, O-47 to O-50), on the running system."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.walker import Walker
from tests.metrics.reading import Reading


def every_page(system: System) -> list[requests.Response]:
    walker = Walker()
    first = steps.start(walker, system)
    second = first.submit("Se connecter", email="quelqu.un@courriel.example")
    third = second.submit("Continuer")
    return [
        first.response,
        second.response,
        third.response,
        requests.get(f"{system.provider}/nothing", timeout=10),
        requests.get(f"{system.provider}/authorize", timeout=10),
        requests.get(f"{system.provider}/signed-out", timeout=10),
    ]


def test_o_49_every_page_carries_the_protecting_headers(system: System) -> None:
    for response in every_page(system):
        policy = response.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert " style=" not in response.text
        assert "<script>" not in response.text
        assert response.headers["Cache-Control"] == "no-store"


def test_o_49_forms_are_answered_with_303(system: System) -> None:
    walker = Walker()
    page = steps.start(walker, system)
    form = page.form("Se connecter", "email")
    answer = walker.session.post(
        form.action, form.fields | {"email": "a@univ-exemple.fr"}, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 303
    sign_in = walker.get(f"{system.provider}{answer.headers['Location']}").form("Se connecter", "password")
    wrong = walker.session.post(sign_in.action, sign_in.fields | {"password": "x"}, allow_redirects=False, timeout=10)
    assert wrong.status_code == 422


def test_o_49_a_password_that_is_right_is_answered_with_303(system: System) -> None:
    """307 and 308 would have the browser post the password on to the application (RFC 9700, section 4.12)."""
    steps.enrol(Walker(), system, "camille.exemple@etu.univ-exemple.fr")
    walker = Walker()
    form = steps.give_address(walker, system, "camille.exemple@etu.univ-exemple.fr").form("Se connecter", "password")
    page = walker.submit(form, password=steps.PASSWORD)
    assert page.step == "portal-signed-in"
    assert page.response.history[0].request.method == "POST"
    assert page.response.history[0].status_code == 303


def test_o_48_a_body_of_50_megabytes_is_refused_without_being_read(system: System) -> None:
    """The sender is told as soon as the headers are there; it need not send the rest."""
    target = urlsplit(system.provider)
    with socket.create_connection((target.hostname or "", target.port or 0), timeout=10) as connection:
        connection.sendall(
            b"POST /token HTTP/1.1\r\nHost: " + target.netloc.encode() + b"\r\nContent-Length: 50000000\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        assert b" 413 " in connection.recv(200)


def test_o_10_the_search_page_shows_text_never_markup(system: System) -> None:
    walker = Walker()
    page = steps.give_address(walker, system, "quelqu.un@courriel.example").submit("Continuer")
    for query in ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\u202eevil", "x" * 5000):
        found = walker.get(page.url.split("?")[0], params={"q": query})
        assert found.status == 200
        assert "<script>alert" not in found.text
        assert "<img src=x" not in found.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_answer_by_any_host_name(system: System, path: str) -> None:
    assert requests.get(system.provider + path, headers={"Host": "10.0.0.1"}, timeout=10).status_code == 200


def test_metrics_tell_about_federation_mail_and_database(system: System) -> None:
    text = requests.get(f"{system.provider}/metrics", timeout=10).text
    assert 'idp_federation_providers{file="demo.xml"} 4.0' in text
    assert "idp_database_up 1.0" in text
    assert "idp_mail_waiting" in text
    assert "idp_federation_seconds_to_expiry" in text


def test_every_worker_tells_what_all_of_them_counted(system: System) -> None:
    def refused() -> float:
        # A connection of its own each time, so that any worker may answer.
        found = Reading(requests.get(f"{system.provider}/metrics", timeout=10).text)
        return found.value("idp_token_errors_total", grant="authorization_code", error="invalid_client")

    before = refused()
    with ThreadPoolExecutor(8) as pool:
        form = {"grant_type": "authorization_code", "client_id": "nobody"}
        list(pool.map(lambda _: requests.post(f"{system.provider}/token", data=form, timeout=10), range(24)))
    assert {refused() - before for _ in range(8)} == {24.0}
    workers = [path.name for path in system.folder.glob("**/metrics/*/counter_*.db")]
    assert len(workers) >= 2


def test_no_log_line_holds_a_secret(system: System) -> None:
    """At the level « debug », after a whole journey: no code, token, link, password, header or assertion."""
    walker, mail = Walker(), "mai.nguyen@etu.univ-exemple.fr"
    already = len(system.mails(mail))
    steps.enrol(walker, system, mail)
    steps.with_password(Walker(), system, mail)
    received = system.next_mail(mail, already)
    time.sleep(0.5)
    log = system.log()
    assert "proofing.completed" in log or "mail.accepted" in log
    secrets = [received.code, received.link.rpartition("/")[2], steps.PASSWORD, walker.session.cookies["idp_session"]]
    for secret in secrets:
        assert secret not in log
    for telltale in ("Basic ", "Bearer ", "<saml", "Assertion ID", "id_token=", "code="):
        assert telltale not in log
