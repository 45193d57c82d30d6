"""Every case of the list of attacks has its test, found by the case's number in the test's name."""

import re
from pathlib import Path

CASES = {f"{number:02d}" for number in range(1, 51)}


def test_every_security_case_has_a_test() -> None:
    names = [
        name
        for file in Path(__file__).parent.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert {case for name in names for case in re.findall(r"o_(\d\d)(?=_)", name)} == CASES


def test_no_security_case_is_left_out_of_a_run() -> None:
    """Skipping, or expecting to fail, would be a hole that nobody sees."""
    mark = re.compile(r"@pytest\.mark\.(?:skip|xfail)\w*[^@]*?\ndef (test_\w*o_\d\d_\w+)")
    files = Path(__file__).parent.rglob("test_*.py")
    assert [name for file in files for name in mark.findall(file.read_text(encoding="utf-8"))] == []
