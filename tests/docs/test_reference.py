"""The pages that are made from the code hold all of it."""

import re

import click
import pytest

from docs.site import reference
from idp import cli
from idp.settings import Settings
from idp.settings_reader import keys

PAGES = reference.pages()


def test_every_setting_stands_there_with_what_it_is_for() -> None:
    told = reference.comments()
    for key in keys(Settings):
        assert f"`{key.variable}`" in PAGES["settings"]
        assert key.name in told, f"{key.name} is not in config/default.toml"
    assert told["mongodb.timeout_ms"].startswith("How long one operation may take")


def test_default_toml_names_no_setting_that_is_not_there() -> None:
    assert reference.comments().keys() <= {key.name for key in keys(Settings)}


def test_every_command_stands_there_with_its_help() -> None:
    def names(command: click.Command, path: str) -> list[str]:
        inner = command.commands if isinstance(command, click.Group) else {}
        return [path, *(name for word, one in inner.items() for name in names(one, f"{path} {word}"))]

    for name in names(cli.main, "idp"):
        assert f"## {name}\n\n```text\nUsage: {name}" in PAGES["commands"], name


def test_errors_are_told_in_both_languages() -> None:
    (row,) = re.findall(r"^\| `password\.too_short` \| (.+) \| (.+) \|$", PAGES["errors"], re.MULTILINE)
    assert row[0].startswith("Ajoutez des caractères")
    assert row[1].startswith("Add some characters")


@pytest.mark.parametrize("name", ["idp_sign_ins_total", "idp_password_hash_seconds", "idp_events_total"])
def test_metrics_stand_there_by_the_name_that_prometheus_reads(name: str) -> None:
    assert f"| `{name}` |" in PAGES["metrics"]
