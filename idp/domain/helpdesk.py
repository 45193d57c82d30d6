"""What whoever helps people sees and does; never a code, a password or a token, and nobody else's place."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from idp.domain.accounts import Account
from idp.domain.merging import Merge

LONGEST_REASON = 500
HELPDESK_ROLE = "helpdesk"
# What a person is who has an invitation and no account yet; else as the claim ``account_type`` tells.
INVITATION = "invitation"


class Unfounded(ValueError):
    """An act on somebody's account without a reason, or without a name. key: ``reason.empty``, ``reason.too_long``."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts on an account, and why; both stand in the audit trail. Raises Unfounded."""

    operator: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip() or not self.operator.strip():
            raise Unfounded("reason.empty")
        if len(self.reason) > LONGEST_REASON:
            raise Unfounded("reason.too_long")

    @property
    def fields(self) -> dict[str, str]:
        """As the audit trail keeps it."""
        return {"operator": self.operator, "reason": " ".join(self.reason.split())}


class NotesActs(Protocol):
    """Writes an act into the audit trail."""

    def note(self, event: str, account_id: str | None, act: Act, **fields: str) -> None: ...


class MergesByHand(Protocol):
    """Merges and parts accounts on the word of whoever helps."""

    def merge_by_hand(self, survivor_id: str, other_id: str) -> bool:
        """False, and nothing changed, where one of them is not open, or they are one."""

    def undoable(self, account: Account) -> tuple[Merge, ...]:
        """The merges into this account that may still be undone, the latest first."""

    def undo(self, account: Account, merge_id: str) -> str | None:
        """None when it is done, else the key of a field sentence."""


class ErasesAccounts(Protocol):
    """Erases everything about a person."""

    def erase(self, account_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """Somebody who helps, in one browser. operator: their name in the audit trail. sid: the sign-in behind it."""

    operator: str
    account_id: str
    sid: str
    browser: str
    expires_at: datetime


def roles_of(account: Account, operators: Collection[str]) -> tuple[str, ...]:
    """The roles that the claim ``roles`` tells. operators: addresses or subjects of those who help."""
    helps = account.subject in operators or not set(operators).isdisjoint(account.addresses)
    return (HELPDESK_ROLE,) if helps and not account.disabled else ()


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One person among those found. type: as the claim ``account_type``, or ``INVITATION``."""

    account_id: str
    name: str
    address: str
    type: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """What a person ran into for the moment.

    kind: ``password``, ``code`` or ``all``: no guess of a stranger's browser is evaluated; ``mails``: no message
    leaves; ``proof``: no code that confirms an address is evaluated. address: of the last two, else empty.
    """

    kind: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened. part: ``sign-in``, ``saml``, ``mail``, ``oidc``, ``account`` or ``page``.

    reference: of the journey, empty where it belongs to none. details: short texts by name, SMTP answers word for word.
    """

    at: datetime
    part: str
    event: str
    reference: str = ""
    details: dict[str, str] = field(default_factory=dict)


def part_of(event: str, details: dict[str, str]) -> str:
    """Where in the product an audit event belongs."""
    family = event.partition(".")[0]
    if event == "request.refused":
        family = details.get("reason", "").partition(".")[0]
    return _PARTS.get(family, "page")


_PARTS = {
    "account": "account",
    "authorization": "oidc",
    "consent": "oidc",
    "device": "oidc",
    "oauth": "oidc",
    "helpdesk": "account",
    "invitation": "account",
    "mail": "mail",
    "passkey": "sign-in",
    "proofing": "saml",
    "saml": "saml",
    "session": "sign-in",
    "sign_in": "sign-in",
}
