"""Every link of the documentation that stays in the repository leads to its file and heading; every command exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.site import reference
from idp import cli
from idp.domain.client_secrets import hash_secret
from idp.openid.clients import read_clients

PROJECT = Path(__file__).resolve().parents[2]
MADE = {PROJECT / "docs" / "reference" / f"{name}.md" for name in reference.pages()}
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"```.*?```", re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_CLIENTS = re.compile(r"^ *```toml\n( *\[\[client\]\]\n.*?)```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"(?:^|`|bin/)idp((?: [a-z][a-z-]*)+)", re.MULTILINE)


def documents() -> list[Path]:
    roots = [PROJECT.glob("*.md"), (PROJECT / "federation_metadata").glob("*.md")]
    roots += [(PROJECT / folder).rglob("*.md") for folder in ("docs", "deploy")]
    return sorted({path for found in roots for path in found if "reference" not in path.parts})


def links(document: Path) -> Iterator[tuple[Path, str]]:
    """The file, and the heading in it, of each link that is not to another site."""
    for target in _LINK.findall(_FENCE.sub("", document.read_text(encoding="utf-8"))):
        if "://" not in target and not target.startswith("mailto:"):
            path, _, anchor = target.partition("#")
            yield (document.parent / path).resolve() if path else document, anchor


def anchors(document: Path) -> set[str]:
    """The headings' names as GitHub makes them."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text))
    return {name.replace(" ", "-") for name in plain}


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target, anchor in links(document):
        assert target.exists() or target in MADE, f"{document.name}: {target.relative_to(PROJECT)}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{document.name}: #{anchor} of {target.name}"


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_command_that_is_named_exists(document: Path) -> None:
    for found in _COMMAND.findall(document.read_text(encoding="utf-8")):
        _follow(cli.main, found.split(), document.name)


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_client_that_is_shown_could_stand_in_the_clients_file(document: Path, tmp_path: Path) -> None:
    shown = _CLIENTS.findall(document.read_text(encoding="utf-8"))
    for number, table in enumerate(shown):
        file = tmp_path / f"{number}.toml"
        file.write_text(table.replace("sha256$…", hash_secret("only-for-this-test-0123456789")), encoding="utf-8")
        assert read_clients(file)


def _follow(command: click.Command, words: list[str], document: str) -> None:
    """As far down as the words are commands: the first one has to be, and each after a group."""
    for word in words:
        if not isinstance(command, click.Group):
            return
        known = command.commands
        assert word in known, f"{document}: idp … {word}; there are {', '.join(known)}"
        command = known[word]
