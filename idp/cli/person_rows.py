"""A person as the commands print them."""

from datetime import datetime
from typing import TYPE_CHECKING

from idp.cli.output import moment
from idp.domain.helpdesk import LimitInForce, PersonLine, TimelineEntry
from idp.domain.inactivity import Inactivity, InactivityState

if TYPE_CHECKING:
    from idp.flows.people import PersonSheet

_LIMITS = {"all": "any method", "mails": "mails to", "proof": "proof of"}


def person_row(line: PersonLine) -> tuple[str, ...]:
    """One of those found."""
    return line.account_id or "-", line.address, line.name, line.type, "disabled" if line.disabled else ""


def sheet_rows(sheet: "PersonSheet") -> list[tuple[str, ...]]:
    """Everything known, one fact a line."""
    bounced = {bounce.address: bounce for bounce in sheet.bounces}
    state = "expired" if sheet.expired else "disabled" if sheet.disabled else "open"
    rows: list[tuple[str, ...]] = [
        ("account", sheet.account_id, state, sheet.type),
        ("name", sheet.name),
        ("sub", sheet.subject),
        ("created", moment(sheet.created_at)),
        ("proven", moment(sheet.proved_at)),
        *([("signs in by", "passkey alone")] if sheet.only_passkeys else []),
        ("password", f"changed {moment(sheet.password_changed_at)}" if sheet.has_password else "none"),
    ]
    if sheet.inactivity and sheet.inactivity.state:
        rows.append(("unused", f"since {moment(sheet.inactivity.since)}", *_unused(sheet.inactivity)))
    if sheet.invited_until:
        rows.append(("invited", sheet.invited_role, f"until {moment(sheet.invited_until)}"))
    rows += [
        ("address", address, f"mail returned {moment(bounced[address].at)} {bounced[address].status}")
        if address in bounced
        else ("address", address)
        for address in sheet.addresses
    ]
    rows += [("identity", one.kind, one.value, one.entity_id) for one in sheet.identities]
    rows += [
        ("proofing", moment(one.completed_at), one.provider_name, one.mailbox, f"by {one.confirmed_by}", one.reference)
        for one in sheet.proofings
    ]
    rows += [
        ("session", moment(one.at), " ".join(one.methods), f"until {moment(one.ends_at)}") for one in sheet.sessions
    ]
    rows += [
        ("application", moment(one.since), one.client_id, one.name, " ".join(one.scope), f"sub {one.subject}")
        for one in sheet.applications
    ]
    return rows + [("limit in force", _limit(one)) for one in sheet.limits]


def entry_row(entry: TimelineEntry) -> tuple[str, ...]:
    """One thing that happened."""
    details = " ".join(f"{name}={value}" for name, value in entry.details.items() if value)
    return _precise(entry.at), entry.reference or "-", entry.part, entry.event, details


def _unused(inactivity: Inactivity) -> tuple[str, ...]:
    notice = inactivity.notice
    if notice is None:
        return ("no mail left, tried again" if inactivity.state is InactivityState.UNTOLD else "to be told by mail",)
    sent = f"mail taken {moment(notice.handed_over_at)}" if notice.handed_over_at else "mail on its way"
    return sent, f"closes {moment(notice.closes_at)}"


def _limit(limit: LimitInForce) -> str:
    return f"{_LIMITS.get(limit.kind, limit.kind)} {limit.address}".strip()


def _precise(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
