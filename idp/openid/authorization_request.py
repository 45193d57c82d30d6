"""Reading an authentication request (OpenID Connect Core section 3.1.2.1): every check, in order, in one place.

The client and its redirect_uri come first: until both are known nothing is ever sent to an address from the request,
and the answer is a page. From then on the answer is an error at the redirect_uri.
"""

from collections.abc import Callable
from datetime import datetime
from types import MappingProxyType

from idp.domain.authorization import AuthorizationRequest
from idp.domain.clients import Client
from idp.domain.errors import AuthorizationError, ProtocolError, Refusal
from idp.openid import authorization_checks as checks
from idp.openid import redirect_uris, responses
from idp.openid.authorization_checks import Draft
from idp.openid.client_authentication import ClientLookup
from idp.openid.id_token import IdTokens
from idp.openid.parameters import Pairs, every, given, is_sane, repeated
from idp.openid.request_sources import RequestSources, Source

CHECKS: tuple[Callable[[Draft], None], ...] = (
    checks.response_mode_fits,
    checks.nothing_repeats,
    checks.state_and_nonce_are_short,
    checks.response_type_is_registered,
    checks.nonce_is_there_for_an_id_token,
    checks.request_came_as_the_client_must_send_it,
    checks.registration_is_not_used,
    checks.scope_has_openid,
    checks.code_challenge_is_s256,
    checks.prompt_is_consistent,
    checks.max_age_is_a_number,
    checks.claims_are_well_formed,
    checks.id_token_hint_is_ours,
    checks.hints_are_read,
    checks.resources_are_registered,
    checks.dpop_key_is_well_formed,
)

# What is kept of the request as text: never the hint, which is a token.
_REMEMBERED = (
    "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "prompt", "max_age", "acr_values", "login_hint", "ui_locales", "display",
)  # fmt: skip


def resolve(pairs: Pairs, sources: RequestSources, find_client: ClientLookup, *, now: datetime) -> Source:
    """The parameters that count; raises like ``read_authorization_request``."""
    try:
        return sources.resolve(pairs, now=now)
    except ProtocolError as error:
        # The answer goes to the redirect_uri that stands beside the broken reference, where that is the client's.
        _, redirect_uri = _client_and_redirect_uri(pairs, find_client, otherwise=error)
        parameters = {name: value for name, value in given(pairs).items() if name not in repeated(pairs)}
        mode = responses.usable_mode(
            parameters.get("response_mode", ""), parameters.get("response_type", ""), redirect_uri
        )
        raise AuthorizationError(
            error.error,
            error.description,
            redirect_uri=redirect_uri,
            state=parameters.get("state"),
            response_mode=mode,
        ) from error


def read_authorization_request(
    source: Source, find_client: ClientLookup, id_tokens: IdTokens, *, response_types: tuple[str, ...] = ("code",)
) -> AuthorizationRequest:
    """The checked request.

    Raises ``Refusal`` (a page) while the redirect_uri is not trusted, ``AuthorizationError`` afterwards.
    """
    pairs = source.pairs
    client, redirect_uri = _client_and_redirect_uri(pairs, find_client)
    draft = Draft(
        client=client,
        redirect_uri=redirect_uri,
        parameters=MappingProxyType(given(pairs)),
        repeated=repeated(pairs),
        id_tokens=id_tokens,
        response_types=response_types,
        source=source,
        resources=every(pairs, "resource"),
    )
    for check in CHECKS:
        check(draft)
    remembered = {name: draft.parameters[name] for name in _REMEMBERED if name in draft.parameters}
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        state=draft.parameters.get("state"),
        nonce=draft.parameters.get("nonce"),
        parameters=remembered,
        **draft.accepted,
    )


def _client_and_redirect_uri(
    pairs: Pairs, find_client: ClientLookup, *, otherwise: ProtocolError | None = None
) -> tuple[Client, str]:
    """RFC 6749 section 4.1.2.1: whatever is wrong here is told to the person, never to the address given.

    otherwise: what the person is told where only the redirect_uri is missing.
    """
    if not is_sane(pairs):
        raise Refusal("oauth.request_too_large", f"{len(pairs)} parameters")
    if again := repeated(pairs) & {"client_id", "redirect_uri"}:
        raise Refusal("oauth.repeated_parameter", ", ".join(sorted(again)))
    parameters = given(pairs)
    client = find_client(parameters.get("client_id", ""))
    if client is None:
        raise Refusal("oauth.unknown_client", parameters.get("client_id", "")[:100])
    redirect_uri = parameters.get("redirect_uri")
    if redirect_uri is None and otherwise is not None:
        raise Refusal(otherwise.reason, otherwise.description)
    if redirect_uri is None or not redirect_uris.is_registered(client, redirect_uri):
        raise Refusal("oauth.invalid_redirect_uri", f"{client.client_id}: {(redirect_uri or '')[:200]}")
    return client, redirect_uri
