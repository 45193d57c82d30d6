"""How an answer of the authorization endpoint travels: in the query, in the fragment, or posted by the browser."""

from collections.abc import Mapping
from urllib.parse import urlencode

from idp.domain.authorization import AuthorizationResponse
from idp.openid.redirect_uris import with_parameters

# Words in alphabetical order: their order in a request means nothing (RFC 6749 section 3.1.1).
_CODE = ("code",)
_IMPLICIT_AND_HYBRID = ("id_token", "id_token token", "code id_token", "code token", "code id_token token")

# OAuth 2.0 Multiple Response Type Encoding Practices section 2.1, Form Post Response Mode section 2.
MODES = ("query", "fragment", "form_post")


def response_types(*, implicit: bool) -> tuple[str, ...]:
    """What may be asked for; implicit and hybrid flows only where switched on (they leak tokens, RFC 9700 2.1.2)."""
    return _CODE + _IMPLICIT_AND_HYBRID if implicit else _CODE


def default_mode(response_type: str) -> str:
    """Multiple Response Type Encoding Practices sections 2.1 and 5: what holds a token stays out of server logs."""
    return "fragment" if gives_tokens(response_type) else "query"


def gives_tokens(response_type: str) -> bool:
    """Whether the answer itself holds an ID token or an access token (implicit and hybrid flows)."""
    return not {"id_token", "token"}.isdisjoint(response_type.split(" "))


def mode_fault(mode: str, response_type: str, redirect_uri: str) -> str | None:
    """Why the answer cannot travel like this, None where it can."""
    if mode not in MODES:
        return "response_mode is not supported"
    if mode == "query" and gives_tokens(response_type):
        return "response_mode query is not for tokens"
    if mode == "form_post" and not redirect_uri.startswith(("https://", "http://")):
        return "response_mode form_post needs a redirect_uri with https"
    return None


def usable_mode(asked: str, response_type: str, redirect_uri: str) -> str:
    """The mode asked for where it can be, else the default: also an error must arrive where it is looked for."""
    if mode_fault(asked, response_type, redirect_uri) is None:
        return asked
    return default_mode(response_type)


def response(redirect_uri: str, mode: str, parameters: Mapping[str, str]) -> AuthorizationResponse:
    """The parameters on their way to the redirect_uri, which holds no fragment of its own."""
    if mode == "form_post":
        return AuthorizationResponse(redirect_uri, tuple(parameters.items()))
    if mode == "fragment":
        return AuthorizationResponse(f"{redirect_uri}#{urlencode(parameters)}")
    return AuthorizationResponse(with_parameters(redirect_uri, dict(parameters)))
