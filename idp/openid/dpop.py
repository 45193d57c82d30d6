"""DPoP (RFC 9449): a token is bound to a key of its client, who proves with each request to hold that key."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from idp.domain.clocks import CLOCK_SKEW
from idp.domain.default_ports import DEFAULT_PORTS
from idp.domain.errors import ProtocolError
from idp.domain.keyed import SecretKey, base64url, same, token_hash
from idp.openid.client_assertion import UsedOnce
from idp.openid.client_keys import ALGORITHMS, PublicKey, fits_algorithm, read_public_key
from idp.openid.signed_statement import LONGEST_JTI, InvalidJwt, seconds, unverified, verify

Proofs = Sequence[str]

_TYPE = "dpop+jwt"
# A nonce is good for one to two of these.
_NONCE_SECONDS = 300
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


class DPoP:
    """Verifies proofs. needs_nonce: whether a proof without a nonce of ours is refused (section 8)."""

    def __init__(self, secret: SecretKey, used: UsedOnce, *, needs_nonce: bool = False) -> None:
        self._secret = secret
        self._used = used
        self._needs_nonce = needs_nonce

    def nonce(self, now: datetime) -> str:
        """The nonce of this moment: derived from the time, so that every worker knows it and nothing is stored."""
        return self._nonce(int(now.timestamp()) // _NONCE_SECONDS)

    def thumbprint(
        self, proofs: Proofs, method: str, url: str, *, now: datetime, access_token: str | None = None
    ) -> str:
        """Thumbprint (RFC 7638) of the key that the request's one proof was made with; the proof counts once.

        access_token: what the proof must be made for. Raises ``ProtocolError``: ``invalid_dpop_proof``, or
        ``use_dpop_nonce`` with the header that holds one.
        """
        try:
            (proof,) = proofs
            key, claims = _read(proof)
            issued = _checked(claims, method, url, access_token)
        except ValueError:
            raise invalid_proof("The DPoP proof is not valid") from None
        ends = self._ends(claims.get("nonce"), issued, now)
        jkt = key.thumbprint()
        # Last, so that nothing is stored for a proof that fails for another reason.
        if not self._used.use(token_hash(f"dpop\0{jkt}\0{claims['jti']}"), until=ends):
            raise invalid_proof("The DPoP proof was used before")
        return jkt

    def _ends(self, nonce: Any, issued: int, now: datetime) -> datetime:
        """When a proof that counts now counts no longer.

        A nonce of ours tells when it was made, as its ``iat`` does by the clock of its client (section 4.3 step 11). To
        whose clock is wrong a nonce is given (section 11.1): applications cannot set the clocks of browsers right.
        """
        present = int(now.timestamp())
        if nonce is None and not self._needs_nonce and abs(present - issued) <= CLOCK_SKEW.total_seconds():
            return datetime.fromtimestamp(issued, UTC) + 2 * CLOCK_SKEW
        period = present // _NONCE_SECONDS
        for begins in (period, period - 1):
            if isinstance(nonce, str) and same(nonce, self._nonce(begins)):
                return datetime.fromtimestamp((begins + 2) * _NONCE_SECONDS, UTC)
        raise ProtocolError(
            "use_dpop_nonce",
            "The DPoP proof needs a nonce of this server",
            headers={"DPoP-Nonce": self.nonce(now)},
        )

    def _nonce(self, period: int) -> str:
        return self._secret.token("dpop nonce", str(period))


def invalid_proof(description: str) -> ProtocolError:
    """RFC 9449 section 5."""
    return ProtocolError("invalid_dpop_proof", description)


def is_thumbprint(text: str) -> bool:
    """Whether the text has the form of a SHA-256 thumbprint, as ``dpop_jkt`` has (RFC 9449 section 10)."""
    return _THUMBPRINT.fullmatch(text) is not None


def challenge(error: str, description: str) -> str:
    """``WWW-Authenticate`` at a protected resource (RFC 9449 section 7.1)."""
    return f'DPoP error="{error}", error_description="{description}", algs="{" ".join(ALGORITHMS)}"'


def _read(proof: str) -> tuple[PublicKey, Mapping[str, Any]]:
    """The key that stands in the proof, which made its signature, and the claims (section 4.3)."""
    header, claims = unverified(proof)
    jwk = header.get("jwk")
    if header.get("typ") != _TYPE or not isinstance(jwk, dict):
        raise InvalidJwt
    key = read_public_key(jwk)
    if not fits_algorithm(key, header["alg"]):
        raise InvalidJwt
    verify(proof, [key])
    return key, claims


def _checked(claims: Mapping[str, Any], method: str, url: str, access_token: str | None) -> int:
    """When the proof says that it was made, once it is about this request (section 4.3 steps 8, 9 and 12)."""
    jti, issued = claims.get("jti"), seconds(claims, "iat")
    if not isinstance(jti, str) or not 1 <= len(jti) <= LONGEST_JTI or issued is None:
        raise InvalidJwt
    if claims.get("htm") != method or _without_query(claims.get("htu")) != _without_query(url):
        raise InvalidJwt
    if access_token is not None and claims.get("ath") != _hash(access_token):
        raise InvalidJwt
    return issued


def _without_query(url: Any) -> tuple[str, str, int | None, str]:
    """What two addresses must share (section 4.3 step 9, RFC 3986 section 6.2)."""
    if not isinstance(url, str):
        raise InvalidJwt
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme), parts.path


def _hash(access_token: str) -> str:
    return base64url(hashlib.sha256(access_token.encode("ascii")).digest())
