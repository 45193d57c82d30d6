"""A steady mixed load: people who sign in, applications that exchange codes and refresh, and probes."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.client import CLIENT_SECONDS, Answer, Client
from tests.chaos.figures import Figures
from tests.chaos.journey import Code, Stopped, authorize_silently, exchange, refresh, sign_in, token_in
from tests.chaos.ledger import Family, Ledger
from tests.chaos.provider import OFFLINE, PEOPLE, Provider

FAMILIES_PER_CLIENT = 4
PROBES = ("/.well-known/openid-configuration", "/jwks", "/healthz", "/readyz")
# Each of them: how many at a time, and how long one rests between two of its rounds.
PEOPLE_AT_ONCE, PEOPLE_REST = 3, 0.6
APPLICATIONS_AT_ONCE, APPLICATIONS_REST = 3, 0.3
PROBE_REST = 0.3


class Load:
    """Runs until it is stopped; ``answers`` and ``probes`` are what the provider said, ``ledger`` what it promised."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.ledger = Ledger()
        self.answers: list[Answer] = []
        self.probes: list[Answer] = []
        self.surprises: list[str] = []
        self._numbers = itertools.count()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for _ in range(PEOPLE_AT_ONCE):
            self._spawn(self._person, PEOPLE_REST)
        for _ in range(APPLICATIONS_AT_ONCE):
            self._spawn(self._application(), APPLICATIONS_REST)
        for path in PROBES:
            self._spawn(self._probe(path), PROBE_REST)

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def run_for(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def mark(self) -> float:
        """Now, for picking out what came after it."""
        return time.time()

    def probed(self, path: str, since: float, until: float | None = None) -> list[Answer]:
        ended = until or time.time()
        return [answer for answer in list(self.probes) if answer.path == path and since <= answer.started < ended]

    def gap(self, since: float) -> float:
        """The longest time, in seconds, in which nothing that needs the database went well."""
        good = sorted(
            answer.started + answer.seconds for answer in list(self.answers) if answer.status in (200, 302, 303)
        )
        times = [since, *(moment for moment in good if moment >= since)]
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    def outcomes(self, since: float) -> Counter[str]:
        return Counter(answer.outcome for answer in list(self.answers) if answer.started >= since)

    def slowest(self, since: float) -> float:
        return max((answer.seconds for answer in list(self.answers) if answer.started >= since), default=0.0)

    def settle(self, figures: Figures, fault: str, since: float) -> None:
        """Stop, write the figures down, and hold the provider to what it promised."""
        self.stop()
        self.provider.wait_until_ready()
        lost = self.ledger.lost(self.provider.port)
        self._write(figures, fault, since, lost)
        audited = self.provider.audited()
        figures.add(fault, "events of the security log / false alarms", f"{audited.proven} / {len(audited.findings)}")
        assert self.ledger.codes, "no load"
        assert audited.proven
        assert not audited.findings, audited.findings[:5]
        assert self.ledger.double_grants() == 0
        assert not lost, lost[:5]
        assert not self.surprises, self.surprises[:5]
        assert not self._timed_out(), f"no answer within {CLIENT_SECONDS} s: {self._timed_out()[:5]}"

    def _timed_out(self) -> list[str]:
        every = [*self.answers, *self.probes]
        return [answer.path.partition("?")[0] for answer in every if answer.outcome == "timed out"]

    def _write(self, figures: Figures, fault: str, since: float, lost: list[str]) -> None:
        outcomes = self.outcomes(since)
        # 400: a code that is shown again, as the load does on purpose; any other one is a surprise.
        good = ("200", "302", "303", "400")
        errors = {outcome: number for outcome, number in outcomes.items() if outcome not in good}
        figures.add(fault, "requests", outcomes.total())
        figures.add(fault, "gap without a good answer (s)", self.gap(since))
        figures.add(fault, "errors", ", ".join(f"{name}: {number}" for name, number in sorted(errors.items())) or 0)
        figures.add(fault, "slowest request (s)", self.slowest(since))
        for path in PROBES[:3]:
            probed = self.probed(path, since)
            figures.add(fault, f"slowest {path} (s)", max((answer.seconds for answer in probed), default=0.0))
        figures.add(fault, "codes exchanged / granted twice", f"{self._granted()} / {self.ledger.double_grants()}")
        figures.add(fault, "acknowledged and lost", len(lost))
        figures.add(fault, "families ended by an outcome nobody knew", self.ledger.families_ended())

    def _granted(self) -> int:
        return sum(number > 0 for number in self.ledger.codes.values())

    def _spawn(self, work: Callable[[], None], rest: float) -> None:
        def run() -> None:
            while not self._stopping.wait(rest * random.uniform(0.5, 1.5)):  # noqa: S311 - scatter, no secret
                work()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _person(self) -> None:
        """Sign in in a new browser, and go to the application."""
        client = Client(self.provider.port)
        try:
            code = sign_in(client, self.provider.address(next(self._numbers) % PEOPLE))
        except Stopped:
            code = None
        self._keep(client)
        if code is not None:
            self.ledger.signed_in(client)
            self._exchange_twice(code)

    def _exchange_twice(self, code: Code) -> None:
        """As an application whose first try hangs does: the same code again, at the same time and once more after."""
        clients = [Client(self.provider.port) for _ in range(3)]
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda client: exchange(client, code), clients[:2]))
        for answer in (*both, exchange(clients[2], code)):
            self.ledger.exchanged(code.value, answer)
        for client in clients:
            self._keep(client, expected=(400,))

    def _application(self) -> Callable[[], None]:
        families: list[Family] = []

        def work() -> None:
            if len(families) < FAMILIES_PER_CLIENT:
                self._new_family(families)
                return
            family = families.pop(0)
            families.append(family)
            if family.is_over:
                families.remove(family)
                return
            client = Client(self.provider.port)
            self.ledger.refreshed(family, refresh(client, family.token))
            self._keep(client, expected=(400,) if family.is_over else ())

        return work

    def _new_family(self, families: list[Family]) -> None:
        client = Client(self.provider.port)
        try:
            code = sign_in(client, self.provider.address(next(self._numbers) % PEOPLE), OFFLINE)
            self.ledger.signed_in(client)
            answer = exchange(client, code)
            self.ledger.exchanged(code.value, answer)
            if answer.status == 200:
                families.append(Family(token_in(answer, "refresh_token")))
                self.ledger.families.append(families[-1])
            authorize_silently(client)
        except Stopped:
            pass
        self._keep(client)

    def _probe(self, path: str) -> Callable[[], None]:
        client = Client(self.provider.port)

        def probe() -> None:
            self.probes.append(client.get(path))

        return probe

    def _keep(self, client: Client, expected: tuple[int, ...] = ()) -> None:
        for answer in client.answers:
            if fault := _fault(answer, expected):
                self.surprises.append(fault)
        self.answers += client.answers


def _fault(answer: Answer, expected: tuple[int, ...]) -> str | None:
    """What is wrong with an answer as such, whatever was asked."""
    path = answer.path.partition("?")[0]
    if answer.status == 503 and "retry-after" not in answer.headers:
        return f"{path}: 503 without Retry-After"
    if answer.status in (0, 200, 302, 303, 503, *expected):
        return None
    return f"{path}: {answer.status} {answer.body[:200]}"
