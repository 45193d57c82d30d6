"""How commands print."""

import pytest

from idp.cli.output import progress


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
