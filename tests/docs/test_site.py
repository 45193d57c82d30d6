"""The site builds without a warning, and asks nobody else for anything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-c", "docs/site", "-d", str(built / "trees"), "docs", str(built)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return built


def test_every_page_is_there(site: Path) -> None:
    for page in ("index", "tutorial", "how-to/mail-not-received", "reference/settings", "explanation/trust"):
        assert (site / f"{page}.html").is_file()
    assert "IDP_MONGODB_URI" in (site / "reference" / "settings.html").read_text()


def test_no_page_asks_another_site_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        asked = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text())
        assert asked == [], page.name


def test_every_link_of_the_site_leads_to_a_file_of_it(site: Path) -> None:
    for page in site.rglob("*.html"):
        for link in set(re.findall(r'<a [^>]*href="([^"#?]+)[^"]*"', page.read_text())):
            assert "://" in link or link.startswith("mailto:") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_no_link_of_the_site_is_left_as_it_was_written(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert re.findall(r'href="(#[^"]*/[^"]*)"', page.read_text()) == [], page.name
