"""Accounts that nobody uses are told by mail and closed, on the real stores: day after day, and cut at every step."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idp import app as application
from idp import settings
from idp.app import Services, assistance, own_account, processes
from idp.app.mail import mail_delivery
from idp.app.pages import create_app
from idp.cli.person_rows import sheet_rows
from idp.domain.accounts import Account
from idp.domain.errors import ServiceUnavailable
from idp.domain.inactivity import InactivityState
from idp.domain.one_time_codes import CodePurpose, OneTimeCode
from idp.domain.proofing import Proofing, ProofingState
from idp.domain.releases import Release
from idp.domain.sessions import ACR_BASIC
from idp.flows.inactivity import AN_HOUR, LEASE, InactivityFlow
from idp.storage.audit import AuditTrail
from idp.storage.closed_accounts import ClosedAccounts
from idp.storage.database import Database
from idp.storage.devices import DeviceStore
from idp.storage.grants import GrantStore
from idp.storage.inactivity import InactivityStore
from idp.storage.limits import LimitStore
from idp.storage.outbox import Outbox
from idp.storage.passkeys import PasskeyStore
from idp.storage.proofings import ProofingStore
from idp.storage.sweeps import SweepStore
from idp.web.helpdesk import _facts
from tests.flows.one_person import ADDRESS, environment
from tests.profiled import profiled

OTHER = "ines@agence.example"
UNUSED, NOTICE = 365, 30
# What the database itself forgets by its own clock is still there then.
BEGINNING = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = BEGINNING

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Years:
    """The provider's background work, day after day, and a mail server that says yes, or something else."""

    services: Services
    flow: InactivityFlow
    clock: Clock
    answer: str = "done"

    @property
    def now(self) -> datetime:
        return self.clock.now

    @now.setter
    def now(self, moment: datetime) -> None:
        self.clock.now = moment

    def work(self) -> None:
        while self.flow.look_next(self.now):
            pass
        outbox = self.services.stores.outbox
        outbox.drop_expired(now=self.now)
        while self.answer != "nothing" and (claim := outbox.claim("w", now=self.now, lease=DAY)):
            getattr(outbox, self.answer)(claim, "as it is", now=self.now)

    def pass_days(self, days: int) -> "Years":
        """From one moment at which something is due to the next."""
        end = self.now + DAY * days
        while self.now < end:
            self.now = min(end, max(self.next_look(), self.now + timedelta(minutes=1)))
            self.work()
        return self

    def next_look(self) -> datetime:
        first = self.services.database.collection("accounts").find_one({}, sort=[("inactivity.look_at", 1)])
        assert first is not None
        at: datetime = first["inactivity"]["look_at"]
        return at

    def until_told(self) -> datetime:
        """Go on until the mail has left; returns the day that it says."""
        self.work()
        self.pass_days(UNUSED - 1)
        assert self.mails() == []
        self.pass_days(2)
        (mail,) = self.mails()
        return datetime.fromisoformat(mail["fields"]["closes"]).replace(tzinfo=UTC)

    def go_to_the_last_minute(self) -> None:
        """Before the account is closed."""
        found = self.account().inactivity
        assert found is not None
        assert found.notice is not None
        self.pass_days((found.notice.closes_at - self.now).days - 1)
        self.now = found.notice.closes_at - timedelta(minutes=1)
        self.work()
        assert not self.account().disabled

    def account(self, account_id: str = "account-1") -> Account:
        found = self.services.stores.accounts.find(account_id)
        assert found is not None
        return found

    def state(self) -> str | None:
        found = self.account().inactivity
        return str(found.state) if found else None

    def mails(self, kind: str = "account_unused") -> list[dict[str, Any]]:
        return list(self.services.database.collection("outbox").find({"kind": kind}))

    def events(self) -> list[str]:
        return [str(event["event"]) for event in self.services.stores.audit.by_account("account-1")]


@pytest.fixture
def years(indexed_database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> Years:
    configured = settings.load(
        environment(tmp_path, mongodb_uri, keys_folder)
        | {
            "IDP_RETENTION_INACTIVE_DAYS": str(UNUSED),
            "IDP_RETENTION_INACTIVE_NOTICE_DAYS": str(NOTICE),
            "IDP_HELPDESK_ENABLED": "true",
            "IDP_HELPDESK_OPERATORS": "aide@univ-exemple.fr",
        }
    )
    clock = Clock()
    services = application.build(configured, database=indexed_database, clock=clock)
    services.stores.accounts.create(
        Account("account-1", "subject-1", BEGINNING - timedelta(days=2000), addresses=(ADDRESS,))
    )
    return Years(services, own_account.inactivity(services), clock)


def test_an_account_that_nobody_uses_is_told_and_then_closed(years: Years) -> None:
    closes = years.until_told()
    mail = years.mails()[0]
    assert (mail["to"], mail["state"], mail["fields"]["since"]) == (ADDRESS, "done", BEGINNING.date().isoformat())
    assert closes.date() >= (mail["attempts"][0]["at"] + timedelta(days=NOTICE)).date()
    assert years.state() == "told"
    while years.now.date() < closes.date() - DAY:
        years.pass_days(1)
    assert not years.account().disabled
    years.pass_days(3)
    closed = years.account()
    assert closed.is_closed(years.now)
    assert closed.reopens_until is not None
    assert closed.reopens_until - years.now > timedelta(days=27)
    assert [one["fields"]["change"] for one in years.mails("account_closed")] == ["unused"]
    assert years.events() == ["account.inactive", "account.closed"]
    references = {event["reference"] for event in years.services.stores.audit.by_account("account-1")}
    assert references == {mail["reference"]}, "the whole story under one reference"


def test_who_has_it_back_is_counted_anew_and_who_has_not_is_erased(years: Years) -> None:
    years.until_told()
    years.pass_days(NOTICE + 5)
    assert years.services.stores.closed_accounts.reopen("account-1", now=years.now)
    years.pass_days(UNUSED - NOTICE - 20)
    assert (years.account().disabled, years.state(), len(years.mails())) == (False, "", 1)
    years.pass_days(NOTICE + 20)
    assert years.state() == "told"
    years.pass_days(NOTICE + 5 + 31)
    assert own_account.erasure(years.services).erase_next(years.now)
    assert years.services.stores.accounts.find("account-1") is None


def test_every_address_is_told_in_the_language_of_the_account(years: Years) -> None:
    years.services.database.collection("accounts").update_one({}, {"$push": {"addresses": OTHER}})
    years.work()
    years.pass_days(UNUSED + 1)
    assert {mail["to"] for mail in years.mails()} == {ADDRESS, OTHER}


USES: dict[str, Callable[[Years], object]] = {
    "sign-in": lambda years: years.services.stores.audit.append(
        "sign_in.succeeded", at=years.now, reference="R", account_id="account-1"
    ),
    "release": lambda years: years.services.stores.releases.note(
        "account-1", Release("told", frozenset({"email"}), years.now)
    ),
    "password": lambda years: years.services.stores.accounts.set_password("account-1", "x", now=years.now),
    "proof": lambda years: years.services.stores.accounts.renew_proof(
        years.account(), identities=(), attributes={}, now=years.now
    ),
}


@pytest.mark.parametrize("use", USES)
def test_whatever_the_person_does_keeps_it(years: Years, use: str) -> None:
    years.work()
    years.pass_days(200)
    USES[use](years)
    used = years.now
    years.pass_days(UNUSED - 2)
    assert years.mails() == []
    years.pass_days(4)
    assert [mail["fields"]["since"] for mail in years.mails()] == [used.date().isoformat()]


@pytest.mark.parametrize("use", USES)
def test_a_sign_in_on_the_last_day_keeps_it(years: Years, use: str) -> None:
    years.until_told()
    years.go_to_the_last_minute()
    USES[use](years)
    years.pass_days(60)
    assert (years.account().disabled, years.state()) == (False, "")
    assert "account.inactive_over" in years.events()


@pytest.mark.parametrize("use", USES)
def test_a_sign_in_while_it_is_being_closed_keeps_it(years: Years, monkeypatch: pytest.MonkeyPatch, use: str) -> None:
    """A process that was held up for a while goes on with what it read before."""
    years.until_told()
    years.go_to_the_last_minute()
    count = years.services.stores.limits.count

    def meanwhile(*args: Any, **named: Any) -> bool:
        monkeypatch.undo()
        USES[use](years)
        return count(*args, **named)

    monkeypatch.setattr(LimitStore, "count", lambda _, *args, **named: meanwhile(*args, **named))
    years.pass_days(60)
    assert (years.account().disabled, years.state()) == (False, "")
    assert years.events().count("account.inactive_over") == 1


def test_what_others_do_to_an_account_is_no_use(years: Years) -> None:
    years.work()
    years.pass_days(UNUSED - 5)
    for event in ("sign_in.failed", "sign_in.mail_limit", "helpdesk.viewed", "request.refused"):
        years.services.stores.audit.append(event, at=years.now, reference="R", account_id="account-1")
    years.pass_days(7)
    assert len(years.mails()) == 1


@pytest.mark.parametrize("answer", ["refused", "nothing"])
def test_who_could_not_be_told_is_not_closed_and_told_again_later(years: Years, answer: str) -> None:
    years.work()
    years.answer = answer
    years.pass_days(UNUSED + 5)
    assert years.state() == "untold"
    assert years.events() == ["account.inactive", "account.inactive_untold"]
    assert years.services.stores.inactivity.counted() == {"due": 0, "told": 0, "untold": 1}
    years.pass_days(80)
    assert len(years.mails()) == 1
    assert not years.account().disabled
    years.answer = "done"
    years.pass_days(12)
    assert (len(years.mails()), years.state()) == (2, "told")
    years.pass_days(NOTICE - 6)
    assert not years.account().disabled, "the whole of the notice counts from the mail that left"
    years.pass_days(9)
    assert years.account().disabled


@pytest.mark.parametrize("kind", ["helper", "invited", "disabled"])
def test_some_are_never_told_and_count_from_the_day_when_that_ends(years: Years, kind: str) -> None:
    accounts = years.services.database.collection("accounts")
    until = years.now + timedelta(days=9999)
    became: dict[str, dict[str, Any]] = {
        "helper": {"addresses": ["aide@univ-exemple.fr"]},
        "invited": {"invited": {"role": "jury", "until": until}},
        "disabled": {"disabled": True},
    }
    was = {"addresses": [ADDRESS], "invited": None, "disabled": False}
    accounts.update_one({}, {"$set": became[kind]})
    years.work()
    years.pass_days(UNUSED * 2 + 40)
    accounts.update_one({}, {"$set": was})
    years.pass_days(150)
    assert years.mails() == []
    years.pass_days(UNUSED)
    assert len(years.mails()) == 1


def test_who_becomes_exempt_after_the_mail_is_not_closed(years: Years) -> None:
    years.until_told()
    years.services.database.collection("accounts").update_one({}, {"$push": {"addresses": "aide@univ-exemple.fr"}})
    years.pass_days(60)
    assert not years.account().disabled
    assert years.events() == ["account.inactive", "account.inactive_over"]


def test_nobody_is_closed_who_is_about_to_type_a_code(years: Years) -> None:
    years.until_told()
    years.go_to_the_last_minute()
    ends = years.now + timedelta(minutes=10)
    code = OneTimeCode("c", CodePurpose.SIGN_IN, "browser", ADDRESS, years.now, ends, account_id="account-1")
    years.services.stores.codes.issue(code, now=years.now)
    years.now = ends - timedelta(minutes=1)
    years.work()
    assert not years.account().disabled
    years.pass_days(1)
    assert years.account().disabled


def test_nor_who_is_about_to_prove_who_they_are(years: Years) -> None:
    years.until_told()
    years.go_to_the_last_minute()
    ends = years.now + timedelta(minutes=10)
    under_way = Proofing(
        "p", "browser", "z", "https://idp.example", "_r", "REF", years.now, ends, ProofingState.VOUCHED, address=ADDRESS
    )
    years.services.stores.proofings.put(under_way, link_hash="link")
    years.now = ends - timedelta(minutes=1)
    years.work()
    assert not years.account().disabled
    years.pass_days(1)
    assert years.account().disabled


def test_nobody_is_closed_who_is_signed_in(years: Years) -> None:
    years.until_told()
    years.go_to_the_last_minute()
    _, anonymous = years.services.browser_sessions.open()
    years.services.browser_sessions.sign_in(
        anonymous, account_id="account-1", methods=("pwd",), acr=ACR_BASIC, device=None, now=years.now
    )
    years.pass_days(60)
    assert (years.account().disabled, years.state()) == (False, "")


def test_notices_and_closings_of_an_hour_are_limited(years: Years) -> None:
    for number in range(AN_HOUR + 9):
        address = f"p{number}@univ-exemple.fr"
        years.services.stores.accounts.create(
            Account(f"p{number}", f"s{number}", BEGINNING - timedelta(days=900), addresses=(address,))
        )
    years.work()
    years.pass_days(UNUSED - 1)
    years.now += DAY
    years.work()
    assert years.services.stores.inactivity.counted() == {"due": 10, "told": AN_HOUR, "untold": 0}
    years.pass_days(8)
    assert years.services.stores.inactivity.counted() == {"due": 0, "told": AN_HOUR + 10, "untold": 0}
    years.now += DAY * (NOTICE + 3)
    accounts = years.services.database.collection("accounts")
    accounts.update_many({}, {"$set": {"inactivity.look_at": years.now, "inactivity.notice.closes_at": years.now}})
    years.work()
    assert accounts.count_documents({"disabled": True}) == AN_HOUR
    years.pass_days(1)
    assert accounts.count_documents({"disabled": True}) == AN_HOUR + 10


def test_workers_that_look_at_once_tell_and_close_once(years: Years) -> None:
    years.work()
    years.pass_days(UNUSED - 1)
    for days in (1, NOTICE + 3):
        for _ in range(days):
            years.now += DAY
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda _: [years.flow.look_next(years.now) for _ in range(4)], range(8)))
            years.work()
    assert len(years.mails()) == 1
    assert len(years.mails("account_closed")) == 1
    assert years.events() == ["account.inactive", "account.closed"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("step", "nth"),
    [
        *(((Outbox, "put"), nth) for nth in range(1, 5)),
        *(((InactivityStore, "record"), nth) for nth in (1, 2, 3)),
        # What closing does, in its order.
        *(((InactivityStore, "record"), nth) for nth in range(NOTICE + 1, NOTICE + 6)),
        ((SweepStore, "put"), 1),
        ((ClosedAccounts, "close"), 1),
        ((GrantStore, "revoke_account"), 1),
        ((DeviceStore, "forget_account"), 1),
        ((PasskeyStore, "remove_account"), 1),
        ((ProofingStore, "void_account"), 1),
        ((AuditTrail, "append"), 1),
        ((AuditTrail, "append"), 2),
    ],
)
def test_killed_anywhere_it_is_told_and_closed_once(
    years: Years, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], nth: int, when: str
) -> None:
    """The database is away before, or just after, the nth mail or mark: nothing is lost and nothing comes twice."""
    years.services.database.collection("accounts").update_one({}, {"$push": {"addresses": OTHER}})
    years.work()
    years.pass_days(UNUSED - 1)
    original, calls = getattr(*step), [0]

    def cut(*args: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == nth and when == "before":
            raise ServiceUnavailable("database", "away")
        result = original(*args, **named)
        if calls[0] == nth:
            raise ServiceUnavailable("database", "away")
        return result

    monkeypatch.setattr(*step, cut)
    ends = years.now + DAY * (NOTICE + 6)
    while years.now < ends:
        try:
            years.pass_days((ends - years.now).days + 1)
        except ServiceUnavailable:
            years.now += LEASE
    assert calls[0] >= nth
    assert sorted(mail["to"] for mail in years.mails()) == [OTHER, ADDRESS]
    assert {mail["to"] for mail in years.mails("account_closed")} <= {ADDRESS, OTHER}
    assert years.mails("account_closed")
    assert years.account().is_closed(years.now)
    assert years.events().count("account.inactive") == 1
    assert years.events().count("account.closed") in (1, 2)
    assert years.services.database.collection("sweeps").count_documents({"account_id": "account-1"})


def test_a_clock_that_is_a_year_ahead_closes_and_tells_nobody(years: Years) -> None:
    years.until_told()
    years.services.stores.accounts.create(Account("young", "s", years.now, addresses=(OTHER,)))
    years.work()
    right = years.now
    years.now += timedelta(days=365)
    years.work()
    years.pass_days(5)
    assert not years.account().disabled
    assert len(years.mails()) == 1
    years.now = right
    years.work()
    years.pass_days(UNUSED - 10)
    assert not years.account().disabled
    assert len(years.mails()) == 1
    years.pass_days(20)
    assert len(years.mails()) == 3, "from the day on which the clock was right again"


def test_a_clock_that_goes_back_an_hour_changes_nothing(years: Years) -> None:
    closes = years.until_told()
    years.now -= timedelta(hours=1)
    years.work()
    while years.now.date() < closes.date() + DAY * 2:
        years.pass_days(1)
    assert (years.account().disabled, len(years.mails())) == (True, 1)


@pytest.mark.parametrize("days", [10, 400])
def test_what_nobody_watched_counts_as_used(years: Years, days: int) -> None:
    """The work stood still, or an old backup was restored: what people did meanwhile may be unknown."""
    years.until_told()
    years.now += DAY * days
    years.work()
    years.pass_days(UNUSED - 5)
    assert (years.account().disabled, len(years.mails())) == (False, 1)
    years.pass_days(7)
    assert len(years.mails()) == 2


def test_where_the_rule_is_off_nobody_stays_told(years: Years) -> None:
    years.until_told()
    assert years.services.stores.inactivity.forget_next(years.now)
    assert not years.services.stores.inactivity.forget_next(years.now)
    assert years.account().inactivity is None


def test_a_longer_time_calls_off_what_was_announced(years: Years) -> None:
    years.until_told()
    years.flow = replace(years.flow, rule=replace(years.flow.rule, unused=timedelta(days=900)))
    years.pass_days(60)
    assert not years.account().disabled
    assert years.state() == InactivityState.IN_USE


def test_whoever_helps_and_the_person_see_it(years: Years) -> None:
    years.until_told()
    years.pass_days(1)
    sheet = assistance.people(years.services).show("account-1")
    assert sheet is not None
    assert sheet.inactivity is not None
    assert sheet.inactivity.notice is not None
    assert sheet.inactivity.notice.handed_over_at is not None
    assert [row[0] for row in sheet_rows(sheet) if "closes" in " ".join(row)] == ["unused"]
    with create_app(years.services).test_request_context():
        assert dict(_facts(sheet))["Inutilisé"][-1].startswith("fermeture")
    story = [entry.event for entry in assistance.timeline(years.services).of_account("account-1")]
    assert set(story) == {"account.inactive", "mail.queued", "mail.accepted"}


def test_the_background_work_keeps_to_the_rule_and_forgets_it_where_it_is_off(years: Years) -> None:
    work = processes._deadlines(years.services, mail_delivery(years.services))._work
    assert not work("w", years.now)
    assert years.state() == ""
    years.until_told()
    configured = years.services.settings
    off = replace(configured, retention=replace(configured.retention, inactive_days=0))
    services = replace(years.services, settings=off)
    work = processes._deadlines(services, mail_delivery(services))._work
    while work("w", years.now):
        continue
    assert years.state() is None


def test_accounts_to_look_at_are_found_by_an_index(years: Years) -> None:
    years.work()
    with profiled(years.services.database, "accounts") as operations:
        years.flow.look_next(years.now)
    (done,) = operations
    assert "COLLSCAN" not in done["planSummary"]
    assert done["docsExamined"] == 0
