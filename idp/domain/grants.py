"""A grant: the family of everything that was issued from one authorization (code, access and refresh tokens)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from idp.domain.claims import OFFLINE_ACCESS
from idp.domain.sessions import SignIn


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what a client receives is good for.

    refresh_idle: a refresh token dies unused after this; refresh_absolute: the whole family dies, used or not.
    refresh_grace: a client whose reply got lost may use the same refresh token once more within this.
    """

    code: timedelta = timedelta(seconds=60)
    access_token: timedelta = timedelta(hours=1)
    id_token: timedelta = timedelta(hours=1)
    refresh_idle: timedelta = timedelta(days=30)
    refresh_absolute: timedelta = timedelta(days=90)
    refresh_grace: timedelta = timedelta(seconds=30)

    def family_ends(self, scope: Iterable[str], code_expires_at: datetime, *, now: datetime) -> datetime:
        """When a grant with this scope, given now, ends at the latest.

        Without ``offline_access`` nothing outlives the access token that its code buys at the last moment.
        """
        return now + self.refresh_absolute if OFFLINE_ACCESS in scope else code_expires_at + self.access_token


@dataclass(frozen=True, slots=True)
class Grant:
    """What one client may know about one account after one authorization; revoking it kills the whole family.

    subject: the ``sub`` that this client sees.
    code_hash and the hashes of tokens: ``domain.keyed.token_hash`` of the values, which are never stored.
    code_used_at: when the code was exchanged, None while it waits.
    resources: where access tokens may be used (RFC 8707); empty: nothing was asked for.
    dpop_jkt: thumbprint of the one key that may exchange the code (RFC 9449 section 10).
    expires_at: when the family ends at the latest.
    reference: of the journey that led here; what becomes of the code is told under it.
    """

    id: str
    account_id: str
    client_id: str
    subject: str
    scope: tuple[str, ...]
    redirect_uri: str
    sign_in: SignIn
    code_hash: str
    code_expires_at: datetime
    created_at: datetime
    expires_at: datetime
    nonce: str | None = None
    code_challenge: str | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    code_used_at: datetime | None = None
    resources: tuple[str, ...] = ()
    dpop_jkt: str | None = None
    reference: str = ""

    @property
    def is_offline(self) -> bool:
        """Whether the person agreed that the client comes back without them (OpenID Connect Core section 11)."""
        return OFFLINE_ACCESS in self.scope


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token on its way into the store: its hash, what it may be used for, until when, where, and with which key."""

    hash: str
    scope: tuple[str, ...]
    expires_at: datetime
    resources: tuple[str, ...] = ()
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class RefreshState:
    """Where a grant's chain of refresh tokens stands: each use replaces the one live token by its successor.

    hash: of the live token; any other token that names this grant is an old one.
    jkt: thumbprint of the key that the chain is bound to (RFC 9449 section 5).
    previous_hash, rotated_at: of the token before it, and when that was replaced; None for the first.
    """

    grant: Grant
    hash: str
    expires_at: datetime
    previous_hash: str | None = None
    rotated_at: datetime | None = None
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """One use of a refresh token: the hash that ends, its successor's, and until when that may stay unused."""

    old_hash: str
    new_hash: str
    idle_until: datetime


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A live access token, as it was found by its hash.

    scope: at most the grant's scope (RFC 6749 section 6). resources, jkt: as it was issued.
    """

    grant: Grant
    scope: tuple[str, ...]
    expires_at: datetime
    resources: tuple[str, ...] = ()
    jkt: str | None = None
