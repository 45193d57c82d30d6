"""Request parameters as they arrive: pairs in order, where names may repeat and values may be empty."""

from collections import Counter
from collections.abc import Sequence

from idp.domain.errors import ProtocolError

Pairs = Sequence[tuple[str, str]]

LARGEST_REQUEST = 32_768
# More than any form holds: an absurdly long code is then still answered as what it is, an unknown one.
LARGEST_FORM = 262_144
_MOST_PARAMETERS = 200
# What the authorization endpoint reads of a request; everything else is ignored (RFC 6749 section 3.1).
UNDERSTOOD = frozenset(
    (
        "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method", "prompt", "max_age", "acr_values", "login_hint", "id_token_hint", "ui_locales",
        "claims_locales", "display", "claims", "registration", "resource", "dpop_jkt", "request", "request_uri",
    )
)  # fmt: skip
# RFC 8707 section 2 lets this one repeat.
_REPEATABLE = frozenset({"resource"})


def is_sane(pairs: Pairs, *, largest: int = LARGEST_REQUEST) -> bool:
    """Whether the whole list is short enough to be worth reading (``largest`` in bytes), and is text."""
    if len(pairs) > _MOST_PARAMETERS:
        return False
    try:
        size = sum(len(name.encode()) + len(value.encode()) + 2 for name, value in pairs)
    except UnicodeEncodeError:
        return False
    return size <= largest


def repeated(pairs: Pairs) -> frozenset[str]:
    """Names that stand more than once although they must not (RFC 6749 sections 3.1 and 3.2)."""
    counts = Counter(name for name, _ in pairs)
    return frozenset(name for name, count in counts.items() if count > 1) - _REPEATABLE


def given(pairs: Pairs) -> dict[str, str]:
    """Values by name; a parameter without a value counts as left out (RFC 6749 section 3.1)."""
    return {name: value for name, value in pairs if value}


def every(pairs: Pairs, name: str) -> tuple[str, ...]:
    """The values of a parameter that may repeat, each once."""
    return tuple(dict.fromkeys(value for key, value in pairs if key == name and value))


def single_form(pairs: Pairs) -> dict[str, str]:
    """The parameters of a form in which nothing repeats; ``ProtocolError`` otherwise."""
    if not is_sane(pairs, largest=LARGEST_FORM):
        raise ProtocolError("invalid_request", "The request is too large")
    if repeated(pairs):
        raise ProtocolError("invalid_request", "A parameter stands more than once")
    return given(pairs)
