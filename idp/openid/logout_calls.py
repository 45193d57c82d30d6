"""Calling clients: the form with a logout token, and what the answer means (Back-Channel Logout 1.0 section 2.5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.logout import LogoutNotice
from idp.openid.client_authentication import ClientLookup
from idp.openid.logout_token import LogoutTokens
from idp.openid.safe_fetch import NotFetched, post_form

_TIMEOUT_SECONDS = 5.0
# Too early, too many requests, timed out: the client asks for another try itself.
_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Told:
    """The client ended its sessions."""

    reply: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """The client could not be reached, or not right now."""

    reply: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The client will not take this notice, however often it is sent."""

    reply: str


Outcome = Told | Deferred | Refused


class LogoutCalls:
    """Delivers notices over HTTP. allow_loopback: the issuer itself is on loopback, and so may its clients be."""

    # Resolving the name may take as long again as the call.
    time_limit = timedelta(seconds=4 * _TIMEOUT_SECONDS)

    def __init__(self, tokens: LogoutTokens, clients: ClientLookup, *, allow_loopback: bool) -> None:
        self._tokens = tokens
        self._clients = clients
        self._allow_loopback = allow_loopback

    def send(self, notice: LogoutNotice, *, now: datetime) -> Outcome:
        """Post the logout token to where the client is registered now."""
        client = self._clients(notice.application.client_id)
        if client is None or not client.backchannel_logout_uri:
            return Refused("not registered any more")
        form = {"logout_token": self._tokens.sign(notice, client.id_token_signed_response_alg, now=now)}
        try:
            status = post_form(
                client.backchannel_logout_uri, form, allow_loopback=self._allow_loopback, timeout=_TIMEOUT_SECONDS
            )
        except NotFetched as problem:
            return Deferred(str(problem))
        if 200 <= status < 300:
            return Told(str(status))
        return Deferred(str(status)) if status >= 500 or status in _LATER else Refused(str(status))
