"""``idp federation``: what it tells of a signed folder, as lines and as JSON."""

import hashlib
import json
import secrets
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from idp import cli
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.routing import LearnedDomain
from idp.flows.refusals import RefusalLog
from idp.storage.database import Database
from idp.storage.learned_domains import LearnedDomains
from tests.audit_trail import audit_trail
from tests.cli.administration import NOWHERE, administration

NOW = datetime.now(UTC).replace(microsecond=0)
FIRST = "https://idp.univ-1.example/idp"
SECOND = "https://idp.univ-2.example/idp"
OVERRIDES = """
[files."test-aggregate.xml"]
signing_keys = ["test-aggregate.pem"]

[providers."https://idp.univ-2.example/idp"]
aliases = ["UE2"]
mail_domains = ["hopital.example"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A federation of three, made by the command itself."""
    made = tmp_path_factory.mktemp("federation-commands")
    result = _run(made, "test-aggregate", str(made / "federation"), "--providers", "3")
    assert result.exit_code == 0, result.output
    (made / "federation" / "overrides.toml").write_text(OVERRIDES)
    return made


def _run(folder: Path, *words: str, database: Database = NOWHERE, now: datetime = NOW) -> Result:
    made = administration(folder, now=now, database=database)
    return CliRunner().invoke(cli.main, ["federation", *words], obj=lambda: made)


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_test_aggregate_tells_how_to_trust_it_and_shows_progress(tmp_path: Path) -> None:
    result = _run(tmp_path, "test-aggregate", str(tmp_path / "made"), "--providers", "2")
    assert 'signing_keys = ["test-aggregate.pem"]' in result.stdout
    assert "Writing" in result.stderr
    written = _json(_run(tmp_path, "test-aggregate", str(tmp_path / "made"), "--providers", "2", "--json"))
    assert written["providers"] == 2
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["test-aggregate.pem", "test-aggregate.xml"]


@pytest.mark.parametrize("place", ["/proc/x", "{file}"])
def test_test_aggregate_says_in_one_line_where_it_cannot_write(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    result = _run(tmp_path, "test-aggregate", place.format(file=tmp_path / "file" / "x"), "--providers", "1")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert ": cannot be written: " in str(result.exception)


@pytest.mark.parametrize(
    ("words", "answer"),
    [(("list", "nulle part"), []), (("which", "x@nulle-part.example"), []), (("show", "https://nobody.example"), None)],
)
def test_nobody_found_is_exit_code_1_and_json_all_the_same(
    folder: Path, database: Database, words: tuple[str, ...], answer: object
) -> None:
    plain, as_json = (_run(folder, *words, *more, database=database) for more in ((), ("--json",)))
    assert (plain.exit_code, as_json.exit_code) == (1, 1)
    # The runner puts the last line, which goes to standard error, behind everything else.
    told = "no university found\n"
    assert plain.stdout == told
    assert json.loads(as_json.stdout.removesuffix(told)) == answer


def test_a_refused_file_without_a_copy_in_use_is_not_valid_without_end(tmp_path: Path) -> None:
    (tmp_path / "federation").mkdir()
    (tmp_path / "federation" / "bad.xml").write_text("<html/>")
    row = _run(tmp_path, "list").stdout.rstrip("\n").split("\t")
    assert row[:3] == ["bad.xml", "0 providers", "nothing of it in use"]
    assert row[3].startswith("bad.xml: no trust is set for it")


def test_a_refused_file_with_a_copy_in_use_tells_for_how_long_that_one_serves(folder: Path, tmp_path: Path) -> None:
    federation, now = tmp_path / "federation", datetime.now(UTC)
    shutil.copytree(folder / "federation", federation)
    written = _run(tmp_path, "test-aggregate", str(federation), "--providers", "3", now=now - timedelta(days=8))
    assert written.exit_code == 0
    assert _run(tmp_path, "list", now=now).stdout.split("\t")[2].startswith("valid for 2")
    (federation / "test-aggregate.xml").write_bytes(b"<html/>")
    left, problem = _run(tmp_path, "list", now=now).stdout.split("\t")[2:4]
    assert left.startswith("last good copy in use, valid for 23 h 5")
    assert "is a web page" in problem


def test_files_and_universities_are_listed(folder: Path) -> None:
    assert _run(folder, "list").stdout.split("\t")[:2] == ["test-aggregate.xml", "3 providers"]
    [status] = _json(_run(folder, "list", "--json"))
    assert (status["file"], status["providers"], status["problem"]) == ("test-aggregate.xml", 3, None)
    assert [found["entity_id"] for found in _json(_run(folder, "list", "UE2", "--json"))] == [SECOND]
    assert _run(folder, "list", "nulle part").exit_code == 1


def test_which_tells_the_university_and_why(folder: Path, database: Database) -> None:
    name = secrets.token_hex(4)
    hospital = f"chu-{name}.example"
    learned = LearnedDomains(database)
    for account in ("a", "b", "c"):
        learned.note(LearnedDomain(hospital, FIRST), account, now=NOW)
    for address, expected in (
        ("x@etu.univ-1.example", (FIRST, "scope", "univ-1.example")),
        ("x@hopital.example", (SECOND, "administrator", "hopital.example")),
        (f"x@{hospital}", (FIRST, "learned", hospital)),
    ):
        [route] = _json(_run(folder, "which", address, "--json", database=database))
        assert (route["entity_id"], route["by"], route["suffix"]) == expected
        assert f"{route['by']} {route['suffix']}" in _run(folder, "which", address, database=database).stdout
    assert _run(folder, "which", f"x@{name}.example", database=database).exit_code == 1
    assert "nobody: not a mail address" in _run(folder, "which", "nobody").output


def test_a_learned_domain_is_refused_for_good_and_the_security_log_tells_by_whom(
    folder: Path, database: Database
) -> None:
    hospital = f"chu-{secrets.token_hex(4)}.example"
    learned = LearnedDomains(database)
    asked = ("refuse-domain", hospital.upper(), FIRST, "--reason", "leads to a page that is not the hospital's")
    assert "not learned" in _run(folder, *asked, database=database).output
    for account in "abc":
        learned.note(LearnedDomain(hospital, FIRST), account, now=NOW)
    assert _run(folder, *asked, database=database).exit_code == 0
    for account in "abcdef":
        learned.note(LearnedDomain(hospital, FIRST), account, now=NOW)
    assert _run(folder, "which", f"x@{hospital}", database=database).exit_code == 1
    kept = database.collection("audit").find_one({"event": "federation.domain_refused", "fields.domain": hospital})
    assert kept is not None
    assert (kept["fields"]["entity_id"], kept["fields"]["reason"]) == (FIRST, asked[-1])


def test_which_answers_from_the_metadata_while_the_database_is_away(folder: Path) -> None:
    result = _run(folder, "which", "x@etu.univ-1.example", "--json")
    assert [route["entity_id"] for route in _json(result)] == [FIRST]
    told = [line for line in result.stderr.splitlines() if not line.startswith("Reading")]
    assert told == ["learned domains could not be read: the database does not answer"]
    unknown = _run(folder, "which", "x@nulle-part.example")
    assert (unknown.exit_code, "learned domains could not be read" in unknown.stderr) == (1, True)


def test_show_tells_names_domains_endpoints_keys_and_file(folder: Path) -> None:
    shown = _json(_run(folder, "show", SECOND, "--json"))
    assert shown["file"] == "test-aggregate.xml"
    assert shown["provider"]["aliases"] == ["UE2"]
    [key] = shown["published"]["keys"]
    assert (key["use"], key["kind"]) == ("signing", "RSA 3072")
    assert {endpoint["binding"] for endpoint in shown["published"]["endpoints"]} == {"HTTP-Redirect", "HTTP-POST"}
    text = _run(folder, "show", SECOND).stdout
    for told in (
        "univ-2.example",
        "hopital.example",
        "https://federation.example/",
        key["fingerprint"],
        key["not_after"][:10],
    ):
        assert told in text
    assert _run(folder, "show", "https://idp.exemple.fr/idp").exit_code == 1


def test_check_tells_what_a_new_copy_would_change_and_changes_nothing(folder: Path, tmp_path: Path) -> None:
    _run(folder, "list")
    unsigned = tmp_path / "test-aggregate.xml"
    unsigned.write_text("<html>")
    refused = _run(folder, "check", str(unsigned))
    assert refused.exit_code == 1
    assert "test-aggregate.xml: " in refused.output
    same = _json(_run(folder, "check", str(folder / "federation" / "test-aggregate.xml"), "--json"))
    assert (same["problem"], same["providers"], same["difference"]["added"]) == (None, 3, [])
    assert (
        "0 added, 0 removed, 0 changed" in _run(folder, "check", str(folder / "federation/test-aggregate.xml")).stdout
    )
    assert len(_json(_run(folder, "list", "--json"))) == 1


def test_list_and_check_tell_the_pinned_keys(folder: Path, tmp_path: Path) -> None:
    certificate = x509.load_pem_x509_certificate((folder / "federation" / "test-aggregate.pem").read_bytes())
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    refused = tmp_path / "test-aggregate.xml"
    refused.write_text("<html>")
    for words in (("list",), ("check", str(folder / "federation/test-aggregate.xml")), ("check", str(refused))):
        text = _run(folder, *words).stdout
        assert f"test-aggregate.pem {fingerprint} " in text
        assert f"/{until}" in text
    [status] = _json(_run(folder, "list", "--json"))
    checked = _json(_run(folder, "check", str(folder / "federation/test-aggregate.xml"), "--json"))
    [key] = status["signing_keys"]
    assert checked["signing_keys"] == status["signing_keys"]
    assert (key["file"], key["fingerprint"], key["not_after"][:10]) == ("test-aggregate.pem", fingerprint, until)


def test_public_keys_have_no_dates_and_what_cannot_be_read_is_told(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "federation"
    shutil.copytree(folder / "federation", place)
    certificate = x509.load_pem_x509_certificate((place / "test-aggregate.pem").read_bytes())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem, der = (
        certificate.public_key().public_bytes(encoding, form)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
    )
    (place / "public.pem").write_bytes(pem)
    (place / "broken.pem").write_bytes(b"-----BEGIN CERTIFICATE-----")
    (place / "overrides.toml").write_text(
        '[files."test-aggregate.xml"]\nsigning_keys = ["public.pem", "broken.pem", "absent.pem"]\n'
    )
    row = _run(tmp_path, "list").stdout.rstrip("\n").split("\t")
    assert row[4:] == [
        f"public.pem {hashlib.sha256(der).hexdigest()}",
        "broken.pem unreadable",
        "absent.pem unreadable",
    ]


def test_health_tells_successes_failures_by_cause_and_attributes(folder: Path, database: Database) -> None:
    audit, other = audit_trail(database), f"https://idp.{secrets.token_hex(4)}.example/idp"
    for hours in (1, 2):
        audit.append(
            "proofing.vouched", at=NOW - timedelta(hours=hours), reference="r", entity_id=other, received="eppn mail"
        )
    audit.append("proofing.vouched", at=NOW - timedelta(days=40), reference="r", entity_id=other, received="eppn")
    audit.append("request.refused", at=NOW, reference="r", reason="session.expired", detail="")
    refusals = RefusalLog(audit, lambda: NOW)
    for reason in ("saml.audience", "saml.audience", "proofing.identifier_missing"):
        refusals.note("r", Refusal(reason).at(IdentityProvider(other, ())))
    found = {health["entity_id"]: health for health in _json(_run(folder, "health", "--json", database=database))}
    assert found[other] == {
        "entity_id": other,
        "name": other,
        "last_success": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "accepted": 2,
        "failure_rate": 0.6,
        "refused": {"saml.audience": 2, "proofing.identifier_missing": 1},
        "received": {"eppn": 2, "mail": 2},
    }
    line = next(line for line in _run(folder, "health", database=database).stdout.splitlines() if other in line)
    assert "60% refused\tsaml.audience:2 proofing.identifier_missing:1\teppn:2 mail:2" in line


def test_health_tells_the_last_success_however_long_ago(folder: Path, database: Database) -> None:
    audit, quiet, broken = audit_trail(database), *(f"https://idp.{secrets.token_hex(4)}.example/idp" for _ in "ab")
    before = NOW - timedelta(days=200)
    for entity_id in (quiet, broken):
        audit.append("proofing.vouched", at=before, reference="r", entity_id=entity_id, received="eppn")
    RefusalLog(audit, lambda: before).note("r", Refusal("saml.audience").at(IdentityProvider(quiet, ())))
    RefusalLog(audit, lambda: NOW).note("r", Refusal("saml.audience").at(IdentityProvider(broken, ())))
    found = {health["entity_id"]: health for health in _json(_run(folder, "health", "--json", database=database))}
    then = f"{before:%Y-%m-%dT%H:%M:%SZ}"
    for entity_id, refused in ((quiet, {}), (broken, {"saml.audience": 1})):
        told = found[entity_id]
        assert (told["last_success"], told["accepted"]) == (then, 0)
        assert (told["refused"], told["received"]) == (refused, {})
    assert (found[quiet]["failure_rate"], found[broken]["failure_rate"]) == (0, 1)


def test_health_tells_the_error_statuses_apart(folder: Path, database: Database) -> None:
    audit, other = audit_trail(database), f"https://idp.{secrets.token_hex(4)}.example/idp"
    refusals = RefusalLog(audit, lambda: NOW)
    for codes in ("Responder AuthnFailed", "Responder AuthnFailed", "Responder RequestDenied", "Requester", ""):
        refusals.note("r", Refusal("saml.status", codes).at(IdentityProvider(other, ())))
    for detail in ("one", "two"):
        refusals.note("r", Refusal("saml.audience", detail).at(IdentityProvider(other, ())))
    [health] = [
        health for health in _json(_run(folder, "health", "--json", database=database)) if health["entity_id"] == other
    ]
    assert health["refused"] == {
        "saml.status.AuthnFailed": 2,
        "saml.status.RequestDenied": 1,
        "saml.status.Requester": 1,
        "saml.status": 1,
        "saml.audience": 2,
    }


def test_health_without_database_is_told_without_a_trace(folder: Path) -> None:
    result = _run(folder, "health")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
