"""A load of people who sign in for the first time: each is new, vouched for by a university, and gets a mailed code."""

import base64
import itertools
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sign_in.world import Mails
from idp.demo.authentication_request import RefusedRequest
from idp.demo.ports import free_port
from tests.chaos.client import Answer, Client
from tests.chaos.figures import Figures
from tests.chaos.journey import Stopped, exchange, sign_in_first_time, token_in
from tests.chaos.provider import Provider
from tests.chaos.replica_set import ReplicaSet
from tests.chaos.universities import Universities, University
from tests.mail.smtp_server import HOST
from tests.waiting import wait_until

PEOPLE_AT_ONCE, PEOPLE_REST = 4, 0.1
# A phase goes on until so many from each university have arrived.
ENOUGH = 3


@dataclass(frozen=True)
class Visit:
    """Somebody's first sign-in. phase: in which it began. subject: who they are from now on; empty for a failure."""

    phase: str
    university: str
    subject: str = ""
    failure: str = ""


class FirstSignIns:
    """Goes on until it is stopped; ``visits`` and ``answers`` tell what became of it.

    numbers: of people who have not come yet. enough: people of each university in a phase.
    """

    def __init__(self, provider: Provider, federation: Universities, mails: Mails, enough: int) -> None:
        self.provider, self.federation, self.mails = provider, federation, mails
        self.universities = federation.universities()
        self.visits: list[Visit] = []
        self.answers: list[Answer] = []
        self.numbers = itertools.count(1)
        self._enough = enough
        self._phase = "before"
        self._phases: list[str] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._come, daemon=True) for _ in range(PEOPLE_AT_ONCE)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def go_on(self, phase: str, seconds: float) -> None:
        """A new phase: for so long at least, and until enough people of every university have arrived in it."""
        self._phase = phase
        self._phases.append(phase)
        self._stopping.wait(seconds)
        wait_until(lambda: self.failures() or self._came_enough(phase))

    def failures(self) -> list[str]:
        return [f"{visit.phase}, {visit.university}: {visit.failure}" for visit in list(self.visits) if visit.failure]

    def arrived(self, phase: str) -> Counter[str]:
        """How many arrived at the application, by their university."""
        return Counter(visit.university for visit in list(self.visits) if visit.phase == phase and visit.subject)

    def settle(self, figures: Figures, fault: str) -> None:
        """Stop and write the figures down; everybody has arrived, as somebody of their own."""
        self.stop()
        failures, subjects = self.failures(), [visit.subject for visit in self.visits if visit.subject]
        figures.add(fault, "first sign-ins, each with its code exchanged", len(subjects))
        figures.add(fault, "failed", len(failures))
        figures.add(fault, "fewest from one university in one of the phases", min(map(self._fewest, self._phases)))
        figures.add(fault, "phases", ", ".join(self._phases))
        figures.add(fault, "slowest request (s)", max(answer.seconds for answer in self.answers))
        assert not failures, failures[:5]
        assert all(map(self._came_enough, self._phases))
        assert len(set(subjects)) == len(subjects)

    def _came_enough(self, phase: str) -> bool:
        return self._fewest(phase) >= self._enough

    def _fewest(self, phase: str) -> int:
        arrived = self.arrived(phase)
        return min(arrived[university.slug] for university in self.universities)

    def _come(self) -> None:
        while not self._stopping.wait(PEOPLE_REST * random.uniform(0.5, 1.5)):  # noqa: S311 - scatter, no secret
            number = next(self.numbers)
            university = self.universities[number % len(self.universities)]
            self.visits.append(self._visit(number, university, self._phase))

    def _visit(self, number: int, university: University, phase: str) -> Visit:
        client, person = Client(self.provider.port, timeout=60), university.person(number)
        try:
            code = sign_in_first_time(client, person, university, self.mails.expect(person.typed_mail))
            return Visit(phase, university.slug, subject=_subject(exchange(client, code)))
        except (Stopped, RefusedRequest, TimeoutError) as failure:
            return Visit(phase, university.slug, failure=str(failure) or type(failure).__name__)
        finally:
            self.answers += client.answers


@contextmanager
def first_sign_ins(
    folder: Path, replica_set: ReplicaSet, enough: int = ENOUGH, **settings: str
) -> Iterator[FirstSignIns]:
    """The provider with two universities and a mail server, and people who come for as long as the block lasts."""
    replica_set.heal()
    mails = Mails(free_port())
    provider = Provider(folder, replica_set.uri, {"IDP_SMTP_HOST": HOST, "IDP_SMTP_PORT": str(mails.port)} | settings)
    federation = Universities(provider)
    federation.publish(federation.old_keys())
    with mails.listening(), _running(provider):
        federation.wait_until_in_use()
        load = FirstSignIns(provider, federation, mails, enough)
        load.start()
        try:
            yield load
        finally:
            load.stop()


@contextmanager
def _running(provider: Provider) -> Iterator[None]:
    try:
        provider.start()
        yield
    finally:
        provider.stop()


def _subject(answer: Answer) -> str:
    """Whom the ID token is about; its signature is other tests' matter."""
    if answer.status != 200:
        raise Stopped(answer)
    payload = token_in(answer, "id_token").split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"])
