"""The scans of ``make lint`` tell what they found, and what they could not look at."""

from pathlib import Path

from tests.security_scan import UNTOLD, findings, no_secret

FAULT = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}]}
FINE = {"name": "new", "version": "2.0", "vulns": []}


def test_an_advisory_that_nobody_answered_is_told() -> None:
    assert findings([FINE, FAULT]) == "old 1.0: PYSEC-2026-1, mended in ['1.1']\n"
    assert findings([FINE]) == ""


def test_where_no_advisories_are_told_nothing_counts_as_fine_or_faulty() -> None:
    assert findings([]) == UNTOLD
    assert (
        findings([{"name": "old", "skip_reason": "not found"}, {"name": "new", "skip_reason": "not found"}]) == UNTOLD
    )


def test_a_key_in_a_file_is_found(tmp_path: Path) -> None:
    left, fine = tmp_path / "left.py", tmp_path / "fine.py"
    left.write_text("KEY = '''-----BEGIN RSA " + "PRIVATE KEY-----\nMIIB\n'''\n")
    fine.write_text("KEY = None\n")
    assert not no_secret([str(left), str(fine)])
    assert no_secret([str(fine)])
