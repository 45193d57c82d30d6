"""Settings: the file and the code agree, the environment wins, every fault is told in one line."""

import re
import stat
import tomllib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from idp import settings
from idp.domain.errors import ConfigurationError
from idp.settings import DEFAULT_FILE, Settings, load
from idp.settings_reader import keys

LONG_SECRET = "a-secret-of-more-than-thirty-two-characters"
HTTPS = {"IDP_ISSUER": "https://idp.example.org", "IDP_SECRET_KEY": LONG_SECRET}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def faults(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load(environ)
    return caught.value.faults


def fault(environ: dict[str, str]) -> str:
    (only,) = faults(environ)
    return only


def flattened(table: dict[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in table.items():
        found |= flattened(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def test_the_default_file_holds_every_key_with_its_default() -> None:
    in_file = flattened(tomllib.loads(DEFAULT_FILE.read_text("utf-8")))
    in_code = {key.name: str(key.default) if isinstance(key.default, Path) else key.default for key in keys(Settings)}
    assert in_file == in_code
    assert list(in_file) == list(in_code)


def test_the_default_file_explains_every_group_of_keys() -> None:
    for block in re.split(r"\n(?:\n|(?=#))", DEFAULT_FILE.read_text("utf-8")):
        assert "=" not in block or "#" in block


def test_defaults_hold_without_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_file = load({})
    monkeypatch.setattr(settings, "DEFAULT_FILE", tmp_path / "absent.toml")
    assert load({}) == with_file


def test_what_was_left_empty_is_derived(tmp_path: Path) -> None:
    read = load({"IDP_WEB_SERVICE_NAME": "Exemple"})
    assert read.saml.entity_id == "http://localhost:5000/saml/metadata"
    assert read.mail.from_name == "Exemple"
    assert read.web.bind == "127.0.0.1:5000"
    assert read.federation.dir == tmp_path / "federation_metadata"


def test_every_key_can_be_set_from_the_environment() -> None:
    given = {key.variable: str(key.default) for key in keys(Settings) if key.default != ""}
    assert load(given) == load({})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[smtp]\nhost = "mail.example.org"\nport = 2525\ntls = "STARTTLS"\n')
    read = load({"IDP_CONFIG": str(file), "IDP_SMTP_PORT": "587"})
    assert (read.smtp.host, read.smtp.port, read.smtp.tls) == ("mail.example.org", 587, "starttls")


def test_demo_variables_are_not_settings() -> None:
    assert load({"IDP_DEMO_PORT_BASE": "6000", "HOME": "/nowhere"}) == load({})


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("IDP_SMTP_PORT", "0", "a whole number from 1 to 65535"),
        ("IDP_SMTP_PORT", "", "a whole number from 1 to 65535"),
        ("IDP_SMTP_PORT", "5e3", "a whole number from 1 to 65535"),
        ("IDP_SMTP_TLS", "ssl", "one of none, starttls, tls"),
        ("IDP_LOG_FORMAT", "xml", "one of json, console"),
        ("IDP_KEYS_DIR", "", "a path"),
        ("IDP_MAIL_FROM", "nobody", "a mail address"),
        ("IDP_MAIL_FROM_NAME", "A\r\nBcc: b@example.org", "one line of text"),
        ("IDP_WEB_HELP_URL", "javascript:alert(1)", "an http or https URL, or empty"),
        ("IDP_WEB_BIND", "5000", "host:port with a port from 1 to 65535, unix:path, or empty"),
        ("IDP_WEB_BIND", "127.0.0.1:65536", "host:port with a port from 1 to 65535, unix:path, or empty"),
        ("IDP_WEB_BIND", ":0", "host:port with a port from 1 to 65535, unix:path, or empty"),
        ("IDP_METRICS_WORK_BIND", "[::1]:99999", "host:port with a port from 1 to 65535, or empty"),
        ("IDP_PASSWORDS_BCRYPT_COST", "31", "a whole number from 4 to 16"),
    ],
)
def test_a_bad_value_is_told_with_key_value_and_what_is_accepted(variable: str, value: str, accepted: str) -> None:
    assert fault({variable: value}) == f"{variable} = {value!r}: accepted: {accepted}"


@pytest.mark.parametrize(
    "issuer",
    [
        "http://idp.example.org",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://127.1",
        "https://idp.example.org?x=1",
        "https://idp.example.org/#x",
        "https://user@idp.example.org",
        "https://idp.example.org:99999",
        "https://",
        "ftp://localhost",
        "idp.example.org",
        "https://idp.example.org/a b",
        "https://idp.example.org/a%20b",
        "https://idp.example.org/a//b",
        "https://idp.example.org/a/../b",
        "https://idp.exämple.org",
    ],
)
def test_an_issuer_is_https_or_loopback_without_query_and_fragment(issuer: str) -> None:
    assert fault({"IDP_ISSUER": issuer, "IDP_SECRET_KEY": LONG_SECRET}).startswith(f"IDP_ISSUER = {issuer!r}: accepted")


@pytest.mark.parametrize(
    ("given", "issuer", "bind"),
    [
        ("http://localhost:6000/", "http://localhost:6000", "127.0.0.1:6000"),
        ("http://127.0.0.2:6000", "http://127.0.0.2:6000", "127.0.0.2:6000"),
        ("http://[::1]:6000", "http://[::1]:6000", "[::1]:6000"),
        ("http://localhost", "http://localhost", "127.0.0.1:80"),
        ("https://IDP.example.org/a/", "https://idp.example.org/a", "127.0.0.1:5000"),
    ],
)
def test_an_issuer_is_normalised_and_tells_where_to_listen(given: str, issuer: str, bind: str) -> None:
    read = load({"IDP_ISSUER": given, "IDP_SECRET_KEY": LONG_SECRET})
    assert (read.issuer, read.web.bind, read.https) == (issuer, bind, issuer.startswith("https"))


def test_https_needs_a_secret_key() -> None:
    line = fault({"IDP_ISSUER": "https://idp.example.org"})
    assert line.startswith("secret_key = ")
    assert "IDP_SECRET_KEY" in line
    assert load(HTTPS).secret_key == LONG_SECRET


def test_weak_bcrypt_is_for_loopback_alone() -> None:
    assert load({"IDP_PASSWORDS_BCRYPT_COST": "4"}).passwords.bcrypt_cost == 4
    assert fault({**HTTPS, "IDP_PASSWORDS_BCRYPT_COST": "9"}).startswith(
        "passwords.bcrypt_cost = 9: accepted: 10 to 16"
    )


def test_a_smtp_name_needs_its_password() -> None:
    assert "smtp.password" in fault({"IDP_SMTP_USERNAME": "idp"})


@pytest.mark.parametrize(
    ("variable", "value"),
    [("IDP_SECRET_KEY", "short-secret"), ("IDP_MONGODB_URI", "http://user:hidden@db"), ("IDP_SMTP_PASSWD", "hidden")],
)
def test_secrets_are_never_shown(variable: str, value: str) -> None:
    line = fault({variable: value})
    assert line.startswith(f"{variable} = ***: accepted: ")
    assert value not in line
    assert LONG_SECRET not in repr(load(HTTPS))


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("db:7510/idp?tls=ture", "The value of tls must be 'true' or 'false'"),
        ("db/?tsl=true", "Did you mean one of (tls,"),
        ("db/?nosuchoption=1", "Unknown option"),
        ("db:99999/idp", "Port must be an integer between 0 and 65535"),
        ("x:y@db", "must be escaped according to RFC 3986"),
        ("db/?tlsCAFile=/nonexistent", "tlscafile file is not readable"),
    ],
)
@pytest.mark.parametrize("scheme", ["mongodb", "mongodb+srv"])
def test_a_uri_that_mongodb_s_driver_cannot_read_whole_is_told_with_what_is_wrong(
    scheme: str, rest: str, told: str
) -> None:
    line = fault({"IDP_MONGODB_URI": f"{scheme}://idp:hunter2@{rest}"})
    assert line.startswith("IDP_MONGODB_URI = ***: accepted: mongodb://")
    assert told in line
    assert "hunter2" not in line


@pytest.mark.parametrize("bind", ["127.0.0.1:65535", "[::1]:60000", ":1", "idp.example:9", "unix:/run/idp:70000"])
def test_every_port_that_there_is_may_be_listened_on(bind: str) -> None:
    assert load({"IDP_WEB_BIND": bind}).web.bind == bind


def test_a_name_for_mongodb_is_looked_up_when_it_is_used() -> None:
    uri = "mongodb+srv://idp:hunter2@no-such-cluster.example.org/idp?srvMaxHosts=2"
    assert load({"IDP_MONGODB_URI": uri}).mongodb.uri == uri


def test_an_unknown_key_is_told_with_its_likely_name(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[smtp]\nhosts = "mail"\n[mongo]\nx = 1\n')
    assert faults({"IDP_CONFIG": str(file), "IDP_SMTP_HOTS": "mail"}) == (
        f"{file}: smtp.hosts = 'mail': accepted: no such setting; did you mean smtp.host?",
        f"{file}: mongo.x = 1: accepted: no such setting; see config/default.toml",
        "IDP_SMTP_HOTS = 'mail': accepted: no such setting; did you mean IDP_SMTP_HOST?",
    )


def test_a_value_in_place_of_a_section_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('log = "debug"\nmongodb = "mongodb://db.example.org"\n')
    assert faults({"IDP_CONFIG": str(file)}) == (
        f"{file}: log = 'debug': accepted: a section, [log]; see config/default.toml",
        f"{file}: mongodb = ***: accepted: a section, [mongodb]; did you mean mongodb.uri?",
    )


def test_an_address_with_a_password_is_not_quoted_whatever_its_name() -> None:
    for name in ("IDP_DATABASE_URL", "IDP_SMTP_URL"):
        line = fault({name: "smtp://idp:hunter2@mail.example.org"})
        assert line.startswith(f"{name} = ***: accepted: no such setting")
    assert fault({"IDP_WEB_HELP_URL": "ftp://idp:hunter2@aide.example.org"}).startswith("IDP_WEB_HELP_URL = ***: ")


def test_a_mistyped_name_of_the_file_is_told() -> None:
    assert fault({"IDP_CONFIG_FILE": "own.toml"}).startswith("IDP_CONFIG_FILE = 'own.toml': accepted: no such setting")


def test_types_of_the_file_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('var_dir = 5\nmongodb = "x"\n[smtp]\nport = true\ntimeout = 1.5\nhost = ["a"]\n[smtp.tls]\nx = 1\n')
    told = faults({"IDP_CONFIG": str(file)})
    keys_told = [line.removeprefix(f"{file}: ").split(" = ")[0] for line in told]
    assert keys_told == ["var_dir", "mongodb", "smtp.port", "smtp.timeout", "smtp.host", "smtp.tls.x"]


def test_all_faults_are_listed_at_once() -> None:
    assert len(faults({"IDP_SMTP_PORT": "x", "IDP_LOG_LEVEL": "loud", "IDP_ISSUER": "no", "IDP_CONFIG": "gone"})) == 4


@pytest.mark.parametrize("content", [b"[smtp\nport = 1", b"\xff\xfe", b"[smtp]\nport=1\nport=2"])
def test_a_broken_file_is_told_with_its_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    line = fault({"IDP_CONFIG": str(file)})
    assert line.startswith(f"{file}: ")
    assert "\n" not in line


def test_a_development_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = load({"IDP_VAR_DIR": "kept"})
    kept = tmp_path / "kept" / "secret_key"
    assert len(first.secret_key) >= 32
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert load({"IDP_VAR_DIR": "kept"}).secret_key == first.secret_key
    assert load({"IDP_VAR_DIR": "kept", "IDP_SECRET_KEY": LONG_SECRET}).secret_key == LONG_SECRET
    assert [file.name for file in kept.parent.iterdir()] == ["secret_key"]


def _key(var_dir: str) -> str:
    return load({"IDP_VAR_DIR": var_dir}).secret_key


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        assert len(set(pool.map(_key, [str(tmp_path / "together")] * 16))) == 1


def test_a_kept_key_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret_key").write_text("short")
    assert "at least 32 characters" in fault({})


def test_a_place_that_cannot_keep_the_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    assert "IDP_SECRET_KEY" in fault({})


@pytest.mark.parametrize("days", ["0", "365", "3650"])
def test_unused_accounts_are_kept_for_a_year_at_least_or_for_ever(days: str) -> None:
    assert load({"IDP_RETENTION_INACTIVE_DAYS": days}).retention.inactive_days == int(days)


@pytest.mark.parametrize(
    ("name", "days"),
    [("", "1"), ("", "364"), ("", "3651"), ("", "-1"), ("", "never"), ("_NOTICE", "13"), ("_NOTICE", "181")],
)
def test_another_time_for_unused_accounts_is_refused(name: str, days: str) -> None:
    line = fault({f"IDP_RETENTION_INACTIVE{name}_DAYS": days})
    assert ("14 to 180" if name else "0 (never), or a whole number from 365 to 3650") in line
