"""``idp keys saml``: add, switch, remove, each in its time."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner, Result

from idp import cli
from idp.flows.saml_key_administration import KEPT_AFTERWARDS, PUBLISHED_FIRST
from tests.cli.administration import administration

START = datetime.now(UTC).replace(microsecond=0)


def _run(folder: Path, *words: str, now: datetime = START) -> Result:
    made = administration(folder, now=now)
    return CliRunner().invoke(cli.main, ["keys", "saml", *words], obj=lambda: made)


def _states(folder: Path) -> list[tuple[str, str]]:
    found = json.loads(_run(folder, "list", "--json").stdout)
    return [(key["name"], key["state"]) for key in found]


def test_keys_are_replaced_in_three_steps(tmp_path: Path) -> None:
    assert _states(tmp_path) == [("saml-1", "signing")]
    assert _run(tmp_path, "add").stdout.split("\t")[:2] == ["saml-2", "next"]
    assert _states(tmp_path) == [("saml-1", "signing"), ("saml-2", "next")]
    switched = START + PUBLISHED_FIRST
    assert _run(tmp_path, "switch", now=switched).exit_code == 0
    assert _states(tmp_path) == [("saml-1", "old"), ("saml-2", "signing")]
    early = _run(tmp_path, "remove", now=switched + timedelta(days=1))
    assert early.exit_code == 1
    assert early.output == f"universities may encrypt to saml-1 until {switched + KEPT_AFTERWARDS:%Y-%m-%d}; --force\n"
    assert _run(tmp_path, "remove", now=switched + KEPT_AFTERWARDS).stdout.startswith("saml-1\t")
    assert _states(tmp_path) == [("saml-2", "signing")]


def test_steps_out_of_their_time_are_refused_unless_forced(tmp_path: Path) -> None:
    assert _states(tmp_path) == [("saml-1", "signing")]
    assert "add one first" in _run(tmp_path, "switch").output
    unswitched = _run(tmp_path, "remove", "--force")
    assert (unswitched.exit_code, "switch" in unswitched.output) == (1, True)
    _run(tmp_path, "add")
    assert "saml-2 waits" in _run(tmp_path, "add").output
    early = _run(tmp_path, "switch", now=START + timedelta(days=1))
    assert (early.exit_code, "--force" in early.output) == (1, True)
    assert _run(tmp_path, "switch", "--force").exit_code == 0
    assert _run(tmp_path, "remove", "--force").stdout.startswith("saml-1\t")
    assert "add one first" in _run(tmp_path, "switch", "--force").output
