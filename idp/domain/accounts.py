"""An account: one person, one random subject, the identities that universities vouched for."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from idp.domain.inactivity import Inactivity
from idp.domain.releases import Release


@dataclass(frozen=True, slots=True)
class Identity:
    """What one identity provider calls one person; the key by which an account is found.

    kind: ``subject-id``, ``pairwise-id`` (SAML subject identifier attributes 1.0), ``eppn`` or ``targeted-id``.
    """

    entity_id: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """Mail to one address came back. status: the enhanced status code (RFC 3463), e.g. ``5.1.1``."""

    address: str
    at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Invited:
    """An administrator vouches for a person whom no university does. role: in the administrator's words."""

    role: str
    until: datetime


@dataclass(frozen=True, slots=True)
class FormerSubject:
    """The subject of an account that was merged into this one, and the clients that knew the person by it."""

    subject: str
    clients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """One person.

    subject: random, given once, never derived from the mail address, never changed (OpenID Connect Core section 8).
    addresses: verified mail addresses, the primary one first; none of them belongs to another account.
    password_hash: as ``domain.passwords`` made it, or None where no password was chosen.
    bounces: the addresses whose mail came back, until the person proves one of them again.
    attributes: what the university released at the last proof, by friendly name, e.g. ``displayName``.
    invited: on whose word the account rests while no university vouched for the person.
    expired: it is disabled for no other reason than that the invitation ended.
    reopens_until: the person closed it; until then they may have it back, and afterwards it is erased.
    clients: the applications that were ever told the subject. releases: what those with access received.
    former_subjects: of the accounts that were merged into this one.
    only_passkeys: the person wants neither password nor mailed code to lead in here. A new proof at the university,
        with the mailbox, does: it ends this choice, and is the way back for who lost every passkey.
    confirmation_put_off_at: when the person last preferred to have an ended status confirmed later.
    inactivity: what was found when somebody last looked whether it is still used; None where nobody did.
    """

    id: str
    subject: str
    created_at: datetime
    identities: tuple[Identity, ...] = ()
    addresses: tuple[str, ...] = ()
    password_hash: str | None = None
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    proved_at: datetime | None = None
    password_changed_at: datetime | None = None
    locale: str = "fr"
    disabled: bool = False
    bounces: tuple[Bounce, ...] = ()
    invited: Invited | None = None
    expired: bool = False
    reopens_until: datetime | None = None
    clients: tuple[str, ...] = ()
    former_subjects: tuple[FormerSubject, ...] = ()
    releases: tuple[Release, ...] = ()
    only_passkeys: bool = False
    confirmation_put_off_at: datetime | None = None
    inactivity: Inactivity | None = None

    def is_closed(self, now: datetime) -> bool:
        """Whether the person closed it and may still have it back."""
        return self.disabled and self.reopens_until is not None and now < self.reopens_until

    def lets_in(self, now: datetime) -> bool:
        """Whether a proof at the university leads anywhere: into the account, or to the page that opens it again."""
        return not self.disabled or self.is_closed(now)

    def lets_in_by_code(self, now: datetime) -> bool:
        """Whether a mailed code leads anywhere; what is closed has only its mailbox left."""
        return self.is_closed(now) or not (self.disabled or self.only_passkeys)

    @property
    def password_to_check(self) -> str | None:
        """The hash of the password that leads in; None where none does."""
        return None if self.disabled or self.only_passkeys else self.password_hash

    def still_takes_password_of(self, before: "Account") -> bool:
        """Whether the password that was checked against ``before`` leads in as the account stands now."""
        return self.password_to_check is not None and self.password_changed_at == before.password_changed_at

    @property
    def address(self) -> str:
        """The primary address; every account has one."""
        return self.addresses[0] if self.addresses else ""


class ClosesAccounts(Protocol):
    """Closes accounts, and opens them again; ``app`` hands one in."""

    def close(self, account_id: str, **fields: str) -> bool:
        """End the account with everything that came from it; False where there is none.

        fields: what the audit trail keeps beside.
        """

    def reopen(self, account_id: str, **fields: str) -> bool:
        """Let the person in again; False where there is no such account."""
