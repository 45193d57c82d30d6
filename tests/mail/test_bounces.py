"""Reading delivery reports: only what names one of our messages counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.mail.bounces import MOST_BYTES, ReturnedMail, read_report
from tests.mail.real_reports import ARRIVED, RETURNED
from tests.mail.reports import report

TO = "zoe.lefebvre@etu.univ-exemple.fr"
OURS = "<message-1@example.org>"


@pytest.mark.parametrize("with_headers", [True, False])
def test_a_report_names_our_message_its_recipient_and_why(with_headers: bool) -> None:
    expected = ReturnedMail("message-1", frozenset({TO}), True, "5.1.1", "5.1.1 smtp; 550 5.1.1 no such user here")
    (read,) = read_report(report(OURS, TO, with_headers=with_headers), "example.org")
    assert read == expected
    assert read.is_permanent


@pytest.mark.parametrize("end_of_line", ["\n", "\r\n"])
@pytest.mark.parametrize("server", RETURNED)
def test_reports_of_the_servers_that_students_have_are_read(server: str, end_of_line: str) -> None:
    raw, status, words = RETURNED[server]
    (read,) = read_report(raw.replace("\n", end_of_line).encode(), "example.org")
    assert read.recipients == {TO}
    assert (read.message_id, read.is_permanent, read.status) == ("message-1", True, status)
    assert words in read.reply


@pytest.mark.parametrize("what", ARRIVED)
def test_what_a_mailbox_answers_to_a_mail_that_arrived_flags_nobody(what: str) -> None:
    assert read_report(ARRIVED[what].encode(), "example.org") == ()


def test_the_address_before_a_redirection_counts_too() -> None:
    (read,) = read_report(report(OURS, "other@perso.example", original=TO.upper()), "example.org")
    assert read.recipients == {"other@perso.example", TO}


def test_a_delay_is_no_end_and_a_timeout_is_not_for_ever() -> None:
    (delayed,) = read_report(report(OURS, TO, action="delayed", status="4.4.1"), "example.org")
    assert not delayed.is_final
    (gave_up,) = read_report(report(OURS, TO, action="failed", status="4.4.7"), "example.org")
    assert gave_up.is_final
    assert not gave_up.is_permanent


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "", "nonsense"])
def test_good_news_is_no_bounce(action: str) -> None:
    assert read_report(report(OURS, TO, action=action, status="2.0.0"), "example.org") == ()


@pytest.mark.parametrize(
    "raw",
    [
        report("<message-1@example.net>", TO),
        report("<message-1@sub.example.org>", TO),
        report("message-1@example.org", TO),
        report("<message-1$ne@example.org>", TO),
        report(OURS, "not an address"),
        report(OURS, TO, status="5"),
        report(OURS, TO) + b" " * MOST_BYTES,
        b"Subject: holiday\n\nI am away.\n",
        b"Content-Type: multipart/report; report-type=delivery-status\n\nno parts\n",
        b"",
        b'Content-Type: multipart/report; boundary="x"\n\n--x\n' + b"Content-Type: message/rfc822\n\n" * 5000,
        b'Content-Type: multipart/report; boundary="x"\n\n--x\n'
        + b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (level, level) for level in range(5000)),
    ],
)
def test_anything_else_says_nothing(raw: bytes) -> None:
    assert read_report(raw, "example.org") == ()


@given(st.binary(max_size=300), st.integers(min_value=0, max_value=900))
def test_no_mail_however_broken_is_a_fault(noise: bytes, place: int) -> None:
    whole = report(OURS, TO)
    read_report(whole[:place] + noise + whole[place:], "example.org")
    read_report(whole[:place] + noise, "example.org")
