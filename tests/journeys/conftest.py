"""The whole system, for real: provider under gunicorn, portal, universities, SMTP and mailbox, on free ports."""

import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page

from idp.demo.launcher import Demo, Ports
from idp.storage.database import Database
from tests.journeys.walker import Walker

SCREENSHOTS = Path(__file__).parents[2] / "var" / "test-artefacts" / "screenshots"


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    text: str
    html: str

    @property
    def has_code(self) -> bool:
        return re.match(r"\d{6}\b", self.subject) is not None

    @property
    def code(self) -> str:
        assert self.has_code, self.subject
        return self.subject[:6]

    @property
    def link(self) -> str:
        links = [line for line in self.text.splitlines() if re.fullmatch(r"https?://\S+", line)]
        assert len(links) == 1, self.text
        return links[0]


@dataclass(frozen=True)
class System:
    """Addresses of the running parties, and what tests read from them."""

    provider: str
    portal: str
    universities: str
    mailbox: str
    mongodb_uri: str
    database: str
    folder: Path

    @cached_property
    def stored(self) -> Database:
        """What the provider keeps, over one connection for all tests: opening one takes longer than most tests do."""
        return Database(self.mongodb_uri, self.database)

    def people(self) -> list[dict[str, Any]]:
        people: list[dict[str, Any]] = requests.get(f"{self.universities}/people.json", timeout=10).json()
        return people

    def person(self, mail: str) -> dict[str, Any]:
        return next(person for person in self.people() if person["mail"] == mail)

    def mails(self, to: str) -> list[Mail]:
        messages = requests.get(f"{self.mailbox}/messages.json", timeout=10).json()
        return [
            Mail(_one(message["to"]), message["subject"], message["text"], message["html"])
            for message in messages
            if _one(message["to"]) == to
        ]

    def next_mail(self, to: str, already: int, seconds: float = 15) -> Mail:
        """The newest mail with a code, once one came after the first ``already``; notices may come between.

        Whoever asks counts before the mail is sent: an address that several tests share has older codes, too.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            mails = [mail for mail in self.mails(to)[already:] if mail.has_code]
            if mails:
                return mails[-1]
            time.sleep(0.1)
        raise AssertionError(f"no new code to {to}")

    def next_code(self, to: str, already: int) -> str:
        return self.next_mail(to, already).code

    def log(self) -> str:
        return (self.folder / "logs" / "provider.log").read_text()


def _one(to: str | list[str]) -> str:
    return to if isinstance(to, str) else to[0]


def _free_base() -> int:
    for _ in range(200):
        base = 20_000 + 50 * secrets.randbelow(200)
        if all(_is_free(base + offset) for offset in (0, 1, 2, 3, 25)):
            return base
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="session")
def system(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Everything that ``make demo`` starts, on its own ports and its own database."""
    base = _free_base()
    folder = tmp_path_factory.mktemp("demo")
    database = f"journeys_{base}"
    ports = Ports(base)
    # Faster for the suite: hashing, and looking at the folder. Every other setting is the product's.
    environment = {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database,
        "IDP_PASSWORDS_BCRYPT_COST": "5",
        "IDP_LOG_LEVEL": "debug",
        "IDP_FEDERATION_REFRESH_SECONDS": "1",
    }
    os.environ.update(environment)
    stopping, problems = threading.Event(), []

    def run() -> None:
        try:
            Demo(ports, folder, lambda line: None).run(stopping)
        except Exception as error:  # noqa: BLE001 - told to the test below
            problems.append(error)

    thread = threading.Thread(target=run, name="demo")
    thread.start()
    try:
        _wait_until_ready(ports.url("fournisseur"), problems)
        made = System(
            provider=ports.url("fournisseur"),
            portal=ports.url("portail"),
            universities=ports.url("universités"),
            mailbox=ports.url("boîte aux lettres"),
            mongodb_uri=mongodb_uri,
            database=database,
            folder=folder,
        )
        yield made
        made.stored.close()
    finally:
        stopping.set()
        thread.join(60)
        for name in environment:
            os.environ.pop(name, None)
    assert not problems, problems


def _wait_until_ready(url: str, problems: list[Exception]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not problems:
        try:
            if requests.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise AssertionError(f"the system did not start: {problems}")


@pytest.fixture(autouse=True)
def _fresh_limits(request: pytest.FixtureRequest) -> None:
    """Tests of one run share addresses and a network address: what one has used up does not limit the next."""
    if "system" in request.fixturenames:
        system: System = request.getfixturevalue("system")
        system.stored.collection("limits").delete_many({})


@pytest.fixture
def walker() -> Walker:
    """A script that follows forms."""
    return Walker()


@pytest.fixture(params=["scripts on", "scripts off"])
def context(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh browser profile, once with JavaScript and once without."""
    made = chromium.new_context(java_script_enabled=request.param == "scripts on")
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def screenshot(page: Page, name: str) -> None:
    """Keep a picture of the page as an artefact of the run."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
