"""Logout tokens: telling a client that a sign-in ended (OpenID Connect Back-Channel Logout 1.0 section 2.4)."""

from datetime import datetime, timedelta

from idp.domain.clients import Client
from idp.domain.keyed import random_id
from idp.domain.logout import LogoutNotice
from idp.openid.keys import KeyStore
from idp.openid.signing import sign_jwt
from idp.openid.subjects import Subjects

EVENT = "http://schemas.openid.net/event/backchannel-logout"
# Section 2.4 asks for a short life: at most two minutes.
_LIFETIME = timedelta(minutes=2)


class LogoutTokens:
    """Signs logout tokens at the moment they are sent: each attempt has times and a ``jti`` of its own, so that a
    client that remembers them (section 2.6) takes an attempt after one that it could not finish."""

    def __init__(self, issuer: str, keys: KeyStore) -> None:
        self._issuer = issuer
        self._keys = keys
        self._subjects = Subjects(keys.pairwise_key)

    def sign(self, notice: LogoutNotice, client: Client, *, now: datetime) -> str:
        """The token as a compact JWS, with the algorithm and the ``sid`` of that client's ID tokens (section 2.4).

        Never with a ``nonce``, and with a ``typ`` of its own, so that it can pass for no ID token.
        """
        claims = {
            "iss": self._issuer,
            "aud": notice.application.client_id,
            "iat": int(now.timestamp()),
            "exp": int((now + _LIFETIME).timestamp()),
            "jti": random_id(),
            "sub": notice.application.subject,
            "sid": self._subjects.sid_of(client, notice.application.sid),
            "events": {EVENT: {}},
        }
        return sign_jwt(claims, self._keys.signing(client.id_token_signed_response_alg), "logout+jwt")
