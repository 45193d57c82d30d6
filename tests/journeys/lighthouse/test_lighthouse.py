"""Lighthouse gives the pages full marks for accessibility and best practices; run by ``make lighthouse``."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.install_browser import find_browser
from tests.journeys.conftest import System
from tests.journeys.test_student import choose_password, give_address, press, prove_at_university, start_at_portal, step

PROJECT = Path(__file__).parent
VAR = PROJECT.parents[2] / "var"
INSTALLED = VAR / "lighthouse"
REPORTS = VAR / "test-artefacts" / "lighthouse"
MAIL = "elise.lavague@etu.univ-rivemarine.fr"
CATEGORIES = ("accessibility", "best-practices")

pytestmark = pytest.mark.skipif(
    "LIGHTHOUSE" not in os.environ, reason="takes minutes and 200 npm packages: make lighthouse"
)


@pytest.fixture(scope="session")
def lighthouse() -> Path:
    """The program, installed at its locked version."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js with npm is not installed")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for file in PROJECT.glob("*.json"):
        shutil.copy(file, INSTALLED)
    installed = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"], cwd=INSTALLED, capture_output=True, text=True, timeout=600
    )
    if installed.returncode:
        pytest.skip(f"npm could not install lighthouse: {installed.stderr.strip()[-300:]}")
    return INSTALLED / "node_modules" / "lighthouse" / "cli" / "index.js"


@pytest.fixture
def debugging_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def page(chromium: Browser, debugging_port: int, tmp_path: Path) -> Iterator[Page]:
    """A window whose cookies Lighthouse shares."""
    context = chromium.browser_type.launch_persistent_context(
        tmp_path,
        executable_path=find_browser(),
        args=["--no-sandbox", "--disable-gpu", "--no-first-run", f"--remote-debugging-port={debugging_port}"],
    )
    yield context.pages[0]
    context.close()


def test_the_pages_of_the_journeys_have_full_marks(
    page: Page, system: System, lighthouse: Path, debugging_port: int
) -> None:
    marks: dict[str, dict[str, int]] = {}
    already = len(system.mails(MAIL))

    def audit(name: str) -> None:
        step(page, name)
        marks[name] = _marks(lighthouse, debugging_port, page.url, name)

    start_at_portal(page, system)
    audit("email")
    give_address(page, MAIL)
    audit("sign-in")
    prove_at_university(page, system, MAIL)
    audit("check-mailbox")
    page.fill("#code", system.next_code(MAIL, already))
    press(page, "Continuer")
    audit("new-password")
    choose_password(page)
    page.goto(f"{system.provider}/account")
    audit("account")
    page.context.clear_cookies(name="idp_session")
    page.goto(f"{system.provider}/account")
    give_address(page, MAIL)
    press(page, "Recevoir le code")
    audit("code")
    (REPORTS / "marks.json").write_text(json.dumps(marks, indent=2))
    assert marks == {name: dict.fromkeys(CATEGORIES, 100) for name in marks}


def _marks(lighthouse: Path, port: int, url: str, name: str) -> dict[str, int]:
    """Marks from 0 to 100 by category."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / name
    command = ["node", str(lighthouse), url, f"--port={port}", "--disable-storage-reset", "--quiet"]
    command += [f"--only-categories={','.join(CATEGORIES)}", "--output=json", "--output=html"]
    subprocess.run([*command, f"--output-path={report}"], check=True, timeout=180, cwd=INSTALLED)
    found = json.loads(Path(f"{report}.report.json").read_text("utf-8"))
    assert found["finalDisplayedUrl"] == url, "Lighthouse must have seen this page, not the one before"
    return {category: round(found["categories"][category]["score"] * 100) for category in CATEGORIES}
