"""Inviting people whom no university vouches for: an administrator does, for some time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from idp.domain.accounts import Account


class InvitationState(StrEnum):
    """open (nobody came yet) → used (there is an account); withdrawn from both."""

    OPEN = "open"
    USED = "used"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Invitee:
    """Who is invited, as an administrator wrote it, clean. role: in the administrator's words. expires_at: aware."""

    address: str
    given_name: str
    family_name: str
    role: str
    expires_at: datetime

    @property
    def attributes(self) -> dict[str, tuple[str, ...]]:
        """The names under which an account keeps them."""
        whole = " ".join(part for part in (self.given_name, self.family_name) if part)
        named = {"displayName": whole, "givenName": self.given_name, "sn": self.family_name}
        return {name: (value,) for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Invitation:
    """One invitation. account_id: of the account that it leads to, fixed beforehand: of two tries at once one makes it.

    operator: who invited. reference: under which the audit trail tells of it.
    """

    id: str
    account_id: str
    invitee: Invitee
    operator: str
    reference: str
    created_at: datetime
    state: InvitationState = InvitationState.OPEN


class AdmitsInvited(Protocol):
    """Lets invited people in once they have proven their mailbox; ``app`` hands one in."""

    def open_for(self, address: str, *, now: datetime) -> str | None:
        """The id of the invitation that waits for this address."""

    def __call__(self, invitation_id: str, address: str, *, reference: str, now: datetime) -> Account | None:
        """The account of the invited person, made if need be; None where the invitation was for another address or
        has ended."""
