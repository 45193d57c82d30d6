"""The pages that are made from the code hold all of it."""

import re

import click
import pytest

from docs.site import reference
from docs.site.refusals import raised
from idp import cli
from idp.settings import Settings
from idp.settings_reader import keys

PAGES = reference.pages()


def test_every_setting_stands_there_with_what_it_is_for() -> None:
    told = reference.comments()
    for key in keys(Settings):
        assert f"`{key.variable}`" in PAGES["settings"]
        assert told.get(key.name), f"{key.name} is not told in config/default.toml"
    assert told["mongodb.timeout_ms"].startswith("How long one operation may take")


def test_a_setting_stands_there_with_its_default_and_what_is_accepted() -> None:
    rows = re.findall(r"^\| `(?:timeout_ms|tls|eddsa)` .+$", PAGES["settings"], re.MULTILINE)
    assert [row.split(" | ")[2:4] for row in rows] == [
        ["`5000`", "a whole number from 100 to 600000"],
        ['`"none"`', "one of none, starttls, tls"],
        ["`false`", "true or false"],
    ]


def test_what_stands_in_angle_brackets_is_no_element_of_the_page() -> None:
    assert "in &lt;var_dir>/secret_key" in PAGES["settings"]
    assert "Name &lt;mail address>" in PAGES["settings"]


def test_keys_that_share_a_comment_are_all_told_by_it() -> None:
    told = reference.comments()
    assert told["tokens.id_token_seconds"] == told["tokens.code_seconds"]
    assert told["helpdesk.client_id"] != told["helpdesk.operators"]


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


@pytest.mark.parametrize(
    ("reason", "status"),
    [("proofing.mail_missing", "403"), ("request.too_large", "413"), ("service.unavailable", "503")],
)
def test_a_page_is_told_with_its_http_status(reason: str, status: str) -> None:
    assert re.search(rf"^\| (?:`[^|]+`, )?`{re.escape(reason)}` \| {status} \| ", PAGES["errors"], re.MULTILINE)


def test_a_reason_without_words_of_its_own_stands_with_its_family() -> None:
    (family,) = re.findall(r"^\| (`saml`.+?) \|", PAGES["errors"], re.MULTILINE)
    assert "`saml.duplicate_id`" in family
    for reason in raised():
        assert f"`{reason}`" in PAGES["errors"], reason


@pytest.mark.parametrize(
    ("error", "status", "description"),
    [
        ("invalid_client", "401", "Client authentication failed"),
        ("invalid_request", "400, 413, to the application", "code_challenge_method must be S256"),
        ("consent_required", "to the application", "The person has to agree"),
        ("unmet_authentication_requirements", "to the application", "No sign-in here has that class"),
    ],
)
def test_an_error_of_oauth_is_told_with_its_status_and_descriptions(error: str, status: str, description: str) -> None:
    (row,) = re.findall(rf"^\| `{error}` \| (.+?) \| (.*) \|$", PAGES["errors"], re.MULTILINE)
    assert row[0] == status
    assert description in row[1]


def test_a_claim_is_told_with_the_attribute_that_it_comes_from() -> None:
    assert "| `supann_etu_id` | supannEtuId |" in PAGES["claims"]


@pytest.mark.parametrize(
    "name", ["idp_sign_ins_total", "idp_password_hash_seconds", "idp_events_total", "idp_mail_waiting"]
)
def test_metrics_stand_there_by_the_name_that_prometheus_reads(name: str) -> None:
    assert f"| `{name}` |" in PAGES["metrics"]


def test_metrics_stand_there_with_their_labels() -> None:
    assert "| `idp_sign_ins_total` | counter | method, outcome |" in PAGES["metrics"]
    assert "| `idp_federation_providers` | gauge | file |" in PAGES["metrics"]
