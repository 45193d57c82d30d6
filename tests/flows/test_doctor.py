"""The doctor on a whole installation, and on one with each part broken."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp.demo.ports import free_port
from idp.domain.client_secrets import hash_secret, is_public
from idp.domain.clients import Client
from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.domain.federation import MetadataFileStatus
from idp.domain.findings import Finding, Level
from idp.domain.keyed import SecretKey
from idp.domain.pinned_keys import PinnedKey
from idp.flows.doctor import ConsoleClient, Doctor
from idp.mail.delivery import MailServer
from idp.openid.clients import read_clients
from idp.openid.keys import KeyStore
from idp.storage import outbox
from idp.storage.audit import AuditTrail
from idp.storage.audit_seal_checks import AuditSealChecks
from idp.storage.audit_seals import AuditSeals
from idp.storage.database import Database
from idp.storage.migrations.ledger import Ledger
from tests.audit_trail import SECRET
from tests.mail.smtp_server import HOST, Mailbox, mute_server, serving
from tests.mail.test_sender_domain import GOOD
from tests.saml.test_registration import WHOLE
from tests.unprivileged import closed
from tests.waiting import PATIENCE_SECONDS

PROJECT = Path(__file__).parents[2]


OTHER = SecretKey(b"another secret key of thirty-two letters")
ISSUER = "https://connexion.exemple.fr"
PORTAL = Client("portal", ("https://portal.exemple.fr/cb",), (hash_secret("a secret that nobody knows"),))
CONSOLE = ConsoleClient("uness-helpdesk", f"{ISSUER}/helpdesk/callback", ("ines@exemple.fr", "a-subject"))
OF_CONSOLE = Client(
    CONSOLE.client_id,
    (CONSOLE.callback_url,),
    token_endpoint_auth_method="none",
    scopes=("openid", "email", "roles"),
    claims=("email", "roles"),
)


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def doctor(database: Database, tmp_path: Path) -> Doctor:
    database.create_indexes([outbox.INDEXES])
    file = MetadataFileStatus("fr.xml", 2, utc_now() + timedelta(days=9), None, utc_now())
    return Doctor(
        issuer="http://localhost:5000",
        var_dir=tmp_path,
        keys_dir=tmp_path / "keys",
        mail_server=MailServer(HOST, free_port(), timeout=PATIENCE_SECONDS),
        from_address="idp@univ.example",
        dkim_selector="s1",
        look_up=lambda name: GOOD.get(name, ()),
        mail_servers=lambda _: ("mx.univ.example",),
        database=lambda: database,
        indexes=[outbox.INDEXES],
        keys=lambda: KeyStore(tmp_path / "keys").every(),
        clients=lambda: (PORTAL,),
        console=None,
        metadata_files=lambda: (file,),
        pinned_keys=dict,
        description=WHOLE,
        maildir=None,
        sealed_until=AuditSealChecks(database, SECRET).last_foreign,
        last_backup=AuditTrail(database, SECRET).last_backup,
        clock=utc_now,
    )


def of(doctor: Doctor, about: str) -> list[Finding]:
    return [finding for finding in doctor.findings() if finding.about == about]


def levels(doctor: Doctor, about: str) -> set[Level]:
    return {finding.level for finding in of(doctor, about)}


def test_an_installation_in_order_has_no_fault(doctor: Doctor) -> None:
    mailbox = Mailbox()
    with serving(mailbox, doctor.mail_server.port):
        found = list(doctor.findings())
    assert [finding for finding in found if finding.level is Level.FAULT and finding.about != "disk"] == []
    assert {
        "settings",
        "database",
        "indexes",
        "clock",
        "smtp",
        "spf",
        "mx",
        "keys",
        "clients",
        "federation",
        "disk",
        "tls",
    } <= {finding.about for finding in found}
    assert mailbox.messages == []


def test_what_a_registration_wants_is_named_one_by_one(doctor: Doctor) -> None:
    assert levels(doctor, "registration") == {Level.OK}
    bare = replace(doctor, description=replace(WHOLE, logo=None, contacts=WHOLE.contacts[:-1]))
    assert [(finding.level, finding.mend) for finding in of(bare, "registration")] == [
        (Level.WARNING, "set saml.metadata.logo_url"),
        (Level.WARNING, "set saml.metadata.contact_security"),
    ]


def test_each_thing_to_mend_says_how(doctor: Doctor) -> None:
    assert all(finding.mend for finding in doctor.findings() if finding.level is not Level.OK)


def test_a_mail_server_that_is_absent_or_mute_or_refuses_us_is_a_fault(doctor: Doctor) -> None:
    assert levels(doctor, "smtp") == {Level.FAULT}
    with mute_server() as port:
        assert levels(replace(doctor, mail_server=MailServer(HOST, port, timeout=1)), "smtp") == {Level.FAULT}
    with serving(Mailbox(), doctor.mail_server.port):
        starttls = replace(doctor, mail_server=replace(doctor.mail_server, tls="starttls"))
        assert levels(starttls, "smtp") == {Level.FAULT}
    refusal = "530 5.7.0 Must issue a STARTTLS command first"
    with serving(Mailbox(to_sender=refusal), doctor.mail_server.port):
        (finding,) = of(doctor, "smtp")
    assert (finding.level, refusal in finding.text) == (Level.FAULT, True)


def test_codes_that_leave_the_machine_in_clear_are_a_warning(doctor: Doctor) -> None:
    with serving(Mailbox(), doctor.mail_server.port):
        assert levels(doctor, "smtp") == {Level.OK}
        # Another way to write 127.0.0.1, from which nothing tells that it is this machine.
        elsewhere = replace(doctor, mail_server=replace(doctor.mail_server, host="127.1"))
        (finding,) = of(elsewhere, "smtp")
    assert (finding.level, finding.mend) == (Level.WARNING, "set smtp.tls")


@pytest.mark.parametrize(("name", "level"), [("Maildir", Level.OK), ("a-file", Level.WARNING), ("gone", Level.WARNING)])
def test_a_folder_for_what_comes_back_that_is_not_there_is_told(
    doctor: Doctor, tmp_path: Path, name: str, level: Level
) -> None:
    (tmp_path / "Maildir").mkdir()
    (tmp_path / "a-file").touch()
    assert levels(replace(doctor, maildir=tmp_path / name), "bounces") == {level}
    assert levels(doctor, "bounces") == set()


def sealed(database: Database, secret: SecretKey, at: datetime) -> None:
    AuditTrail(database, secret).append("sign_in.succeeded", at=at, reference="R", account_id="a")
    assert AuditSeals(database, secret).seal_next(now=at + timedelta(minutes=5))


def test_another_secret_key_than_that_of_the_security_log_is_told(doctor: Doctor, database: Database) -> None:
    assert levels(doctor, "secret key") == {Level.OK}
    long_ago, lately = utc_now() - timedelta(days=60), utc_now() - timedelta(days=2)
    for days in range(5):
        sealed(database, OTHER, long_ago + timedelta(days=days))
    (lost,) = of(doctor, "secret key")
    assert lost.level is Level.FAULT
    assert "no password from then fits" in lost.text
    for hours in range(3):
        sealed(database, SECRET, lately + timedelta(hours=hours))
    (history,) = of(doctor, "secret key")
    assert (history.level, f"{long_ago + timedelta(days=4):%Y-%m-%d}" in history.text) == (Level.OK, True)


def test_a_secret_key_that_was_changed_lately_is_told(doctor: Doctor, database: Database) -> None:
    sealed(database, OTHER, utc_now() - timedelta(days=2))
    sealed(database, SECRET, utc_now() - timedelta(days=1))
    (changed,) = of(doctor, "secret key")
    assert (changed.level, "passwords from before do not fit" in changed.text) == (Level.WARNING, True)


@pytest.mark.parametrize("last", [OTHER, SECRET], ids=["the other last", "ours last"])
def test_a_machine_that_has_another_secret_key_than_its_neighbours_is_told(
    doctor: Doctor, database: Database, last: SecretKey
) -> None:
    for hours, secret in enumerate((SECRET, SECRET, OTHER, SECRET, last)):
        sealed(database, secret, utc_now() - timedelta(hours=9 - hours))
    (mixed,) = of(doctor, "secret key")
    assert (mixed.level, "some process had another one" in mixed.text) == (Level.WARNING, True)


def many_sealed_around(database: Database, changed: datetime) -> None:
    """Seven seals under another key before this moment, and twenty-three under ours since."""
    for minutes in range(7):
        sealed(database, OTHER, changed - timedelta(minutes=10 * (7 - minutes)))
    for minutes in range(23):
        sealed(database, SECRET, changed + timedelta(minutes=10 * minutes))


def test_a_change_of_the_secret_key_is_found_among_many_seals(doctor: Doctor, database: Database) -> None:
    changed = utc_now() - timedelta(days=1)
    many_sealed_around(database, changed)
    until = AuditSealChecks(database, SECRET).last_foreign()
    assert until
    # Sealed five minutes after it happened.
    assert abs(until.at - (changed - timedelta(minutes=5))) < timedelta(seconds=1)
    (told,) = of(doctor, "secret key")
    assert (told.level, "passwords from before do not fit" in told.text) == (Level.WARNING, True)


def test_another_key_that_was_put_right_is_told_for_as_long_as_it_is_among_the_newest_twenty(
    doctor: Doctor, database: Database
) -> None:
    at = utc_now() - timedelta(days=1)
    for minutes, secret in enumerate((SECRET, OTHER, *[SECRET] * 19)):
        sealed(database, secret, at + timedelta(minutes=10 * minutes))
    assert levels(doctor, "secret key") == {Level.WARNING}
    sealed(database, SECRET, at + timedelta(hours=5))
    assert levels(doctor, "secret key") == {Level.OK}


def test_a_change_of_the_secret_key_is_told_also_where_a_seal_is_gone(doctor: Doctor, database: Database) -> None:
    changed = utc_now() - timedelta(days=1)
    many_sealed_around(database, changed)
    # Between the first one and the newest twenty, where the change is looked for next.
    database.collection("audit_seals").delete_one({"_id": (1 + 11) // 2})
    assert levels(doctor, "secret key") == {Level.WARNING}


def test_the_secret_key_of_all_seals_is_in_order(doctor: Doctor, database: Database) -> None:
    for hours in range(3):
        sealed(database, SECRET, utc_now() - timedelta(hours=9 - hours))
    assert levels(doctor, "secret key") == {Level.OK}


def test_an_absent_database_is_a_fault_and_nothing_else_stops(doctor: Doctor) -> None:
    absent = Database(f"mongodb://{HOST}:{free_port()}/?directConnection=true", "idp", timeout_ms=100)
    broken = replace(doctor, database=lambda: absent)
    assert levels(broken, "database") == {Level.FAULT}
    assert of(broken, "disk")
    absent.close()


def test_missing_indexes_are_named(doctor: Doctor, database: Database) -> None:
    database.collection("outbox").drop_index("journey")
    (finding,) = of(doctor, "indexes")
    assert (finding.level, finding.text) == (Level.FAULT, "missing: outbox.journey")


def test_a_schema_that_is_behind_or_ahead_is_told(doctor: Doctor, database: Database) -> None:
    assert levels(doctor, "schema") == {Level.OK}
    database.collection("accounts").insert_one({"_id": "of-an-older-release"})
    assert levels(doctor, "schema") == {Level.WARNING}
    Ledger(database).begin_restore("one", now=utc_now())
    assert levels(doctor, "schema") == {Level.FAULT}


@pytest.mark.parametrize(
    ("apart", "level"), [(0, Level.OK), (25, Level.WARNING), (-25, Level.WARNING), (600, Level.FAULT)]
)
def test_our_clock_is_held_against_the_databases(doctor: Doctor, apart: int, level: Level) -> None:
    assert levels(replace(doctor, clock=lambda: utc_now() + timedelta(seconds=apart)), "clock") == {level}


def test_an_https_issuer_that_nobody_answers_for_is_a_fault(doctor: Doctor) -> None:
    assert levels(replace(doctor, issuer=f"https://{HOST}:{free_port()}"), "tls") == {Level.FAULT}


def test_old_keys_and_readable_keys_are_told(doctor: Doctor) -> None:
    assert levels(doctor, "keys") == {Level.OK}
    assert levels(replace(doctor, clock=lambda: utc_now() + timedelta(days=400)), "keys") == {Level.WARNING}
    (doctor.keys_dir / "openid-0001.pem").chmod(0o644)
    assert Level.FAULT in levels(doctor, "keys")


def test_a_folder_of_keys_that_cannot_be_read_is_told_in_sentences(doctor: Doctor, tmp_path: Path) -> None:
    KeyStore(doctor.keys_dir)
    with closed(tmp_path):
        found = of(doctor, "keys")
    assert {finding.level for finding in found} == {Level.FAULT}
    assert all("Permission denied" in finding.text and finding.mend for finding in found)


def test_every_fault_of_the_clients_file_is_told(doctor: Doctor) -> None:
    def broken() -> tuple[Client, ...]:
        raise ConfigurationError("clients.toml: one", "clients.toml: two")

    found = of(replace(doctor, clients=broken, console=CONSOLE), "clients")
    assert [(finding.level, finding.text) for finding in found] == [
        (Level.FAULT, "clients.toml: one"),
        (Level.FAULT, "clients.toml: two"),
    ]
    assert levels(doctor, "clients") == {Level.OK}
    assert levels(replace(doctor, clients=tuple), "clients") == {Level.WARNING}


def test_secrets_that_everybody_can_read_are_told_where_the_issuer_is_https(doctor: Doctor) -> None:
    demo = tuple(read_clients(PROJECT / "config/clients.toml").values())
    assert levels(replace(doctor, clients=lambda: demo), "clients") == {Level.OK}
    found = of(replace(doctor, clients=lambda: (PORTAL, *demo), issuer=ISSUER), "clients")
    told = [finding.text.partition(":")[0] for finding in found if finding.level is Level.WARNING]
    assert told == [client.client_id for client in demo]


def test_the_tutorial_s_secret_is_known_as_public() -> None:
    (secret,) = re.findall(r'client_secret = "(.+)"', (PROJECT / "docs/tutorial.md").read_text())
    assert is_public((hash_secret(secret),))
    assert not is_public(PORTAL.client_secrets)
    assert not is_public(())


@pytest.mark.parametrize(
    ("console", "client", "level", "text"),
    [
        (CONSOLE, OF_CONSOLE, Level.OK, "2 operators"),
        (CONSOLE, PORTAL, Level.FAULT, "no client uness-helpdesk"),
        (CONSOLE, replace(OF_CONSOLE, redirect_uris=PORTAL.redirect_uris), Level.FAULT, f"name {CONSOLE.callback_url}"),
        (CONSOLE, replace(OF_CONSOLE, token_endpoint_auth_method="client_secret_basic"), Level.FAULT, "than none"),
        (CONSOLE, replace(OF_CONSOLE, scopes=("openid", "email")), Level.FAULT, "may not receive roles"),
        (CONSOLE, replace(OF_CONSOLE, claims=("email",)), Level.FAULT, "may not receive roles"),
        (replace(CONSOLE, operators=()), OF_CONSOLE, Level.WARNING, "nobody may enter"),
        (replace(CONSOLE, operators=("a@x.fr,b@x.fr",)), OF_CONSOLE, Level.WARNING, "operator a@x.fr,b@x.fr: no mail"),
    ],
)
def test_what_keeps_people_out_of_the_console_is_told(
    doctor: Doctor, console: ConsoleClient, client: Client, level: Level, text: str
) -> None:
    (found,) = of(replace(doctor, console=console, clients=lambda: (client,)), "helpdesk")
    assert (found.level, bool(found.mend)) == (level, level is not Level.OK)
    assert text in found.text
    assert of(doctor, "helpdesk") == []


@pytest.mark.parametrize(
    ("status", "level"),
    [
        (MetadataFileStatus("fr.xml", 0, None, "fr.xml: signature", None), Level.FAULT),
        (MetadataFileStatus("fr.xml", 2, None, "fr.xml: signature", utc_now()), Level.WARNING),
        (MetadataFileStatus("fr.xml", 2, utc_now() + timedelta(days=1), None, utc_now()), Level.WARNING),
        (MetadataFileStatus("fr.xml", 2, None, None, utc_now()), Level.OK),
    ],
)
def test_each_metadata_file_is_told(doctor: Doctor, status: MetadataFileStatus, level: Level) -> None:
    assert levels(replace(doctor, metadata_files=lambda: (status,)), "federation") == {level}
    assert levels(replace(doctor, metadata_files=tuple), "federation") == {Level.WARNING}


def test_an_expired_certificate_of_a_pinned_key_is_told_and_nothing_to_mend(doctor: Doctor) -> None:
    now = utc_now()
    keys = (
        PinnedKey("old.pem", "f0", now - timedelta(days=900), now - timedelta(days=1)),
        PinnedKey("new.pem", "f1", now, now + timedelta(days=1)),
        PinnedKey("public.pem", "f2"),
        PinnedKey("unreadable.pem"),
    )
    of_file, of_key = of(replace(doctor, pinned_keys=lambda: {"fr.xml": keys}), "federation")
    assert (of_key.level, of_key.mend) == (of_file.level, "") == (Level.OK, "")
    assert of_key.text.startswith(f"fr.xml: the certificate old.pem ended on {now - timedelta(days=1):%Y-%m-%d}")


def test_a_folder_that_is_not_there_is_a_fault_of_the_disk(doctor: Doctor) -> None:
    assert levels(replace(doctor, var_dir=doctor.var_dir / "gone"), "disk") == {Level.FAULT}


def test_a_backup_that_is_missed_is_told(doctor: Doctor, database: Database) -> None:
    trail = AuditTrail(database, SECRET)

    def told() -> tuple[Level, str]:
        (finding,) = of(doctor, "backup")
        return finding.level, finding.text

    assert told() == (Level.WARNING, "`idp backup` never made one of this database")
    for days, level in ((3, Level.WARNING), (1, Level.OK)):
        at = utc_now() - timedelta(days=days)
        trail.append("backup.made", at=at, reference="R")
        assert told() == (level, f"the last one is of {at:%Y-%m-%dT%H:%M:%SZ}")


def test_an_unreachable_database_is_told_of_the_backup_too(doctor: Doctor) -> None:
    def away() -> datetime | None:
        raise ServiceUnavailable("database", "no answer")

    assert levels(replace(doctor, last_backup=away), "backup") == {Level.FAULT}
