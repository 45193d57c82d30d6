"""How commands print."""

import json

import pytest

from idp.cli.output import echo_json, echo_rows, faults_told, progress
from idp.domain.errors import ServiceUnavailable


def test_long_work_says_that_it_goes_on_and_leaves_standard_output_alone(capfd: pytest.CaptureFixture[str]) -> None:
    seen = ""
    with progress("Checking", every=0.001):
        while not seen.startswith("Checking.."):
            seen += capfd.readouterr().err
    out, rest = capfd.readouterr()
    assert out == ""
    assert (seen + rest).endswith(".\n")


def test_work_that_is_done_at_once_needs_no_word(capfd: pytest.CaptureFixture[str]) -> None:
    with progress("Checking", every=3600):
        pass
    assert capfd.readouterr() == ("", "")


def test_work_that_fails_leaves_nobody_talking() -> None:
    with pytest.raises(ValueError, match="cut off"), progress("Checking", every=0.001):
        raise ValueError("cut off")


def test_what_others_wrote_makes_no_line_and_no_column_and_says_nothing_to_the_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    echo_rows([("account", "Inès\tMartin\nroot", "\x1b]0;mine\x07\x9b2J", "\u202egpj.exe", "l’été 😀")])
    (line,) = capfd.readouterr().out.splitlines()
    assert line.split("\t") == [
        "account",
        r"Inès\tMartin\nroot",
        r"\x1b]0;mine\x07\x9b2J",
        r"\u202egpj.exe",
        "l’été 😀",
    ]


REFUSED = "db:27017: [Errno 111] Connection refused"
FAILED = "Authentication failed."


@pytest.mark.parametrize(
    ("part", "detail", "told"),
    [
        (
            "database",
            f"ServerSelectionTimeoutError: {REFUSED} (configured timeouts: socketTimeoutMS: 5000.0ms), Timeout: 4.9s, "
            "Topology Description: <TopologyDescription id: 6b0c, servers: []>",
            f"database unavailable: ServerSelectionTimeoutError: {REFUSED}; look at mongodb.uri (IDP_MONGODB_URI), and "
            "at what `idp doctor` says",
        ),
        (
            "database",
            f"OperationFailure: {FAILED}, full error: {{'ok': 0.0, 'errmsg': '{FAILED}'}}",
            f"database unavailable: OperationFailure: {FAILED}; look at mongodb.uri (IDP_MONGODB_URI), and at what "
            "`idp doctor` says",
        ),
        ("bounces", "/var/mail/new: Permission denied", "bounces unavailable: /var/mail/new: Permission denied"),
    ],
    ids=["away", "refusing", "no database"],
)
def test_what_does_not_answer_is_one_line_for_an_administrator(part: str, detail: str, told: str) -> None:
    with pytest.raises(SystemExit) as ended, faults_told():
        raise ServiceUnavailable(part, detail)
    assert ended.value.code == told


def test_json_speaks_to_no_terminal_either_and_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    told = {"name": "Inès\x9b2J\x1b]0;mine\x07", "file": "\u202egpj.exe\x7f\u2028"}
    echo_json(told)
    printed = capsys.readouterr().out
    assert not {"\x9b", "\x1b", "\x07", "\u202e", "\x7f", "\u2028"} & set(printed)
    assert "Inès" in printed
    assert json.loads(printed) == told
