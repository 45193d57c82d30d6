"""The checks of an authentication request whose client and redirect_uri are known, one function each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.domain.clients import Client
from idp.domain.errors import AuthorizationError
from idp.openid import responses
from idp.openid.access_token import resource_fault
from idp.openid.claims_request import parse_claims_request
from idp.openid.dpop import is_thumbprint
from idp.openid.id_token import IdTokens, audience
from idp.openid.release import granted_scopes
from idp.openid.request_sources import Source

PROMPTS = ("none", "login", "consent", "select_account", "create")

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
    source: Source
    response_types: tuple[str, ...] = ("code",)
    resources: tuple[str, ...] = ()
    accepted: dict[str, Any] = field(default_factory=dict)

    @property
    def response_type(self) -> str:
        """As asked for, its words in alphabetical order; empty where it is missing."""
        return " ".join(sorted(self.parameters.get("response_type", "").split(" ")))

    @property
    def response_mode(self) -> str:
        """How the answer travels, errors too."""
        asked = "" if "response_mode" in self.repeated else self.parameters.get("response_mode", "")
        return responses.usable_mode(asked, self.response_type, self.redirect_uri)

    def error(self, error: str, description: str) -> AuthorizationError:
        # Of two states neither is the client's.
        state = None if "state" in self.repeated else self.parameters.get("state")
        return AuthorizationError(
            error, description, redirect_uri=self.redirect_uri, state=state, response_mode=self.response_mode
        )

    def words(self, name: str) -> tuple[str, ...]:
        """A space-separated list without repetitions, in order."""
        return tuple(dict.fromkeys(word for word in self.parameters.get(name, "").split(" ") if word))


def response_mode_fits(draft: Draft) -> None:
    """OAuth 2.0 Multiple Response Type Encoding Practices section 2.1."""
    mode = draft.parameters.get("response_mode", draft.response_mode)
    if fault := responses.mode_fault(mode, draft.response_type, draft.redirect_uri):
        raise draft.error("invalid_request", fault)
    draft.accepted["response_mode"] = mode


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


def response_type_is_registered(draft: Draft) -> None:
    """OpenID Connect Core sections 3.1.2.1, 3.2.2.1 and 3.3.2.1."""
    response_type = draft.response_type
    if not response_type:
        raise draft.error("invalid_request", "response_type is missing")
    if response_type not in draft.response_types:
        raise draft.error("unsupported_response_type", "This response_type is not supported")
    if response_type not in draft.client.response_types:
        raise draft.error("unauthorized_client", "The client is not registered for this response_type")
    draft.accepted["response_type"] = response_type


def nonce_is_there_for_an_id_token(draft: Draft) -> None:
    """OpenID Connect Core sections 3.2.2.1 and 3.3.2.11: nothing else ties an ID token in the answer to its request."""
    if "id_token" in draft.response_type.split(" ") and "nonce" not in draft.parameters:
        raise draft.error("invalid_request", "nonce is missing")


def request_came_as_the_client_must_send_it(draft: Draft) -> None:
    """RFC 9126 section 6, RFC 9101 section 10.5."""
    if draft.client.require_pushed_authorization_requests and not draft.source.is_pushed:
        raise draft.error("invalid_request", "The client must push its authorization requests")
    if draft.client.require_signed_request_object and not draft.source.is_signed:
        raise draft.error("invalid_request", "The client must sign its authorization requests")


def registration_is_not_used(draft: Draft) -> None:
    """OpenID Connect Core section 7.2.1."""
    if "registration" in draft.parameters:
        raise draft.error("registration_not_supported", "The parameter registration is not supported")


def scope_has_openid(draft: Draft) -> None:
    """OpenID Connect Core sections 3.1.2.1 and 11."""
    asked = draft.words("scope")
    if "openid" not in asked:
        raise draft.error("invalid_scope", "The scope openid is missing")
    gives_code = "code" in draft.response_type.split(" ")
    draft.accepted["scope"] = granted_scopes(draft.client, asked, gives_code=gives_code)


def code_challenge_is_s256(draft: Draft) -> None:
    """RFC 7636 sections 4.2 to 4.4.1; RFC 9700 section 2.1.1: ``plain``, also by omission, is refused."""
    challenge = draft.parameters.get("code_challenge")
    method = draft.parameters.get("code_challenge_method")
    if challenge is None and method is None:
        if "code" in draft.response_type.split(" ") and (draft.client.require_pkce or draft.client.is_public):
            raise draft.error("invalid_request", "code_challenge is required")
        return
    if method != "S256":
        raise draft.error("invalid_request", "code_challenge_method must be S256")
    if challenge is None or not _S256_CHALLENGE.fullmatch(challenge):
        raise draft.error("invalid_request", "code_challenge must be 43 characters of base64url")
    draft.accepted["code_challenge"] = challenge


def prompt_is_consistent(draft: Draft) -> None:
    """OpenID Connect Core section 3.1.2.1: ``none`` stands alone; Initiating User Registration 1.0 section 4."""
    prompt = draft.words("prompt")
    if not set(prompt) <= set(PROMPTS):
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
    draft.accepted["acr_values"] = (draft.words("acr_values") or _default_acr_values(draft))[:_MOST_VALUES]


def _default_acr_values(draft: Draft) -> tuple[str, ...]:
    """Registration section 2: what the request says by ``acr_values`` or by ``claims`` counts instead."""
    says_otherwise = "acr" in draft.accepted.get("claims", {}).get("id_token", {})
    return () if says_otherwise else draft.client.default_acr_values


def resources_are_registered(draft: Draft) -> None:
    """RFC 8707 section 2.1."""
    if fault := resource_fault(draft.client, draft.resources):
        raise draft.error("invalid_target", fault)
    draft.accepted["resources"] = draft.resources


def dpop_key_is_well_formed(draft: Draft) -> None:
    """RFC 9449 section 10; a token in the answer itself could not be bound to any key."""
    jkt = draft.parameters.get("dpop_jkt")
    if jkt is not None and not is_thumbprint(jkt):
        raise draft.error("invalid_request", "dpop_jkt must be a SHA-256 thumbprint")
    if draft.client.dpop_bound_access_tokens and "token" in draft.response_type.split(" "):
        raise draft.error("invalid_request", "The client is registered for tokens that are bound to a key")
    draft.accepted["dpop_jkt"] = jkt
