"""An authorization request that passed every check, when it needs a new sign-in and of which kind, and its answer."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from idp.domain.sessions import ACR_BASIC, ACR_PHISHING_RESISTANT, ACR_UNIVERSITY, ACR_VALUES, SignIn

# Of a waiting request: longer than a mailed code, a university's second factor and a coffee; people are told its end.
LIFETIME = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An OpenID Connect authentication request (Core section 3.1.2.1), checked.

    client_id: None for the provider's own account page, which needs a sign-in but no client.
    scope: only scopes that exist and that the client may have.
    claims: the ``claims`` parameter, parsed (Core section 5.5).
    parameters: the request as it was received, as text.
    resources: where access tokens shall be used (RFC 8707). dpop_jkt: key that the code is bound to (RFC 9449).
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
    resources: tuple[str, ...] = ()
    dpop_jkt: str | None = None


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """An authorization request that waits for a person to sign in, in one browser.

    id: the handle in the pages' addresses; worth nothing in another browser.
    reference: short, shown on error pages and written in the log, the same over the whole journey.
    address: the mail address that the person typed, cleaned.
    named_other: the identity provider that named somebody else than we took the person for. Asked again, it asks for
        its password: whoever left a session open there would be named again.
    consent_of: the account whose person agreed, in this journey, to what the client receives.
    offers_passkey: the person has just signed in on a device that could keep a passkey, and has none.
    renews_password: the person said that they forgot theirs: after the mailed code they are offered to choose another.
    """

    id: str
    browser: str
    request: AuthorizationRequest
    created_at: datetime
    expires_at: datetime
    reference: str
    address: str | None = None
    named_other: str | None = None
    proofing_id: str | None = None
    one_time_code_id: str | None = None
    consent_of: str | None = None
    renews_password: bool = False
    offers_passkey: bool = False

    @property
    def for_whom(self) -> str:
        """The client at the end of the journey, as the security log and the console name it."""
        return self.request.client_id or "own page"


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """What the browser carries to the client.

    location: where it goes; the parameters stand in it, unless ``fields`` has them.
    fields: names and values to post there (OAuth 2.0 Form Post Response Mode); empty for every other mode.
    """

    location: str
    fields: tuple[tuple[str, str], ...] = ()


def needs_sign_in(
    request: AuthorizationRequest, sign_in: SignIn | None, *, now: datetime, asked_at: datetime | None = None
) -> bool:
    """Whether this request cannot be answered from the sign-in that the browser has (Core section 3.1.2.1).

    asked_at: when the request arrived; a sign-in since then satisfies ``prompt=login`` and ``max_age``.
    """
    if sign_in is None or told_acr(request, sign_in) is None:
        return True
    if asked_at is not None and sign_in.proven_at >= asked_at:
        return False
    if not _PROMPTS_FOR_SIGN_IN.isdisjoint(request.prompt):
        return True
    return request.max_age is not None and now - sign_in.proven_at > timedelta(seconds=request.max_age)


def required_acrs(request: AuthorizationRequest) -> frozenset[str]:
    """The classes of which the sign-in must have one (Core section 5.5.1.1: ``acr`` as essential claim); empty: any."""
    wish = request.claims.get("id_token", {}).get("acr", {})
    return frozenset(_values(wish)) if wish.get("essential") else frozenset()


def can_be_met(request: AuthorizationRequest) -> bool:
    """Whether any sign-in of ours has the class that the request insists on."""
    required = required_acrs(request)
    return not required or not required.isdisjoint(ACR_VALUES)


def told_acr(request: AuthorizationRequest, sign_in: SignIn) -> str | None:
    """The class of this sign-in as the client is told, None where it is not what the request insists on.

    Whoever proved to be a member of a university or used a passkey did at least what the basic class asks for.
    """
    required = required_acrs(request)
    if not required or sign_in.acr in required:
        return sign_in.acr
    return ACR_BASIC if sign_in.acr in ACR_VALUES and ACR_BASIC in required else None


def must_be_proof(request: AuthorizationRequest) -> bool:
    """Whether nothing less than a fresh proof at the university will do."""
    required = required_acrs(request)
    return ACR_UNIVERSITY in required and ACR_BASIC not in required


def must_be_passkey(request: AuthorizationRequest) -> bool:
    """Whether nothing less than a passkey will do."""
    return required_acrs(request).intersection(ACR_VALUES) == {ACR_PHISHING_RESISTANT}


def wants_authentication(request: AuthorizationRequest) -> bool:
    """Whether the person shall authenticate for this very request, also where an older sign-in of theirs would do.

    A client that insists on a proof gets a new one; our own page that offers it does not ask for the password as well.
    """
    is_step_up = request.client_id is not None and must_be_proof(request)
    return is_step_up or request.max_age is not None or not _PROMPTS_FOR_SIGN_IN.isdisjoint(request.prompt)


def begins_at_university(request: AuthorizationRequest) -> bool:
    """Whether a new sign-in leads to the university right after the address.

    It does where it must, with ``prompt=create`` (Initiating User Registration 1.0), and where the client prefers that
    class (Core section 3.1.2.1: the first of ``acr_values`` that we know; not enforced, a password will do as well).
    """
    if must_be_proof(request) or "create" in request.prompt:
        return True
    wished = (*_values(request.claims.get("id_token", {}).get("acr", {})), *request.acr_values)
    return not required_acrs(request) and next((acr for acr in wished if acr in ACR_VALUES), "") == ACR_UNIVERSITY


_PROMPTS_FOR_SIGN_IN = frozenset({"login", "select_account", "create"})


def _values(wish: dict[str, Any]) -> list[Any]:
    return [wish["value"]] if "value" in wish else list(wish.get("values", ()))
