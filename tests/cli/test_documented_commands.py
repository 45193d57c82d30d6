"""Every command stands in the README or in a page of docs."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from idp import cli

PROJECT = Path(__file__).parents[2]


def commands(command: click.Command, *names: str) -> Iterator[str]:
    """The whole names of those that do something."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(below, *names, name)
    else:
        yield " ".join(names)


@pytest.mark.parametrize("command", [*commands(cli.main, "idp")])
def test_a_command_is_documented(command: str) -> None:
    pages = (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")))
    assert any(command in page.read_text("utf-8") for page in pages)
