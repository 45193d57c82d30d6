"""A browser without a screen: follows redirects, fills forms, keeps cookies; over HTTP or in this process."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import requests
from flask import Flask
from lxml import html


class WrongPage(Exception):
    """The provider answered something else than the journey needs."""


@dataclass(frozen=True)
class Page:
    """Where the browser stands: an answer of the provider, or where that sends it. text: empty where it is JSON."""

    url: str
    status: int
    location: str
    text: str

    def form(self, part: str) -> tuple[str, dict[str, str]]:
        """Address and fields of the form whose address ends so."""
        for form in html.document_fromstring(self.text).forms:
            if urlsplit(form.action or "").path.endswith(part):
                fields = {name: value for name, value in form.fields.items() if value is not None}
                return urljoin(self.url, form.action), fields
        raise WrongPage(f"no form {part} on {self.url} ({self.status}): {self.text[-600:]}")


class Browser(Protocol):
    """One person's browser."""

    def get(self, url: str, *, bearer: str = "") -> Page: ...

    def post(self, url: str, fields: dict[str, str], *, basic: tuple[str, str] | None = None) -> Page: ...


class HttpBrowser:
    """Over HTTP, to a server on this machine. home: what counts as the provider's. requests: sent so far."""

    def __init__(self, home: str) -> None:
        self._home = home
        self.requests = 0
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, url: str, *, bearer: str = "") -> Page:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self._followed(self._session.get(url, headers=headers, allow_redirects=False, timeout=60))

    def post(self, url: str, fields: dict[str, str], *, basic: tuple[str, str] | None = None) -> Page:
        return self._followed(self._session.post(url, fields, auth=basic, allow_redirects=False, timeout=60))

    def close(self) -> None:
        self._session.close()

    def _followed(self, answer: requests.Response) -> Page:
        self.requests += 1
        url, location = answer.url, answer.headers.get("Location", "")
        target = urljoin(url, location)
        if location and target.startswith(f"{self._home}/"):
            return self.get(target)
        return Page(url, answer.status_code, target if location else "", answer.text)


class InProcessBrowser:
    """In this process, without a network. home: the issuer."""

    def __init__(self, app: Flask, home: str) -> None:
        self._home = home
        self._client = app.test_client()

    def get(self, url: str, *, bearer: str = "") -> Page:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        path, query = urlsplit(url).path, urlsplit(url).query
        answer = self._client.get(path, query_string=query, base_url=self._home, headers=headers)
        return self._followed(url, answer.status_code, answer.headers.get("Location", ""), answer.text)

    def post(self, url: str, fields: dict[str, str], *, basic: tuple[str, str] | None = None) -> Page:
        answer = self._client.post(urlsplit(url).path, data=fields, base_url=self._home, auth=basic)
        return self._followed(url, answer.status_code, answer.headers.get("Location", ""), answer.text)

    def _followed(self, url: str, status: int, location: str, text: str) -> Page:
        target = urljoin(url, location)
        if location and target.startswith(f"{self._home}/"):
            return self.get(target)
        return Page(url, status, target if location else "", text)
