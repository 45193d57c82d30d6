"""``idp doctor`` as an administrator runs it, on an installation in order and on a broken one."""

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from idp import app
from idp.demo.ports import free_port
from idp.openid.keys import KeyStore
from idp.storage.database import Database
from tests.cli.in_process import idp as idp_here
from tests.cli.test_commands import idp
from tests.mail.certificate import self_signed, tls_context
from tests.mail.smtp_server import HOST, Mailbox, serving

PASSWORD = "le mot de passe du serveur"
Findings = dict[str, tuple[str, str, str]]


@contextmanager
def proxy(certificate: Path) -> Iterator[str]:
    """What stands before the provider and ends TLS; the issuer's address there."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            context = tls_context(certificate)
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                # Who does not trust us hangs up, in one way or another; others come after.
                with suppress(OSError), context.wrap_socket(client, server_side=True) as secure:
                    secure.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def known(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture
def environment(database: Database, mongodb_uri: str, tmp_path: Path) -> dict[str, str]:
    """An installation in order, but for its mail server and its proxy, which are not there."""
    database.create_indexes(app.INDEXES)
    (tmp_path / "federation").mkdir()
    KeyStore(tmp_path / "keys").every()
    certificate = self_signed(tmp_path, timedelta(days=90))
    return {
        "IDP_ISSUER": f"https://localhost:{free_port()}",
        "IDP_SECRET_KEY": "une clé secrète assez longue pour le test",
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database.name,
        "IDP_VAR_DIR": str(tmp_path),
        "IDP_KEYS_DIR": str(tmp_path / "keys"),
        "IDP_FEDERATION_DIR": str(tmp_path / "federation"),
        "IDP_SMTP_HOST": HOST,
        "IDP_SMTP_PORT": str(free_port()),
        "IDP_SMTP_USERNAME": "idp",
        "IDP_SMTP_PASSWORD": PASSWORD,
        "IDP_SMTP_TLS": "starttls",
        "IDP_SMTP_TIMEOUT": "5",
        # The one certificate that this process believes in.
        "SSL_CERT_FILE": str(certificate),
    }


@contextmanager
def in_order(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The same with its mail server, which wants TLS and a password, and with its proxy."""
    certificate = Path(environment["SSL_CERT_FILE"])
    wants = {"authenticator": known, "auth_required": True, "tls_context": tls_context(certificate)}
    with serving(Mailbox(), int(environment["IDP_SMTP_PORT"]), **wants), proxy(certificate) as issuer:
        yield environment | {"IDP_ISSUER": issuer}


def findings(run: "subprocess.CompletedProcess[str]") -> Findings:
    assert run.stdout, run.stderr
    return {found["about"]: (found["level"], found["text"], found["mend"]) for found in json.loads(run.stdout)}


def test_an_installation_in_order_ends_well(environment: dict[str, str]) -> None:
    with in_order(environment) as whole:
        found = findings(idp_here("doctor", "--json", **whole))
        run = idp("doctor", **whole)
    assert {"settings", "database", "indexes", "schema", "clock", "smtp", "tls", "keys", "disk"} <= found.keys()
    assert found["smtp"][0] == found["tls"][0] == found["clock"][0] == found["keys"][0] == "ok", found
    assert "certificate valid for 89 days" in found["tls"][1]
    if found["disk"][0] != "fault":
        assert run.returncode == 0, run.stdout
    assert all(mend for level, _, mend in found.values() if level != "ok")
    assert PASSWORD not in run.stdout + run.stderr


def test_a_password_that_the_mail_server_does_not_take_is_told_in_its_words(environment: dict[str, str]) -> None:
    with in_order(environment) as whole:
        run = idp_here("doctor", "--json", **(whole | {"IDP_SMTP_PASSWORD": "un autre"}))
    level, text, mend = findings(run)["smtp"]
    assert run.returncode == 1
    assert level == "fault"
    assert "535 " in text
    assert "[smtp]" in mend
    assert "un autre" not in run.stdout + run.stderr


def test_what_is_away_is_told_in_lines_with_what_to_mend(environment: dict[str, str]) -> None:
    run = idp_here("doctor", **environment)
    assert run.returncode == 1
    lines = [line for line in run.stdout.splitlines() if line.startswith("fault")]
    assert [line.partition(":")[0].split()[1] for line in lines if "disk" not in line] == ["smtp", "tls"], run.stdout
    assert all(" -> " in line for line in lines)
    assert "Traceback" not in run.stderr


def test_a_certificate_that_nobody_vouches_for_is_a_fault(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with in_order(environment) as whole:
        run = idp_here("doctor", "--json", **(whole | {"SSL_CERT_FILE": str(self_signed(tmp_path / "other"))}))
    found = findings(run)
    assert run.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in found["tls"][1]
    assert "CERTIFICATE_VERIFY_FAILED" in found["smtp"][1]


def test_a_certificate_that_ends_soon_is_a_warning(environment: dict[str, str], tmp_path: Path) -> None:
    self_signed(tmp_path, timedelta(days=5))
    with in_order(environment) as whole:
        found = findings(idp_here("doctor", "--json", **whole))
    assert found["tls"] == ("warning", "certificate valid for 4 days", "renew it")
