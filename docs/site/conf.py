"""The site of the documentation: ``make docs`` builds it, warnings being errors, without a network."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1])]

from docs.site import reference  # noqa: E402

project = "uness-idp"
language = "en"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "UNESS sign-in"
html_baseurl = ""
html_copy_source = False
exclude_patterns = ["site", "images"]
myst_heading_anchors = 4
# Diagrams stay text.
suppress_warnings = ["misc.highlighting_failure"]


def setup(app: object) -> None:
    """Write what the code itself says before anything is read."""
    reference.write(HERE.parent / "reference")
