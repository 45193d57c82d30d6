"""What a page has people copy does what the page says."""

import re
import shlex
import stat
import subprocess
from pathlib import Path

import click
import pytest

from idp import cli, settings
from idp.settings_reader import keys
from tests.docs.test_links import PROJECT, documents
from tests.journeys.relying_parties import apache

CONNECTING = PROJECT / "docs/how-to/connect-an-application.md"
_OPTION = re.compile(r"(?:^|`|bin/)(idp [a-z][^`\n|#>]*)", re.MULTILINE)
_KEY = re.compile(r"\[([a-z]+(?:\.[a-z]+)*)\] ([a-z_]+)\b")
_VARIABLE = re.compile(r"\bIDP_[A-Z_]*[A-Z]\b")
# Read before there are settings, by the demo, and by a script of deploy/.
_NO_SETTINGS = {"IDP_CONFIG", "IDP_DEMO_PORT_BASE", "IDP_PASSWORD"}


def _fenced(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_option_that_is_named_exists(document: Path) -> None:
    for line in _OPTION.findall(document.read_text("utf-8")):
        command: click.Command = cli.main
        for word in line.split()[1:]:
            if isinstance(command, click.Group) and word in command.commands:
                command = command.commands[word]
            elif word.startswith("--"):
                option = re.split(r"[=.,;:)]", word)[0]
                assert any(option in known.opts for known in command.params), line


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_setting_that_is_named_exists(document: Path) -> None:
    text = document.read_text("utf-8")
    known = {key.name: key.variable for key in keys(settings.Settings)}
    named = {f"{section}.{key}" for section, key in _KEY.findall(text)}
    assert named <= known.keys()
    if document.name != "CHANGELOG.md":  # tells of settings that were, too
        assert set(_VARIABLE.findall(text)) <= {*known.values(), *_NO_SETTINGS}


def test_apache_is_tried_with_the_directives_that_the_page_shows() -> None:
    """But those that are the application's own: addresses, secrets, the claim that is the user's name."""
    (shown,) = _fenced(CONNECTING, "apache")
    lines = [line.strip() for line in shown.splitlines()]
    tried = apache.CONFIGURATION
    own = ("OIDCProviderMetadataURL", "OIDCClient", "OIDCRedirectURI", "OIDCCryptoPassphrase", "OIDCRemoteUserClaim")
    assert len(lines) > len(own)
    for line in lines:
        assert (f"\n{line.split()[0]} " if line.startswith(own) else line) in tried, line


def test_openid_client_is_tried_with_the_calls_that_the_page_shows() -> None:
    (shown,) = [block for block in _fenced(CONNECTING, "js") if 'from "openid-client"' in block]
    tried = (Path(apache.__file__).parent / "openid_client/relying_party.mjs").read_text("utf-8")
    calls = set(re.findall(r"client\.\w+", shown))
    assert "client.authorizationCodeGrant" in calls
    assert calls <= set(re.findall(r"client\.\w+", tried))


def test_the_folder_for_what_comes_back_belongs_to_the_provider_s_user_alone(tmp_path: Path) -> None:
    """``install -d`` gives owner and mode to the folders that it is told of, and to no other that it has to make."""
    page = (PROJECT / "docs/how-to/mail-that-arrives.md").read_text("utf-8")
    (command,) = re.findall(r"`(install -d [^`]+)`", page)
    here = command.replace(" -o idp -g idp", "").replace("/var/lib/idp", shlex.quote(str(tmp_path)))
    subprocess.run(["bash", "-c", f"umask 022; {here}"], check=True)
    made = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert {path.name for path in made} == {"bounces", "new", "cur", "tmp"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}
