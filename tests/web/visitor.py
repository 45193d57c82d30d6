"""A person in front of the pages, in this process: follows redirects as far as they stay with the provider."""

import re
from types import MappingProxyType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.test import Cookie, TestResponse

from idp.app import Services, create_app

# Shared by all tests of a process: what a library writes into it would reach every browser after that.
HOST = MappingProxyType({"Host": "localhost:5000"})
ISSUER = "http://localhost:5000"


_APPLICATIONS: dict[int, tuple[Services, Flask]] = {}


def application_of(services: Services) -> Flask:
    """One for all browsers: making it and compiling its templates takes longer than most of what they do."""
    if id(services) not in _APPLICATIONS:
        _APPLICATIONS[id(services)] = services, create_app(services)
    return _APPLICATIONS[id(services)][1]


class Visitor:
    """One browser. ``last``: the answer that it stands at."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self.last: TestResponse

    def get(self, path: str, **query: str) -> Self:
        self.last = self._client.get(path, query_string=query or None, headers=HOST)
        return self._follow()

    def press(self, button: str, **typed: str) -> Self:
        """Send the form with this button."""
        for form in self.tree.xpath("//form[@method='post']"):
            if " ".join(form.find(".//button").text_content().split()).startswith(button):
                sent = form.xpath(".//input[@name][not(@type='checkbox') or @checked]")
                fields = {field.get("name"): field.get("value") or "" for field in sent}
                self.last = self._client.post(form.get("action"), data=fields | typed, headers=HOST)
                return self._follow()
        raise AssertionError(f"no button « {button} » on {self.step}")

    def send(self, path: str, **fields: str) -> Self:
        """Post these fields with this page's token, as a form of it would, whatever forms it has."""
        token = self.tree.xpath("//input[@name='csrf_token']/@value|//input/@data-csrf-token")[0]
        self.last = self._client.post(path, data={"csrf_token": token} | fields, headers=HOST)
        return self._follow()

    def keep_cookie(self, name: str, value: str) -> None:
        """Have this cookie from an earlier visit."""
        self._client.set_cookie(name, value)

    @property
    def cookies(self) -> dict[str, Cookie]:
        """What this browser keeps, by name."""
        return {cookie.key: cookie for cookie in (self._client._cookies or {}).values()}

    @property
    def tree(self) -> html.HtmlElement:
        return html.document_fromstring(self.last.text)

    @property
    def step(self) -> str | None:
        found = self.tree.xpath("//main/@data-step") if "html" in self.last.headers.get("Content-Type", "") else []
        return str(found[0]) if found else None

    @property
    def text(self) -> str:
        return " ".join(self.tree.find(".//main").text_content().split())

    @property
    def timeless(self) -> str:
        """The same without times of day: two pages may be a second apart."""
        return re.sub(r"\d\d:\d\d(:\d\d)?", "", self.text)

    @property
    def location(self) -> str:
        return self.last.headers.get("Location", "")

    @property
    def answer(self) -> dict[str, str]:
        """What the browser carries away to the client."""
        parts = urlsplit(self.location)
        return dict(parse_qsl(parts.fragment or parts.query))

    def _follow(self) -> Self:
        while self._is_led_on and self.location.startswith("/"):
            self.last = self._client.get(self.location, headers=HOST)
        return self

    @property
    def _is_led_on(self) -> bool:
        """Whether the answer leads elsewhere, by GET: 307 has browsers send what was typed there as well (O-49)."""
        if self.last.status_code // 100 != 3:
            return False
        assert self.last.status_code == 303, f"{self.last.status_code} to {self.location}"
        return True
