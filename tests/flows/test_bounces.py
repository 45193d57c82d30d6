"""Mail that came back: flagged on the account, told on the page, believed of our own messages alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp.domain.accounts import Account, Bounce
from idp.domain.errors import ServiceUnavailable
from idp.domain.messages import Delivery, DeliveryState, Message, message_id
from idp.flows.bounces import BounceFlow
from idp.mail.maildir import Maildir
from idp.storage.accounts import AccountStore
from idp.storage.database import Database
from idp.storage.outbox import Outbox
from tests.audit_trail import audit_trail
from tests.mail.reports import report

NOW = datetime(2050, 9, 1, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
TO = "zoe@univ-exemple.fr"
OURS = message_id("a", "example.org")


class CutShort(Outbox):
    """The database goes away between the two writes."""

    def returned(self, *_: object, **__: object) -> Message | None:
        raise ServiceUnavailable("database", "away")


class World:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.outbox = Outbox(database)
        self.accounts = AccountStore(database)
        self.audit = database.collection("audit")
        self.flow = BounceFlow(self.outbox, self.accounts, audit_trail(database), "example.org")
        self.accounts.create(Account("zoe", "subject", NOW, addresses=(TO, "zoe@perso.example")))

    def put(self) -> None:
        self.outbox.put(Message("a", "sign_in_code", TO, "fr", NOW, NOW + timedelta(minutes=10), "REF-1"))

    def send(self) -> None:
        self.put()
        claim = self.outbox.claim("one", now=NOW, lease=timedelta(minutes=1))
        assert claim is not None
        self.outbox.done(claim, "250 OK", now=NOW)

    def bounces(self) -> tuple[Bounce, ...]:
        account = self.accounts.find("zoe")
        assert account is not None
        return account.bounces


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_a_bounce_flags_the_address_and_is_told_to_whoever_waits(world: World) -> None:
    world.send()
    assert world.flow.take(report(OURS, TO), now=LATER) == 1
    assert world.bounces() == (Bounce(TO, LATER, "5.1.1"),)
    assert world.outbox.last_delivery("REF-1", TO) == Delivery(DeliveryState.REFUSED, LATER)
    event = world.audit.find_one({"event": "mail.returned"})
    assert event is not None
    assert (event["reference"], event["account_id"]) == ("REF-1", "zoe")
    assert "no such user here" in event["fields"]["reply"]


def test_the_audit_trail_outlives_the_account_and_holds_no_address_that_a_server_quotes(world: World) -> None:
    world.send()
    quoting = f"550 5.1.1 <{TO}>: user zoe unknown in Zoe's table (forwarded to zoe@other.example)"
    assert world.flow.take(report(OURS, TO, diagnostic=quoting), now=LATER) == 1
    event = world.audit.find_one({"event": "mail.returned"})
    assert event is not None
    assert event["fields"]["reply"].endswith("550 5.1.1 <…>: user … unknown in …'s table (forwarded to …)")
    (mail,) = world.outbox.history(addresses=(TO,))
    assert mail.attempts[-1].reply.endswith(quoting), "word for word, as long as the mail is kept"


def test_a_bounce_counts_once_and_the_newest_word_stands(world: World) -> None:
    world.send()
    assert world.flow.take(report(OURS, TO), now=LATER) == 1
    assert world.flow.take(report(OURS, TO), now=LATER + timedelta(minutes=1)) == 0
    world.accounts.note_bounce(Bounce(TO, LATER + timedelta(days=1), "5.2.2"))
    assert world.bounces() == (Bounce(TO, LATER + timedelta(days=1), "5.2.2"),)


def test_a_report_that_was_half_noted_is_noted_whole_the_next_time(world: World) -> None:
    world.send()
    cut_short = replace(world.flow, outbox=CutShort(world.database))
    with pytest.raises(ServiceUnavailable):
        cut_short.take(report(OURS, TO), now=LATER)
    assert world.flow.take(report(OURS, TO), now=LATER) == 1
    assert world.bounces() == (Bounce(TO, LATER, "5.1.1"),)
    assert world.audit.count_documents({"event": "mail.returned"}) == 1


def test_an_old_report_does_not_flag_an_address_that_was_read_since(world: World) -> None:
    world.send()
    world.flow.take(report(OURS, TO), now=LATER)
    world.accounts.forget_bounce(TO)
    assert world.flow.take(report(OURS, TO), now=LATER + timedelta(minutes=1)) == 0
    assert world.bounces() == ()


def test_reading_mail_there_again_takes_the_flag_away(world: World) -> None:
    world.accounts.note_bounce(Bounce(TO, NOW, "5.1.1"))
    world.accounts.note_bounce(Bounce("zoe@perso.example", NOW, "5.1.1"))
    world.accounts.forget_bounce(TO)
    assert [bounce.address for bounce in world.bounces()] == ["zoe@perso.example"]


def test_delays_are_told_only_so_often_and_the_end_all_the_same(world: World) -> None:
    world.send()
    delayed = report(OURS, TO, action="delayed", status="4.4.1")
    assert sum(world.flow.take(delayed, now=LATER) for _ in range(60)) == 49
    assert world.flow.take(report(OURS, TO), now=LATER) == 1


def test_a_delay_is_told_and_flags_nothing(world: World) -> None:
    world.send()
    assert world.flow.take(report(OURS, TO, action="delayed", status="4.4.1"), now=LATER) == 1
    assert world.bounces() == ()
    assert world.outbox.last_delivery("REF-1", TO) == Delivery(DeliveryState.DEFERRED, LATER)


@pytest.mark.parametrize(
    "forged",
    [
        report("<b@example.org>", TO),
        report(OURS, "somebody.else@univ-exemple.fr"),
        report(OURS, "zoe@perso.example"),
        report(message_id("a", "example.net"), TO),
        b"Subject: hello\n\n",
    ],
)
def test_a_forged_report_changes_nothing(world: World, forged: bytes) -> None:
    world.send()
    assert world.flow.take(forged, now=LATER) == 0
    assert world.bounces() == ()
    assert world.outbox.last_delivery("REF-1", TO) == Delivery(DeliveryState.ACCEPTED, NOW)


def test_a_report_about_a_message_that_never_left_changes_nothing(world: World) -> None:
    world.put()
    assert world.flow.take(report(OURS, TO), now=LATER) == 0
    assert world.outbox.last_delivery("REF-1", TO) == Delivery(DeliveryState.WAITING, NOW)


def test_a_folder_is_read_mail_by_mail(world: World, tmp_path: Path) -> None:
    for name in ("new", "cur"):
        (tmp_path / name).mkdir()
    world.send()
    (tmp_path / "new" / "1").write_bytes(report(OURS, TO))
    (tmp_path / "new" / "2").write_bytes(b"Subject: holiday\n\n")
    maildir = Maildir(tmp_path)
    assert [world.flow.take_next(maildir, LATER) for _ in range(3)] == [True, True, False]
    assert len(world.bounces()) == 1
    assert sorted(file.name for file in (tmp_path / "cur").iterdir()) == ["1:2,S", "2:2,S"]


def test_a_folder_that_is_not_there_yet_holds_nothing(world: World, tmp_path: Path) -> None:
    assert not world.flow.take_next(Maildir(tmp_path / "later"), NOW)


def test_a_mail_that_cannot_be_put_away_is_a_pause_and_not_a_loop(world: World, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1").write_bytes(b"Subject: holiday\n\n")
    with pytest.raises(ServiceUnavailable):
        world.flow.take_next(Maildir(tmp_path), NOW)
