"""What the files of ``deploy/`` name is there: settings, commands, paths, and how they hang together."""

import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from idp import cli, settings
from idp.openid.clients import ClientsFile
from idp.settings import Settings
from idp.settings_reader import keys

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = sorted(path for path in (DEPLOY / "systemd").iterdir() if path.suffix in {".service", ".socket", ".timer"})
# What an administrator makes; ``.gitignore`` beside the compose file keeps it out of the project.
MADE = {"provider.env", "clients.toml", "federation_metadata", "certificates"}


def variables() -> set[str]:
    return {"IDP_" + "_".join(key.path).upper() for key in keys(Settings)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"\bIDP_[A-Z0-9_]+\b", path.read_text())) - {"IDP_PASSWORD"}
    assert named <= variables() | {"IDP_CONFIG"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_command_that_is_named_exists(path: Path) -> None:
    text = path.read_text()
    named = re.findall(r"`idp ([a-z-]+)|venv/bin/idp ([a-z-]+)|\"idp\", \"([a-z-]+)\"", text)
    for name in {next(filter(None, found)) for found in named}:
        assert name in cli.main.commands


@pytest.mark.parametrize("example", ["compose/provider.env.example", "systemd/idp.env.example"])
def test_the_examples_are_good_settings_once_the_secret_is_there(example: str, tmp_path: Path) -> None:
    lines = [line for line in (DEPLOY / example).read_text().splitlines() if line and not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines)
    secret = {"IDP_SECRET_KEY": "openssl rand -base64 48, more or less"}
    configured = settings.load(given | secret | {"IDP_VAR_DIR": str(tmp_path)})
    assert configured.https
    assert configured.web.trusted_proxies == 1
    assert not configured.web.background_work


def test_the_image_is_made_of_files_that_are_there_and_sent_to_the_builder() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    sent = (DEPLOY / "Dockerfile.dockerignore").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (PROJECT / source).exists()
            assert f"!{source.removeprefix('./')}\n" in sent
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)


def test_the_compose_file_hangs_together() -> None:
    folder = DEPLOY / "compose"
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    services, secrets = compose["services"], set(compose["secrets"])
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        assert set(service.get("secrets", ())) <= secrets
        assert set(service["networks"]) <= compose["networks"].keys()
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or source[2:] in MADE or (folder / source).exists(), source
        if "build" in service:
            assert (folder / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    providers = [name for name, service in services.items() if "build" in service and "command" not in service]
    upstream = (folder / "upstream.conf").read_text()
    assert all(f"server {name}:5000" in upstream for name in providers)
    assert len(providers) == 2
    ignored = (folder / ".gitignore").read_text().split()
    assert MADE | {"secrets"} == {name.rstrip("/") for name in ignored}


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_what_systemd_takes(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("missing: systemd-analyze (Debian: systemd)")
    run = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    # The one thing that has to be missing here.
    problems = [line for line in run.stderr.splitlines() if "/opt/idp/venv/bin/" not in line]
    assert not [line for line in problems if unit.name in line]


def test_the_address_that_is_kept_open_is_the_one_that_the_settings_name() -> None:
    (kept,) = re.findall(r"^ListenStream=(.+)$", (DEPLOY / "systemd/idp.socket").read_text(), re.MULTILINE)
    (named,) = re.findall(r"^IDP_WEB_BIND=(.+)$", (DEPLOY / "systemd/idp.env.example").read_text(), re.MULTILINE)
    assert kept == named


def test_whoever_stops_the_pages_stops_their_address_as_well() -> None:
    """The next request would start them again: in the middle of a restore, say."""
    pages = "\n".join(page.read_text() for page in (PROJECT / "docs").rglob("*.md"))
    stopped = [command.split() for command in re.findall(r"systemctl stop ([\w. -]+)", pages)]
    assert stopped
    assert all("idp.socket" in units for units in stopped if "idp" in units)


@pytest.mark.parametrize("name", ["idp.service", "idp-work.service"])
def test_fetched_metadata_can_be_put_where_the_services_may_write(name: str) -> None:
    unit = (DEPLOY / "systemd" / name).read_text()
    folders = re.findall(r"^StateDirectory=(.+)$", unit, re.MULTILINE)[0].split()
    (metadata,) = re.findall(
        r"^IDP_FEDERATION_DIR=(.+)$", (DEPLOY / "systemd/idp.env.example").read_text(), re.MULTILINE
    )
    assert metadata in [f"/var/lib/{folder}" for folder in folders]
    assert "ProtectSystem=strict" in unit


def test_every_file_that_a_unit_reads_is_made_by_a_documented_step() -> None:
    """systemd starts nothing whose ``EnvironmentFile`` is not there."""
    steps = "\n".join(re.findall(r"```console\n(.+?)```", (PROJECT / "docs/deployment.md").read_text(), re.DOTALL))
    read = {name for unit in UNITS for name in re.findall(r"^EnvironmentFile=(.+)$", unit.read_text(), re.MULTILINE)}
    assert read == {"/etc/idp/idp.env", "/etc/idp/backup.env"}
    assert [name for name in read if not re.search(rf"{name}\b", steps)] == []


def test_the_folder_of_metadata_belongs_to_the_user_of_the_image() -> None:
    (user,) = re.findall(r"^USER (\d+:\d+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert f"chown {user} federation_metadata" in (PROJECT / "docs/deployment.md").read_text()


def test_the_command_line_is_run_with_the_services_settings(tmp_path: Path) -> None:
    """By a systemd-run that only says what it was asked."""
    told = tmp_path / "systemd-run"
    told.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    told.chmod(0o755)
    run = subprocess.run(
        [DEPLOY / "systemd/idp", "user", "disable", "a b", "--reason", "two words"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    options, _, command = run.stdout.partition("\n--\n")
    assert command.splitlines() == ["/opt/idp/venv/bin/idp", "user", "disable", "a b", "--reason", "two words"]
    unit = (DEPLOY / "systemd/idp.service").read_text()
    for given in re.findall(r"^--property=(.+)$", options, re.MULTILINE):
        assert f"\n{given}\n" in unit


def test_a_provider_that_is_made_anew_is_where_the_proxy_knows_it() -> None:
    """nginx looks its upstreams up once; other containers get addresses of their own range."""
    compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
    (pool,) = compose["networks"]["outside"]["ipam"]["config"]
    upstream = re.findall(r"^server ([^:]+):", (DEPLOY / "compose/upstream.conf").read_text(), re.MULTILINE)
    fixed = {ip_address(compose["services"][name]["networks"]["outside"]["ipv4_address"]) for name in upstream}
    assert len(fixed) == len(upstream) == 2
    assert all(one in ip_network(pool["subnet"]) and one not in ip_network(pool["ip_range"]) for one in fixed)


def test_the_database_setup_is_a_script_that_bash_can_read() -> None:
    subprocess.run(["bash", "-n", str(DEPLOY / "compose/database-setup.sh")], check=True)


def test_the_provider_s_user_is_made_at_whichever_node_is_the_primary() -> None:
    """At a later start it is another; a setup that waited for the first one kept the providers from starting."""
    script = (DEPLOY / "compose/database-setup.sh").read_text()
    calls = {call.split()[0].strip('"'): call for call in script.split("mongosh --quiet ")[1:]}
    (by_set,) = (address for address, call in calls.items() if "createUser" in call)
    assert by_set.startswith("mongodb://mongodb-1,mongodb-2,mongodb-3/admin?replicaSet=idp")
    (by_node,) = (address for address, call in calls.items() if "rs.initiate" in call)
    assert by_node == "mongodb://mongodb-1/admin"


def test_nothing_of_the_demo_is_deployed(tmp_path: Path) -> None:
    """The demo's relying parties have secrets that everybody knows."""
    file = ClientsFile(DEPLOY / "clients.toml")
    assert file.every() == ()
    demo = re.findall(r'client_secret = "(.+)"', (PROJECT / "config" / "clients.toml").read_text())
    assert demo
    assert not [path for path in FILES for secret in demo if secret in path.read_text()]
    assert "idp/demo" in (DEPLOY / "Dockerfile.dockerignore").read_text().split()


@pytest.mark.parametrize(
    ("name", "server", "silent"),
    [
        ("nginx", r"^server \{$", ("access_log off;", "error_log /dev/null emerg;")),
        ("apache", r"^<VirtualHost .+>$", ("CustomLog /dev/null common", "LogLevel emerg")),
    ],
)
def test_no_server_of_a_proxy_keeps_a_log_of_pages(name: str, server: str, silent: tuple[str, ...]) -> None:
    """That this is enough is shown by ``test_proxy_logs.py`` where they are installed."""
    _, *servers = re.split(server, (DEPLOY / name / "provider.conf").read_text(), flags=re.MULTILINE)
    assert len(servers) == 2
    for directives in ([line.strip() for line in found.splitlines()] for found in servers):
        logs = [line for line in directives if re.match(r"(access_log|error_log|CustomLog|ErrorLog|LogLevel)\b", line)]
        assert logs == list(silent)


@pytest.mark.parametrize("proxy", ["nginx", "apache"])
def test_what_is_for_probes_is_kept_inside_below_an_issuer_s_path_too(proxy: str) -> None:
    rule = next(line for line in (DEPLOY / proxy / "provider.conf").read_text().splitlines() if "readyz|" in line)
    kept = re.compile(re.sub(r'.*[~"] ?(\S+\$).*', r"\1", rule))
    inside = ("metrics", "readyz", "healthz")
    assert all(kept.search(f"{path}/{name}") for path in ("", "/connexion", "/sso/connexion") for name in inside)
    assert not any(kept.search(path) for path in ("/", "/account", "/connexion/account", "/jwks"))
