"""Every command stands in the README or in a page of docs, and what stands there as a command is one."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.site import reference
from idp import cli

PROJECT = Path(__file__).parents[2]
# After a backtick, an && or at the beginning of a line, which may be a comment's; words end where arguments begin.
NAMED = re.compile(r"(?:`|&& |^#? *)idp((?: [a-z][a-z-]*)+)", re.MULTILINE)


def commands(command: click.Command, *names: str) -> Iterator[str]:
    """The whole names of those that do something."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(below, *names, name)
    else:
        yield " ".join(names)


@pytest.mark.parametrize("command", [*commands(cli.main, "idp")])
def test_a_command_is_documented(command: str) -> None:
    assert any(command in text for text in pages().values()), f"name `{command}` in README.md or a page of docs/"


def pages() -> dict[str, str]:
    """What is written by hand for an administrator to read, by name."""
    found = (page for pattern in ("README.md", "docs/**/*.md") for page in sorted(PROJECT.glob(pattern)))
    # What lies in docs/reference was made by some earlier code.
    return {
        str(page.relative_to(PROJECT)): page.read_text("utf-8")
        for page in found
        if page.parent != PROJECT / "docs" / "reference"
    }


def written() -> Iterator[tuple[str, str]]:
    """Name and text of everything that tells an administrator what to type."""
    yield from pages().items()
    for pattern in ("config/*.toml", "federation_metadata/*.md"):
        for page in sorted(PROJECT.glob(pattern)):
            yield str(page.relative_to(PROJECT)), page.read_text("utf-8")
    yield from reference.pages().items()


def is_command(words: list[str]) -> bool:
    command: click.Command = cli.main
    for word in words:
        if not isinstance(command, click.Group):
            break
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True


@pytest.mark.parametrize(("name", "text"), [pytest.param(*page, id=page[0]) for page in written()])
def test_what_is_written_as_a_command_is_one(name: str, text: str) -> None:
    assert [words for words in NAMED.findall(text) if not is_command(words.split())] == []


def test_there_are_commands_to_look_at() -> None:
    assert len([words for _, text in written() for words in NAMED.findall(text)]) > 100
