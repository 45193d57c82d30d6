"""What each client calls a person, and their sign-in: the claims ``sub`` (OpenID Connect Core section 8;
docs/subject-identifiers.md) and ``sid``."""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from idp.domain.clients import Client
from idp.domain.keyed import base64url, from_base64url
from idp.openid.redirect_uris import host


class Subjects:
    """Computes subjects; nothing is stored, so that clients cannot disturb each other.

    pairwise_key: 32 random bytes of this installation. Whoever loses or changes it gives everybody another ``sub``.
    """

    def __init__(self, pairwise_key: bytes) -> None:
        self._pairwise_key = pairwise_key
        self._sids = AESSIV(hmac.digest(pairwise_key, b"sid", "sha256"))

    def of(self, client: Client, account_subject: str) -> str:
        """The ``sub`` that this client sees; the formula is frozen.

        public: the account's own random subject. pairwise: base64url, without padding, of
        HMAC-SHA256(pairwise key, sector identifier + NUL + account subject), where the sector identifier is the host of
        ``sector_identifier_uri``, else of the redirect_uris.
        """
        if client.subject_type == "public":
            return account_subject
        message = f"{_sector(client)}\0{account_subject}"
        return base64url(hmac.digest(self._pairwise_key, message.encode(), "sha256"))

    def sid_of(self, client: Client, sid: str) -> str:
        """What this client calls this sign-in: with one name for all, pairwise clients could compare notes by it.

        The same each time, and we can read it: it comes back in hints, when nothing else says which sign-in to end.
        """
        if client.subject_type == "public":
            return sid
        return base64url(self._sids.encrypt(sid.encode(), [_sector(client).encode()]))

    def sid_behind(self, client: Client, told: str) -> str:
        """The sign-in that this client calls so. Older ID tokens name it as we do."""
        if client.subject_type == "public":
            return told
        try:
            return self._sids.decrypt(from_base64url(told), [_sector(client).encode()]).decode()
        except (ValueError, InvalidTag):
            return told


def _sector(client: Client) -> str:
    return client.sector_identifier or host(client.redirect_uris[0])
