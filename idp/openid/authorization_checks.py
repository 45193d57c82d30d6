"""The checks of an authentication request whose client and redirect_uri are known, one function each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.domain.claims import SCOPES
from idp.domain.clients import Client
from idp.domain.errors import AuthorizationError
from idp.openid.claims_request import parse_claims_request
from idp.openid.id_token import IdTokens, audience

PROMPTS = frozenset({"none", "login", "consent", "select_account"})

_LONGEST_STATE = 8192
_LONGEST_NONCE = 1024
_LONGEST_LOGIN_HINT = 320
_MOST_VALUES = 20
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass
class Draft:
    """A request on its way through the checks; ``accepted`` collects fields of AuthorizationRequest."""

    client: Client
    redirect_uri: str
    parameters: Mapping[str, str]
    repeated: frozenset[str]
    id_tokens: IdTokens
    accepted: dict[str, Any] = field(default_factory=dict)

    def error(self, error: str, description: str) -> AuthorizationError:
        # Of two states neither is the client's.
        state = None if "state" in self.repeated else self.parameters.get("state")
        return AuthorizationError(error, description, redirect_uri=self.redirect_uri, state=state)

    def words(self, name: str) -> tuple[str, ...]:
        """A space-separated list without repetitions, in order."""
        return tuple(dict.fromkeys(word for word in self.parameters.get(name, "").split(" ") if word))


def response_mode_is_query(draft: Draft) -> None:
    """OAuth 2.0 Multiple Response Type Encoding Practices section 2.1."""
    if draft.parameters.get("response_mode", "query") != "query":
        raise draft.error("invalid_request", "response_mode is not supported")
    draft.accepted["response_mode"] = "query"


def nothing_repeats(draft: Draft) -> None:
    """RFC 6749 section 3.1."""
    if draft.repeated:
        raise draft.error("invalid_request", "A parameter stands more than once")


def state_and_nonce_are_short(draft: Draft) -> None:
    """Both come back in addresses and tokens, so that they must fit there."""
    if len(draft.parameters.get("state", "")) > _LONGEST_STATE:
        raise draft.error("invalid_request", "state is too long")
    if len(draft.parameters.get("nonce", "")) > _LONGEST_NONCE:
        raise draft.error("invalid_request", "nonce is too long")


def response_type_is_code(draft: Draft) -> None:
    """OpenID Connect Core section 3.1.2.1; implicit and hybrid flows leak tokens (RFC 9700 section 2.1.2)."""
    response_type = draft.parameters.get("response_type")
    if response_type is None:
        raise draft.error("invalid_request", "response_type is missing")
    if response_type != "code":
        raise draft.error("unsupported_response_type", "Only the response_type code is supported")
    if response_type not in draft.client.response_types:
        raise draft.error("unauthorized_client", "The client is not registered for this response_type")
    draft.accepted["response_type"] = response_type


def request_objects_are_not_used(draft: Draft) -> None:
    """OpenID Connect Core sections 3.1.2.6 and 7.2.1."""
    for name in ("request", "request_uri", "registration"):
        if name in draft.parameters:
            raise draft.error(f"{name}_not_supported", f"The parameter {name} is not supported")


def scope_has_openid(draft: Draft) -> None:
    """OpenID Connect Core sections 3.1.2.1 and 11: what is unknown, or not for this client, is left out."""
    asked = draft.words("scope")
    if "openid" not in asked:
        raise draft.error("invalid_scope", "The scope openid is missing")
    granted = [scope for scope in asked if scope in SCOPES and scope in draft.client.scopes]
    if "refresh_token" not in draft.client.grant_types and "offline_access" in granted:
        granted.remove("offline_access")
    draft.accepted["scope"] = tuple(granted)


def code_challenge_is_s256(draft: Draft) -> None:
    """RFC 7636 sections 4.2 to 4.4.1; RFC 9700 section 2.1.1: ``plain``, also by omission, is refused."""
    challenge = draft.parameters.get("code_challenge")
    method = draft.parameters.get("code_challenge_method")
    if challenge is None and method is None:
        if draft.client.require_pkce or draft.client.is_public:
            raise draft.error("invalid_request", "code_challenge is required")
        return
    if method != "S256":
        raise draft.error("invalid_request", "code_challenge_method must be S256")
    if challenge is None or not _S256_CHALLENGE.fullmatch(challenge):
        raise draft.error("invalid_request", "code_challenge must be 43 characters of base64url")
    draft.accepted["code_challenge"] = challenge


def prompt_is_consistent(draft: Draft) -> None:
    """OpenID Connect Core section 3.1.2.1: ``none`` stands alone."""
    prompt = draft.words("prompt")
    if not set(prompt) <= PROMPTS:
        raise draft.error("invalid_request", "prompt has an unknown value")
    if "none" in prompt and len(prompt) > 1:
        raise draft.error("invalid_request", "prompt none stands with another value")
    draft.accepted["prompt"] = prompt


def max_age_is_a_number(draft: Draft) -> None:
    """OpenID Connect Core section 3.1.2.1; without it the client's default counts (Registration section 2)."""
    max_age = draft.parameters.get("max_age")
    if max_age is not None and not _NUMBER.fullmatch(max_age):
        raise draft.error("invalid_request", "max_age must be a number of seconds")
    draft.accepted["max_age"] = draft.client.default_max_age if max_age is None else int(max_age)


def claims_are_well_formed(draft: Draft) -> None:
    """OpenID Connect Core section 5.5: kept only as far as the client may have the claims at all."""
    text = draft.parameters.get("claims")
    if text is None:
        return
    try:
        draft.accepted["claims"] = parse_claims_request(text, draft.client)
    except ValueError as error:
        raise draft.error("invalid_request", "claims is not a well-formed claims request") from error


def id_token_hint_is_ours(draft: Draft) -> None:
    """OpenID Connect Core section 3.1.2.1: an ID token of this client; it may have expired."""
    hint = draft.parameters.get("id_token_hint")
    if hint is None:
        return
    claims = draft.id_tokens.read_hint(hint)
    if claims is None or audience(claims) != draft.client.client_id:
        raise draft.error("invalid_request", "id_token_hint is not an ID Token of this client")
    draft.accepted["id_token_hint_subject"] = claims["sub"]


def hints_are_read(draft: Draft) -> None:
    """OpenID Connect Core section 3.1.2.1: mere hints, so that odd ones are left out and never an error."""
    login_hint = draft.parameters.get("login_hint", "")
    if 0 < len(login_hint) <= _LONGEST_LOGIN_HINT:
        draft.accepted["login_hint"] = login_hint
    languages = [word for word in draft.words("ui_locales") if _LANGUAGE.fullmatch(word)]
    draft.accepted["ui_locales"] = tuple(languages[:_MOST_VALUES])
    draft.accepted["acr_values"] = draft.words("acr_values")[:_MOST_VALUES]
