"""An authorization request that passed every check, and when it needs a new sign-in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from idp.domain.sessions import SignIn


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An OpenID Connect authentication request (Core section 3.1.2.1), checked.

    client_id: None for the provider's own account page, which needs a sign-in but no client.
    scope: only scopes that exist and that the client may have.
    claims: the ``claims`` parameter, parsed (Core section 5.5).
    parameters: the request as it was received, as text.
    """

    client_id: str | None
    redirect_uri: str
    scope: tuple[str, ...] = ()
    response_type: str = "code"
    response_mode: str = "query"
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    login_hint: str | None = None
    ui_locales: tuple[str, ...] = ()
    id_token_hint_subject: str | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """An authorization request that waits for a person to sign in, in one browser.

    id: the handle in the pages' addresses; worth nothing in another browser.
    reference: short, shown on error pages and written in the log, the same over the whole journey.
    address: the mail address that the person typed, cleaned.
    signed_in_after: a sign-in counts for this request only when it happened at or after this moment.
    """

    id: str
    browser: str
    request: AuthorizationRequest
    created_at: datetime
    expires_at: datetime
    reference: str
    address: str | None = None
    entity_id: str | None = None
    proofing_id: str | None = None
    one_time_code_id: str | None = None


def needs_sign_in(
    request: AuthorizationRequest, sign_in: SignIn | None, *, now: datetime, asked_at: datetime | None = None
) -> bool:
    """Whether this request cannot be answered from the sign-in that the browser has (Core section 3.1.2.1).

    asked_at: when the request arrived; a sign-in since then satisfies ``prompt=login`` and ``max_age``.
    """
    if sign_in is None:
        return True
    if asked_at is not None and sign_in.at >= asked_at:
        return False
    if "login" in request.prompt or "select_account" in request.prompt:
        return True
    return request.max_age is not None and now - sign_in.at > timedelta(seconds=request.max_age)
