"""An account: one person, one random subject, the identities that universities vouched for."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """What one identity provider calls one person; the key by which an account is found.

    kind: ``subject-id``, ``pairwise-id`` (SAML subject identifier attributes 1.0) or ``eppn``.
    """

    entity_id: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Account:
    """One person.

    subject: random, given once, never derived from the mail address, never changed (OpenID Connect Core section 8).
    addresses: verified mail addresses, the primary one first; none of them belongs to another account.
    password_hash: as ``domain.passwords`` made it, or None where no password was chosen.
    attributes: what the university released at the last proof, by friendly name, e.g. ``displayName``.
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

    @property
    def address(self) -> str:
        """The primary address; every account has one."""
        return self.addresses[0] if self.addresses else ""
