"""Makes sure that there is a Chromium to test with; run by ``make test``.

One found on the machine is taken; else the distribution's package when we are root; else Playwright's own download.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The first has no windows at all: everything that happens in a browser takes two thirds of the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find_browser() -> str | None:
    """The path of a Chromium: TEST_BROWSER, one on PATH, or Playwright's own."""
    given = os.environ.get("TEST_BROWSER")
    if given:
        return given
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _install() -> None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], check=False, env=environment)
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "fonts-dejavu-core"]
        for name in NAMES[:2]:  # older distributions have the second alone
            if subprocess.run([*install, name], check=False, env=environment).returncode == 0:
                return
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> None:
    if find_browser() is None:
        _install()
    if find_browser() is None:
        sys.exit(
            "The tests need a Chromium and none could be installed: install the package « chromium » of your "
            "distribution, or set TEST_BROWSER to the path of one."
        )


if __name__ == "__main__":
    main()
