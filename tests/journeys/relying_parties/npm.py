"""Relying parties with packages of the Node.js world."""

import shutil
import subprocess
from pathlib import Path

import pytest

_INSTALLED = Path(__file__).parents[3] / "var" / "relying_parties"


def installed(project: Path) -> Path:
    """Where this project's files are, with its packages at their locked versions. Skips the test without npm."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js with npm is not installed")
    folder = _INSTALLED / project.name
    folder.mkdir(parents=True, exist_ok=True)
    for file in project.iterdir():
        shutil.copy(file, folder)
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        pytest.skip(f"npm could not install {project.name}: {done.stderr.strip()[-300:]}")
    return folder
