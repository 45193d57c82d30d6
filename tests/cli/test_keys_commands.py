"""``idp keys``."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner, Result

from idp import cli
from idp.cli.output import moment
from idp.domain.signing_keys import PUBLISHED_AFTER, PUBLISHED_BEFORE
from tests.cli.administration import administration

START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def run(folder: Path, *words: str, now: datetime = START) -> Result:
    made = administration(folder, now=now)
    return CliRunner().invoke(cli.main, ["keys", *words], obj=lambda: made)


def lines(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.output.splitlines()]


def test_keys_are_listed_with_their_states(tmp_path: Path) -> None:
    assert {(line[1], line[2]) for line in lines(run(tmp_path, "list"))} == {("RS256", "signing"), ("ES256", "signing")}


def test_keys_that_were_just_made_are_not_said_to_sign_later(tmp_path: Path) -> None:
    told = lines(run(tmp_path, "list", now=datetime.now(UTC)))
    assert all(line[3] <= moment(datetime.now(UTC)) for line in told)


def test_rotating_makes_the_next_key_and_a_second_one_has_to_wait(tmp_path: Path) -> None:
    ((kid, *rest),) = lines(run(tmp_path, "rotate", "--algorithm", "ES256"))
    assert rest[:2] == ["ES256", "next"]
    again = run(tmp_path, "rotate", "--algorithm", "ES256")
    assert again.exit_code == 1
    assert kid in again.output
    assert run(tmp_path, "rotate", "--algorithm", "EdDSA").exit_code == 1


def test_keys_go_when_their_tokens_have_ended(tmp_path: Path) -> None:
    old = next(line[4] for line in lines(run(tmp_path, "list")) if line[1] == "RS256")
    assert run(tmp_path, "retire", old, "--force").exit_code == 1
    lines(run(tmp_path, "rotate"))
    turned = START + PUBLISHED_BEFORE
    assert "--force" in run(tmp_path, "retire", old, now=turned).output
    assert lines(run(tmp_path, "retire", now=turned)) == []
    assert lines(run(tmp_path, "retire", now=turned + PUBLISHED_AFTER))[0][4] == old
    assert run(tmp_path, "retire", old).exit_code == 1


def test_a_lost_key_goes_at_once(tmp_path: Path) -> None:
    lost = next(line[4] for line in lines(run(tmp_path, "list")) if line[1] == "RS256")
    lines(run(tmp_path, "rotate", "--at-once"))
    assert lines(run(tmp_path, "retire", lost, "--force", now=START + timedelta(seconds=2)))[0][4] == lost


def test_a_key_is_named_by_its_identifier_too(tmp_path: Path) -> None:
    kid = lines(run(tmp_path, "list"))[0][0]
    assert "rotate first" in run(tmp_path, "retire", "--", kid).output
