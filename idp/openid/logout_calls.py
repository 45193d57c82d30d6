"""Calling clients: the form with a logout token, and what the answer means (Back-Channel Logout 1.0 section 2.5)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from idp.domain.errors import NotFetched
from idp.domain.logout import LogoutNotice
from idp.domain.outcomes import Deferred, Done, Outcome, Refused
from idp.openid.client_authentication import ClientLookup
from idp.openid.logout_token import LogoutTokens

_TIMEOUT_SECONDS = 5.0
# Too early, too many requests, timed out: the client asks for another try itself.
_LATER = frozenset({408, 425, 429})


class Told(Done):
    """The client ended its sessions."""


class PostForm(Protocol):
    """Posts a form within these seconds; the status of the answer. Raises ``NotFetched``."""

    def __call__(self, url: str, form: Mapping[str, str], *, timeout: float) -> int: ...


class LogoutCalls:
    """Delivers notices over HTTP."""

    # Resolving the name may take as long again as the call.
    time_limit = timedelta(seconds=4 * _TIMEOUT_SECONDS)

    def __init__(self, tokens: LogoutTokens, clients: ClientLookup, post_form: PostForm) -> None:
        self._tokens = tokens
        self._clients = clients
        self._post_form = post_form

    def send(self, notice: LogoutNotice, *, now: datetime) -> Outcome:
        """Post the logout token to where the client is registered now."""
        client = self._clients(notice.application.client_id)
        if client is None or not client.backchannel_logout_uri:
            return Refused("not registered any more")
        form = {"logout_token": self._tokens.sign(notice, client, now=now)}
        try:
            status = self._post_form(client.backchannel_logout_uri, form, timeout=_TIMEOUT_SECONDS)
        except NotFetched as problem:
            return Deferred(str(problem))
        if 200 <= status < 300:
            return Told(str(status))
        return Deferred(str(status)) if status >= 500 or status in _LATER else Refused(str(status))
