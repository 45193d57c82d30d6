"""A person without a browser window: follows pages and posts forms, as a script against the hosted pages would."""

from dataclasses import dataclass
from urllib.parse import urljoin

import requests
from lxml import html

from tests.waiting import PATIENCE_SECONDS


@dataclass(frozen=True)
class Form:
    """One form of a page: where it goes and what it sends if nothing is typed."""

    action: str
    method: str
    fields: dict[str, str]
    button: str


class Page:
    """An answer, with its step and its forms."""

    def __init__(self, walker: "Walker", response: requests.Response) -> None:
        self.walker = walker
        self.response = response
        self.status = response.status_code
        self.url = response.url
        self.text = response.text
        is_html = "html" in response.headers.get("Content-Type", "") and response.text.strip()
        self.tree = html.fromstring(response.text) if is_html else html.fromstring("<p></p>")

    @property
    def step(self) -> str | None:
        found = self.tree.xpath("//main/@data-step")
        return found[0] if found else None

    @property
    def reference(self) -> str | None:
        found = self.tree.xpath("//main/@data-reference")
        return found[0] if found else None

    @property
    def main_text(self) -> str:
        found = self.tree.xpath("//main")
        return " ".join(found[0].text_content().split()) if found else ""

    def forms(self) -> list[Form]:
        return [self._form(element) for element in self.tree.xpath("//form")]

    def form(self, button: str, having: str | None = None) -> Form:
        """The form with this button (its visible text begins so), perhaps also with this field."""
        for form in self.forms():
            if form.button.startswith(button) and (having is None or having in form.fields):
                return form
        raise AssertionError(f"no form « {button} » at {self.url} ({self.status}, {self.step}): {self.main_text[:300]}")

    def submit(self, button: str, having: str | None = None, **typed: str) -> "Page":
        return self.walker.submit(self.form(button, having or next(iter(typed), None)), **typed)

    def _form(self, element: html.FormElement) -> Form:
        fields = {
            control.get("name"): control.get("value") or ""
            for control in element.xpath(".//input[@name]")
            if control.get("type") not in ("submit", "button", "checkbox") or control.get("checked") is not None
        }
        buttons = element.xpath(".//button")
        button = " ".join(buttons[0].text_content().split()) if buttons else ""
        return Form(urljoin(self.url, element.get("action") or self.url), element.get("method", "get"), fields, button)


class Walker:
    """One browser's worth of cookies. ``host`` cookies of other ports are shared, as in a real browser."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "fr"

    def get(self, url: str, **more: object) -> Page:
        return Page(self, self.session.get(url, timeout=PATIENCE_SECONDS, **more))  # type: ignore[arg-type]

    def post(self, url: str, data: object = None, **more: object) -> Page:
        return Page(self, self.session.post(url, data=data, timeout=PATIENCE_SECONDS, **more))  # type: ignore[arg-type]

    def last_redirect(self, url: str, beginning: str) -> str:
        """Follow redirects from here to the first address that begins so, which nobody needs to serve."""
        for _ in range(10):
            url = urljoin(url, self.get(url, allow_redirects=False).response.headers.get("Location", ""))
            if url.startswith(beginning):
                return url
        raise AssertionError(f"never came to {beginning}, but to {url}")

    def submit(self, form: Form, **typed: str) -> Page:
        fields = form.fields | typed
        if form.method.lower() == "post":
            return self.post(form.action, fields)
        return self.get(form.action, params=fields)
