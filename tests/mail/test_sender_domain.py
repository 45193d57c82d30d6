"""SPF, DKIM, DMARC and MX, with records passed in, and with a real resolver against a name server of the test's."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from idp.domain.findings import Level
from idp.mail.sender_domain import Lookup, mx_lookup, sender_findings, txt_lookup

GOOD: dict[str, tuple[str, ...]] = {
    "univ.example": ("v=spf1 ip4:192.0.2.1 -all",),
    "s1._domainkey.univ.example": ("v=DKIM1; k=rsa; p=MIIB",),
    "_dmarc.univ.example": ("v=DMARC1; p=quarantine",),
}


def a_server(_: str) -> tuple[str, ...]:
    return ("mx.univ.example",)


def levels(records: dict[str, tuple[str, ...]], *, selector: str = "s1", domain: str = "univ.example") -> list[Level]:
    found = sender_findings(domain, selector, lambda name: records.get(name, ()), a_server)
    return [finding.level for finding in found]


def test_a_domain_in_order_has_nothing_to_mend() -> None:
    assert levels(GOOD) == [Level.OK] * 4
    below = {"mail.univ.example": GOOD["univ.example"], "s1._domainkey.mail.univ.example": ("p=MIIB",)}
    assert levels(GOOD | below, domain="mail.univ.example") == [Level.OK] * 4


@pytest.mark.parametrize(
    ("name", "records", "place"),
    [
        ("univ.example", (), 0),
        ("univ.example", ("v=spf10 -all",), 0),
        ("univ.example", ("v=spf1 -all", "v=spf1 ~all"), 0),
        ("univ.example", ("v=spf1 +all",), 0),
        ("univ.example", ("v=spf1 include:spf.for-all.example All",), 0),
        ("s1._domainkey.univ.example", (), 1),
        ("s1._domainkey.univ.example", ("v=DKIM1; p=",), 1),
        ("_dmarc.univ.example", (), 2),
        ("_dmarc.univ.example", ("v=DMARC1; rua=mailto:x@univ.example",), 2),
    ],
)
def test_each_fault_is_told_with_what_to_mend(name: str, records: tuple[str, ...], place: int) -> None:
    given = GOOD | {name: records}
    findings = list(sender_findings("univ.example", "s1", lambda asked: given.get(asked, ()), a_server))
    assert [finding.level is Level.FAULT for finding in findings] == [number == place for number in range(4)]
    assert findings[place].mend


def test_all_in_a_name_lets_nobody_send() -> None:
    assert levels(GOOD | {"univ.example": ("v=spf1 include:all.relay.example",)}) == [Level.OK] * 4


def test_no_selector_and_no_public_domain_are_warnings() -> None:
    assert levels(GOOD, selector="") == [Level.OK, Level.WARNING, Level.OK, Level.OK]
    assert levels({}, domain="localhost") == [Level.WARNING]


@pytest.mark.parametrize(
    ("servers", "level"),
    [(("mx.univ.example",), Level.OK), ((), Level.WARNING), (("",), Level.FAULT)],
)
def test_where_what_comes_back_goes_is_told(servers: tuple[str, ...], level: Level) -> None:
    *_, finding = sender_findings("univ.example", "s1", lambda name: GOOD.get(name, ()), lambda _: servers)
    assert (finding.about, finding.level) == ("mx", level)
    assert bool(finding.mend) == (level is not Level.OK)


@contextmanager
def name_server(records: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, int]]:
    """Answers three questions or so, then ends with the test."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.2)
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                try:
                    wire, client = listener.recvfrom(4096)
                except TimeoutError:
                    continue
                listener.sendto(_answer(wire, records), client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            stopped.set()
            thread.join()


# The second says what RFC 7505 has a domain say that takes no mail.
_EXCHANGERS = ("10 mx.univ.example.", "0 .")


def _answer(wire: bytes, records: dict[str, tuple[str, ...]]) -> bytes:
    question = dns.message.from_wire(wire)
    answer = dns.message.make_response(question)
    name = question.question[0].name
    if question.question[0].rdtype == dns.rdatatype.MX:
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "MX", *_EXCHANGERS))
    elif texts := records.get(name.to_text(omit_final_dot=True)):
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *(f'"{text}"' for text in texts)))
    else:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer.to_wire()


def findings(look_up: Lookup, mail_servers: Lookup) -> list[Level]:
    return [finding.level for finding in sender_findings("univ.example", "s1", look_up, mail_servers)]


def test_a_real_name_server_is_asked() -> None:
    with name_server(GOOD) as address:
        assert findings(txt_lookup(address), lambda _: ("mx.univ.example",)) == [Level.OK] * 4
        assert sorted(mx_lookup(address)("univ.example")) == ["", "mx.univ.example"]


def test_a_name_server_that_is_not_there_is_a_plain_line() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        address = mute.getsockname()
        assert findings(txt_lookup(address, seconds=0.2), mx_lookup(address, seconds=0.2)) == [Level.WARNING] * 4
