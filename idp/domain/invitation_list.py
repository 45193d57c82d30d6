"""Lists of people to be invited, as spreadsheets write them: every fault is named by its line, and none is passed over.

Columns, in any order: ``address``, ``given_name``, ``family_name``, ``role``, ``expires`` (a day, 2027-08-31: the last
one). Between them a comma or, as French spreadsheets have it, a semicolon.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from idp.domain import addresses
from idp.domain.addresses import InvalidAddress
from idp.domain.invitations import Invitee
from idp.domain.plain_english import sentence

COLUMNS = ("address", "given_name", "family_name", "role", "expires")
MOST_LINES = 10_000
LONGEST = timedelta(days=3 * 366)
_LONGEST_TEXT = 200
_PARIS = ZoneInfo("Europe/Paris")


class InvitationFaults(ValueError):
    """Nobody of this list was invited. lines: one each: number of the line, what is wrong with it."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class UnfitInvitee(InvitationFaults):
    """One person cannot be invited so. field: one of ``COLUMNS``; key: of the sentence beside that field of a page."""

    def __init__(self, field: str, key: str, line: str) -> None:
        super().__init__(line)
        self.field = field
        self.key = key


def read_list(raw: bytes, *, now: datetime) -> tuple[tuple[int, Invitee], ...]:
    """Everybody of the list with the number of the line; raises InvitationFaults."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvitationFaults("the file is not UTF-8: save it as « CSV UTF-8 »") from None
    first = text.partition("\n")[0]
    # With their ends: without them a line break within a cell would vanish, and two words become one.
    rows = csv.reader(
        text.splitlines(keepends=True), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    faults: list[str] = []
    found: list[tuple[int, Invitee]] = []
    try:
        columns = _columns(next(rows, []))
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if len(found) + len(faults) >= MOST_LINES:
                raise InvitationFaults(f"more than {MOST_LINES} lines: invite them in several files")
            try:
                found.append((rows.line_num, _invitee(columns, cells, now)))
            except ValueError as fault:
                faults.append(f"line {rows.line_num}: {fault}")
    except csv.Error as fault:
        faults.append(f"line {rows.line_num}: {fault}")
    faults += _twice(found)
    if faults or not found:
        raise InvitationFaults(*(faults or ["nobody in this file"]))
    return tuple(found)


def invitee(address: str, given_name: str, family_name: str, role: str, expires: str, *, now: datetime) -> Invitee:
    """One person; raises UnfitInvitee."""
    try:
        cleaned = addresses.clean(address)
    except InvalidAddress as error:
        raise UnfitInvitee("address", error.key, f"address {address[:80]!r}: {sentence(error.key)}") from None
    texts = {"given_name": given_name, "family_name": family_name, "role": role}
    for name, text in texts.items():
        if len(text) > _LONGEST_TEXT or not text.isprintable():
            raise UnfitInvitee(name, "invitee.text", f"{name}: at most {_LONGEST_TEXT} characters, on one line")
    if not (given_name.strip() or family_name.strip()):
        raise UnfitInvitee("family_name", "invitee.name", "given_name and family_name are both empty")
    plain = {name: " ".join(text.split()) for name, text in texts.items()}
    return Invitee(address=cleaned, expires_at=_end_of(expires, now), **plain)


def _columns(header: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in header]
    if sorted(columns) != sorted(COLUMNS):
        raise InvitationFaults(
            f"line 1: the columns have to be {', '.join(COLUMNS)}; they are {', '.join(columns)[:200]}"
        )
    return columns


def _invitee(columns: list[str], cells: list[str], now: datetime) -> Invitee:
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} columns instead of {len(columns)}")
    values = dict(zip(columns, cells, strict=True))
    return invitee(**values, now=now)


def _end_of(expires: str, now: datetime) -> datetime:
    """The end of that day in Paris."""
    try:
        day = date.fromisoformat(expires.strip())
    except ValueError:
        line = f"expires {expires[:20]!r}: write the last day as 2027-08-31"
        raise UnfitInvitee("expires", "invitee.day", line) from None
    ends_at = datetime.combine(min(day, date.max - timedelta(days=1)) + timedelta(days=1), time(), _PARIS).astimezone(
        UTC
    )
    if ends_at <= now:
        raise UnfitInvitee("expires", "invitee.over", f"expires {day}: that is over")
    if ends_at > now + LONGEST:
        raise UnfitInvitee("expires", "invitee.too_long", f"expires {day}: at most three years from now")
    return ends_at


def _twice(found: list[tuple[int, Invitee]]) -> Iterator[str]:
    first: dict[str, int] = {}
    for line, one in found:
        if one.address in first:
            yield f"line {line}: {one.address} stands in line {first[one.address]} already"
        first.setdefault(one.address, line)
