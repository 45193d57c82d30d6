"""Quick runs of the benchmarks: what they print, and the figures in it."""

import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def printed(folder: Path, *parts: str) -> str:
    """What a quick run of these parts prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--folder", str(folder), *parts],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def figures(tables: str, title: str, row: str) -> list[str]:
    """The cells of one row of the table with this title."""
    _, _, rest = tables.partition(f"\n{title}\n")
    lines = rest.split("\n\n")[0].splitlines()
    found = [line for line in lines if re.match(rf" *{re.escape(row)}  ", line)]
    assert found, f"no row « {row} » under « {title} » in:\n{tables}"
    return re.split(r" {2,}", found[0].strip())[1:]
