"""The whole system, for real: provider under gunicorn, portal, universities, SMTP and mailbox, on free ports."""

import random
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page

from idp.demo.launcher import Demo, DemoFailed, Ports
from idp.demo.ports import HOST
from idp.demo.provider_process import START_SECONDS
from idp.storage.database import Database
from idp.storage.leased_queue import WAITING
from tests.journeys.walker import Walker
from tests.waiting import PATIENCE_MS, wait_until

SCREENSHOTS = Path(__file__).parents[2] / "var" / "test-artefacts" / "screenshots"
# Enough requests at a time and in a row to come to every worker.
_AT_ONCE, _IN_A_ROW = 8, 3


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
        return Database(self.mongodb_uri, self.database, timeout_ms=PATIENCE_MS)

    def people(self) -> list[dict[str, Any]]:
        people: list[dict[str, Any]] = requests.get(f"{self.universities}/people.json", timeout=60).json()
        return people

    def person(self, mail: str) -> dict[str, Any]:
        return next(person for person in self.people() if person["mail"] == mail)

    def mails(self, to: str) -> list[Mail]:
        """All that was mailed to this address so far.

        What the provider has yet to send is waited for: who counts here counts no mail of an earlier request as new.
        """
        wait_until(lambda: self.stored.collection("outbox").find_one(WAITING) is None)
        messages = requests.get(f"{self.mailbox}/messages.json", timeout=60).json()
        return [
            Mail(_one(message["to"]), message["subject"], message["text"], message["html"])
            for message in messages
            if _one(message["to"]) == to
        ]

    def next_mail(self, to: str, already: int) -> Mail:
        """The newest mail with a code, of those after the first ``already``; notices may come between.

        Whoever asks counts before the mail is sent: an address that several tests share has older codes, too.
        """
        mails = [mail for mail in self.mails(to)[already:] if mail.has_code]
        assert mails, f"no new code to {to}"
        return mails[-1]

    def next_code(self, to: str, already: int) -> str:
        return self.next_mail(to, already).code

    def log(self) -> str:
        return (self.folder / "logs" / "provider.log").read_text()


def _one(to: str | list[str]) -> str:
    return to if isinstance(to, str) else to[0]


def wait_until_everywhere(holds: Callable[[], bool]) -> None:
    """Until every worker answers so; ``holds`` asks once, over a connection of its own."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        wait_until(lambda: all(all(pool.map(lambda _: holds(), range(_AT_ONCE))) for _ in range(_IN_A_ROW)))


@contextmanager
def _free_base() -> Iterator[int]:
    """Ports that are ours as long as this lasts, outside of the range from which the kernel takes any port.

    Whoever has the last one of a base has the base: two runs that found the same ones free would both begin there.
    """
    for base in random.sample(range(20_000, 30_000, 50), 200):
        with socket.socket() as claim:
            try:
                claim.bind((HOST, base + 49))
                Ports(base).check_free()
            except (OSError, DemoFailed):
                continue
            yield base
            return
    raise AssertionError("no free ports")


class _Quick(Demo):
    """The demo with settings for the suite: in its own process alone, whichever tests come after in ours."""

    def __init__(self, ports: Ports, folder: Path, settings: dict[str, str]) -> None:
        self._settings = settings
        super().__init__(ports, folder, lambda line: None)

    def environment(self) -> dict[str, str]:
        return super().environment() | self._settings


@pytest.fixture(scope="session")
def system(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Everything that ``make demo`` starts, on its own ports and its own database."""
    with _free_base() as base:
        yield from _running(Ports(base), mongodb_uri, tmp_path_factory.mktemp("demo"))


def _running(ports: Ports, mongodb_uri: str, folder: Path) -> Iterator[System]:
    database = f"journeys_{secrets.token_hex(6)}"
    # Faster for the suite: hashing, and looking at the folder. Slower: to give up a database on a machine that pauses.
    # Every other setting is the product's.
    settings = {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database,
        "IDP_MONGODB_TIMEOUT_MS": str(PATIENCE_MS),
        "IDP_PASSWORDS_BCRYPT_COST": "5",
        "IDP_LOG_LEVEL": "debug",
        "IDP_FEDERATION_REFRESH_SECONDS": "1",
    }
    demo = _Quick(ports, folder, settings)
    stopping, problems = threading.Event(), list[Exception]()

    def run() -> None:
        try:
            demo.run(stopping)
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
    assert not problems, problems


def _wait_until_ready(url: str, problems: list[Exception]) -> None:
    def is_ready() -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{url}/readyz", timeout=20).status_code == 200
        return False

    wait_until(lambda: problems or is_ready(), START_SECONDS)
    assert not problems, problems


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
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def go_on_without_scripts(page: Page, step: str) -> None:
    """Press the button of a page that sends itself where there are scripts; there, nothing is pressed in between."""
    with page.context.new_page() as blank:
        if blank.evaluate("matchMedia('(scripting: enabled)').matches"):
            return
    page.locator(f"main[data-step='{step}'] button").click()


def screenshot(page: Page, name: str) -> None:
    """Keep a picture of the page as an artefact of the run."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
