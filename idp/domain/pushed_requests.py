"""An authorization request that a client left with us before the browser comes (RFC 9126)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# RFC 9126 section 2.2: short, since the browser is sent on its way at once.
LIFETIME = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """Used once, by the client that pushed it.

    handle_hash: ``domain.keyed.token_hash`` of the handle, which is never stored.
    parameters: names and values in order, without what authenticated the client.
    is_signed: whether they come from a signed request object.
    """

    handle_hash: str
    client_id: str
    parameters: tuple[tuple[str, str], ...]
    is_signed: bool
    expires_at: datetime
