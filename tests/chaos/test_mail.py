"""The mail server is down, mute, busy or cross; ten thousand mails wait; processes that send are killed."""

import statistics
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from idp.domain.messages import Message
from idp.storage.database import Database
from idp.storage.outbox import Outbox
from tests.app.test_work import work
from tests.chaos.client import Answer, Client
from tests.chaos.figures import Figures, scaled
from tests.chaos.journey import ask_for_code
from tests.chaos.provider import PEOPLE, Provider
from tests.chaos.replica_set import ReplicaSet
from tests.mail.moody_server import Mood, MoodyServer
from tests.mail.smtp_server import HOST
from tests.waiting import wait_until

pytestmark = pytest.mark.chaos

PEOPLE_AT_ONCE = 4
# `idp.app.mail`: so many messages may be in the hands of one process.
IN_HAND = 4
SENDERS = 2
KILLS = 2
OLD_MAIL = "password_changed"


@pytest.fixture
def server() -> Iterator[MoodyServer]:
    with MoodyServer() as made:
        yield made


@contextmanager
def running(folder: Path, replica_set: ReplicaSet, server: MoodyServer, **more: str) -> Iterator[Provider]:
    replica_set.heal()
    smtp = {"IDP_SMTP_HOST": HOST, "IDP_SMTP_PORT": str(server.port), "IDP_SMTP_TIMEOUT": "1"}
    made = Provider(folder, replica_set.uri, smtp | more)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def outbox_of(provider: Provider) -> Iterator[Outbox]:
    settings = provider.environment
    database = Database(settings["IDP_MONGODB_URI"], settings["IDP_MONGODB_DATABASE"])
    try:
        yield Outbox(database)
    finally:
        database.close()


def everybody_asks(provider: Provider, number: int) -> list[tuple[Client, Answer]]:
    """So many people have a code mailed, some at the same time; each sees the page that waits for it."""

    def ask(person: int) -> tuple[Client, Answer]:
        client = Client(provider.port)
        return client, ask_for_code(client, provider.address(person))

    with ThreadPoolExecutor(PEOPLE_AT_ONCE) as pool:
        return list(pool.map(ask, range(number)))


def write_pages(figures: Figures, fault: str, clients: list[Client]) -> None:
    seconds = [answer.seconds for client in clients for answer in client.answers]
    figures.add(fault, "pages", len(seconds))
    figures.add(fault, "median page (ms)", 1000 * statistics.median(seconds))
    figures.add(fault, "slowest page (ms)", 1000 * max(seconds))


@pytest.mark.parametrize("mood", [Mood.AWAY, Mood.MUTE, Mood.LATER])
def test_pages_do_not_wait_for_the_mail_server_and_each_mail_comes_once_when_it_is_well_again(
    mood: Mood, tmp_path: Path, replica_set: ReplicaSet, server: MoodyServer, figures: Figures
) -> None:
    fault, number = f"mail server: {mood}", round(scaled(PEOPLE, 8))
    server.become(mood)
    with running(tmp_path, replica_set, server) as provider, outbox_of(provider) as outbox:
        asked = everybody_asks(provider, number)
        # Every page has come, and the server still has taken nothing.
        write_pages(figures, fault, [client for client, _ in asked])
        assert all("Le message" in page.body or "Le serveur de messagerie" in page.body for _, page in asked)
        assert not server.arrived
        for client, page in asked:
            wait_until(partial(_is_told, client, page.path, "Nouvel essai à"))
        server.become(Mood.WELL)
        mended = time.monotonic()
        wait_until(lambda: not outbox.waiting(now=datetime.now(UTC)), 180)
        figures.add(fault, "last mail after it was well again (s)", server.arrived[-1].at - mended)
        assert server.recipients() == {provider.address(person): 1 for person in range(number)}
        client, page = asked[0]
        assert "a accepté le message à" in client.get(page.path).body


def test_what_the_mail_server_will_never_take_is_told_on_the_page_and_not_sent_again(
    tmp_path: Path, replica_set: ReplicaSet, server: MoodyServer, figures: Figures
) -> None:
    number = round(scaled(PEOPLE, 8))
    server.become(Mood.NEVER)
    with running(tmp_path, replica_set, server) as provider, outbox_of(provider) as outbox:
        asked = everybody_asks(provider, number)
        write_pages(figures, "mail server: 5xx", [client for client, _ in asked])
        for client, page in asked:
            wait_until(partial(_is_told, client, page.path, "a refusé le message à"))
        server.become(Mood.WELL)
        assert not outbox.waiting(now=datetime.now(UTC))
        assert (server.asked, server.arrived) == (number, [])


class Senders:
    """``idp work`` as often as it is wanted, each a process of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, number: int = 1) -> None:
        self._running += [work(self._environment) for _ in range(number)]

    def kill_one(self) -> None:
        """The one that has been running longest."""
        killed = self._running.pop(0)
        killed.kill()
        killed.wait()

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(30)


def fill(outbox: Outbox, live: int, stale: int) -> None:
    """Old mails that wait, some of which nobody waits for any more."""
    now = datetime.now(UTC)
    for kind, number, until in (("live", live, now + timedelta(hours=2)), ("stale", stale, now - timedelta(seconds=1))):
        ago = now - timedelta(minutes=10)
        outbox._put(
            [
                _waiting(Message(f"{kind}-{each}", OLD_MAIL, f"{kind}{each}@x.example", "fr", ago, until, f"R{each}"))
                for each in range(number)
            ]
        )


def _waiting(message: Message) -> dict[str, object]:
    document = asdict(message)
    return {"_id": document.pop("id"), "urgency": 0} | document


def test_fresh_codes_overtake_thousands_and_nothing_is_lost_when_senders_are_killed(
    tmp_path: Path, replica_set: ReplicaSet, server: MoodyServer, figures: Figures
) -> None:
    live = round(scaled(10_000, 400))
    fault, stale = f"{live} mails wait, {SENDERS} senders, {KILLS} of them killed -9", live // 10
    with running(tmp_path, replica_set, server, IDP_WEB_BACKGROUND_WORK="false") as provider:
        senders = Senders(provider.environment)
        with outbox_of(provider) as outbox:
            fill(outbox, live, stale)
            senders.start(SENDERS)
            try:
                people, overtaken = _ask_and_kill(provider, server, senders, live)
                wait_until(lambda: not outbox.waiting(now=datetime.now(UTC)), 900)
            finally:
                senders.stop()
    copies = server.recipients()
    twice = sum(number - 1 for number in copies.values())
    write_pages(figures, fault, [client for client, _ in people])
    # Without the last ones: they wait for the leases of killed processes to end.
    steady = server.arrived[: len(server.arrived) * 9 // 10]
    figures.add(fault, "mails a second", len(steady) / (steady[-1].at - steady[0].at))
    figures.add(fault, "last mail after the first (s)", server.arrived[-1].at - server.arrived[0].at)
    figures.add(fault, "old mails that still came before a fresh code, at most", max(overtaken))
    figures.add(fault, "mails that came twice", twice)
    expected = [f"live{each}@x.example" for each in range(live)]
    expected += [provider.address(person) for person in range(len(people))]
    assert copies.keys() == set(expected)
    # What a killed process had handed over may have been taken: one mail at a time.
    assert twice <= KILLS
    assert max(copies.values()) <= 1 + KILLS
    # Each thread finishes what it has begun, and may be ahead by a few.
    assert max(overtaken) <= 4 * SENDERS * IN_HAND


def _ask_and_kill(
    provider: Provider, server: MoodyServer, senders: Senders, live: int
) -> tuple[list[tuple[Client, Answer]], list[int]]:
    """While the old mails go out: people ask for codes one after the other, and senders are killed."""
    people, overtaken = [], []
    for person in range(round(scaled(20, 4))):
        wait_until(partial(_has_taken, server, (person + 1) * live // 50))
        if person in (1, 3)[:KILLS]:
            senders.kill_one()
            senders.start()
        client = Client(provider.port)
        page = ask_for_code(client, provider.address(person))
        before = len(server.arrived)
        to = provider.address(person)
        wait_until(partial(_has_mail_for, server, to), every=0.01)
        position = [arrival.to for arrival in server.arrived].index(to)
        overtaken.append(max(position - before, 0))
        people.append((client, page))
    return people, overtaken


def _is_told(client: Client, path: str, words: str) -> bool:
    return words in client.get(path).body


def _has_taken(server: MoodyServer, more_than: int) -> bool:
    return len(server.arrived) > more_than


def _has_mail_for(server: MoodyServer, address: str) -> bool:
    return bool(server.recipients()[address])
