"""What each client calls a person: the ``sub`` claim (OpenID Connect Core section 8; docs/subject-identifiers.md)."""

import hmac

from idp.domain.clients import Client
from idp.domain.keyed import base64url
from idp.openid.redirect_uris import host


class Subjects:
    """Computes subjects; nothing is stored, so that clients cannot disturb each other.

    pairwise_key: 32 random bytes of this installation. Whoever loses or changes it gives everybody another ``sub``.
    """

    def __init__(self, pairwise_key: bytes) -> None:
        self._pairwise_key = pairwise_key

    def of(self, client: Client, account_subject: str) -> str:
        """The ``sub`` that this client sees; the formula is frozen.

        public: the account's own random subject. pairwise: base64url, without padding, of
        HMAC-SHA256(pairwise key, sector identifier + NUL + account subject), where the sector identifier is the host of
        ``sector_identifier_uri``, else of the redirect_uris.
        """
        if client.subject_type == "public":
            return account_subject
        sector = client.sector_identifier or host(client.redirect_uris[0])
        return base64url(hmac.digest(self._pairwise_key, f"{sector}\0{account_subject}".encode(), "sha256"))
