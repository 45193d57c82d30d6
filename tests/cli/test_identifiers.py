"""One identifier of 64 begins with a dash: a command that gets it, as others print it, takes it for no option."""

import click
import pytest
from click.testing import CliRunner

from idp import cli
from idp.cli.identifiers import IdentifyingCommand, IdentifyingGroup

ACCOUNT = "-qZi2IIpoozpuWVpee9xAh"
SUBJECT = "-sf1Qc5qs7IAiF8q3WgwmT06nugjHw-_FhTOh48as1A"
TWICE = "--i2IIpoozpuWVpee9xAhh"


@click.group(cls=IdentifyingGroup)
def group() -> None:
    """Of this test."""


@group.command()
@click.argument("who")
@click.option("--reason", required=True)
@click.option("--force", is_flag=True)
def act(who: str, reason: str, force: bool) -> None:
    """Tell what was understood."""
    click.echo(f"{who}|{reason}|{force}")


@pytest.mark.parametrize("who", [ACCOUNT, SUBJECT, TWICE])
@pytest.mark.parametrize(
    "order", ["act {} --force --reason {r}", "act --reason {r} --force {}", "act --reason={r} --force -- {}"]
)
def test_an_identifier_that_begins_with_a_dash_is_none(who: str, order: str) -> None:
    told = CliRunner().invoke(group, order.format(who, r="x").split())
    assert told.output == f"{who}|x|True\n"


def test_nor_is_it_taken_away_from_the_option_whose_value_it_is() -> None:
    for who in ("ines", ACCOUNT):
        told = CliRunner().invoke(group, ["act", who, "--reason", ACCOUNT])
        assert told.output == f"{who}|{ACCOUNT}|False\n"


@pytest.mark.parametrize("who", ["ines", ACCOUNT])
def test_an_option_without_its_value_is_told(who: str) -> None:
    assert CliRunner().invoke(group, ["act", who, "--reason"]).exit_code == 2


@pytest.mark.parametrize("unknown", ["-x", "--rason", "--reasons"])
def test_an_option_that_is_mistyped_is_told(unknown: str) -> None:
    told = CliRunner().invoke(group, ["act", "ines", unknown, "x"])
    assert (told.exit_code, "No such option" in told.output) == (2, True)


def test_commands_about_people_and_keys_take_them() -> None:
    """Those that other commands and the log name by an identifier."""
    people, keys = cli.main.commands["user"], cli.main.commands["keys"]
    assert isinstance(people, click.Group)
    assert isinstance(keys, click.Group)
    commands = people.commands.values()
    taking = [command for command in commands if any(param.name == "who" for param in command.params)]
    assert len(taking) > 10
    assert all(isinstance(command, IdentifyingCommand) for command in (*taking, keys.commands["retire"]))
