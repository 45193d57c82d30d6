"""Every mail as a mail program shows it, narrow and wide; pictures are kept where the environment says PICTURES=1."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

import idp
from idp.mail.messages import MessageRenderer
from tests.mail.test_messages import ISSUER, SECRET, message

PICTURES = Path(__file__).parents[2] / "var" / "test-artefacts" / "mails"
TRANSLATIONS = Path(idp.__file__).parent / "translations"
EVERY_KIND = sorted(
    folder.name for folder in (Path(idp.__file__).parent / "mail" / "templates").iterdir() if folder.is_dir()
)
FIELDS = {
    "code_record_id": "record-2",
    "change": "added",
    "changed": "zoe@exemple.org",
    "closes": "2027-05-04",
    "days": "30",
    "erased": "2027-06-03",
    "name": "Téléphone",
    "sign_in_url": "https://idp.example.org/account",
    "since": "2025-03-01",
}
WIDTHS = {"small": 320, "phone": 360, "desktop": 800}
# Nowhere does a line end by itself in the longer half.
LONG = "annesophie.delatour.bernard.lefebvre@etudiant.universite.exemple.fr"


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("locale", ["fr", "en", None])
@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_mail_fits_its_window_and_asks_nobody_for_anything(window: Page, kind: str, locale: str | None) -> None:
    renderer = MessageRenderer(SECRET, ISSUER, service_name="UNESS", help_url="", translations=TRANSLATIONS)
    asked: list[str] = []

    def hear(request: Request) -> None:
        asked.append(request.url)

    window.on("request", hear)
    window.set_content(renderer.render(message(kind, to=LONG, locale=locale, fields=FIELDS)).html)
    for name, width in WIDTHS.items():
        window.set_viewport_size({"width": width, "height": 700})
        if os.environ.get("PICTURES"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            window.screenshot(path=PICTURES / f"{kind}.{locale or 'both'}.{name}.png", full_page=True)
        assert window.evaluate("document.documentElement.scrollWidth") <= width
    window.remove_listener("request", hear)
    assert not asked
