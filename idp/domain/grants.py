"""A grant: the family of everything that was issued from one authorization (code, access and refresh tokens)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from idp.domain.sessions import SignIn


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what a client receives is good for.

    refresh_idle: a refresh token dies unused after this; refresh_absolute: the whole family dies, used or not.
    """

    code: timedelta = timedelta(seconds=60)
    access_token: timedelta = timedelta(hours=1)
    id_token: timedelta = timedelta(hours=1)
    refresh_idle: timedelta = timedelta(days=30)
    refresh_absolute: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one client may know about one account after one authorization; revoking it kills the whole family.

    subject: the ``sub`` that this client sees.
    code_hash and the hashes of tokens: ``domain.keyed.token_hash`` of the values, which are never stored.
    code_used_at: when the code was exchanged, None while it waits.
    expires_at: when the family ends at the latest.
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


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token on its way into the store: its hash, what it may be used for, until when."""

    hash: str
    scope: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RefreshState:
    """Where a grant's chain of refresh tokens stands: each use replaces the one live token by its successor.

    hash: of the live token; any other token that names this grant is an old one.
    """

    grant: Grant
    hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A live access token, as it was found by its hash.

    scope: at most the grant's scope (RFC 6749 section 6).
    """

    grant: Grant
    scope: tuple[str, ...]
    expires_at: datetime
