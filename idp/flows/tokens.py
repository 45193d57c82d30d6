"""What applications call without a person: tokens, userinfo, discovery, keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.errors import ProtocolError
from idp.domain.measures import Hears, nobody
from idp.openid.provider import Provider
from idp.openid.userinfo import Userinfo, UserinfoCall

_KINDS = ("access_token", "id_token", "refresh_token")


@dataclass(frozen=True, slots=True)
class TokenFlow:
    """The provider's endpoints at the present moment; every refusal is a ``ProtocolError``.

    heard: told what the token endpoint gave and refused.
    """

    provider: Provider
    clock: Callable[[], datetime]
    heard: Hears = nobody

    def token(
        self, form: Sequence[tuple[str, str]], authorization: str | None, proofs: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The token response (RFC 6749 section 5.1). proofs: every DPoP header (RFC 9449)."""
        grant = dict(form).get("grant_type", "")
        try:
            response = self.provider.token(form, authorization, proofs, now=self.clock())
        except ProtocolError as error:
            self.heard("token.refused", {"grant": grant, "error": error.error})
            raise
        kinds = " ".join(kind for kind in _KINDS if kind in response)
        self.heard("token.issued", {"grant": grant, "kinds": kinds})
        return response

    def userinfo(
        self, authorization: str | None, form: Sequence[tuple[str, str]], method: str, proofs: Sequence[str] = ()
    ) -> Userinfo:
        """The claims of the token's person (OpenID Connect Core 5.3); a token in the query is not looked at."""
        return self.provider.userinfo(authorization, form, UserinfoCall(method, proofs), now=self.clock())

    def dpop_nonce(self) -> str:
        """What the caller's next DPoP proof may hold (RFC 9449 section 8.2)."""
        return self.provider.dpop.nonce(self.clock())

    def push(
        self, form: Sequence[tuple[str, str]], authorization: str | None, proofs: Sequence[str] = ()
    ) -> dict[str, Any]:
        """A handle for an authorization request (RFC 9126). proofs: every DPoP header (RFC 9449)."""
        return self.provider.pushing.answer(form, authorization, proofs, now=self.clock())

    def device(self, form: Sequence[tuple[str, str]], authorization: str | None) -> dict[str, Any]:
        """The codes of a device that begins to wait for its person (RFC 8628 section 3.2)."""
        return self.provider.device_endpoint.answer(form, authorization, now=self.clock())

    def revoke(self, form: Sequence[tuple[str, str]], authorization: str | None) -> None:
        """Ends a token of the caller's own (RFC 7009)."""
        self.provider.revocation.answer(form, authorization, now=self.clock())

    def introspect(self, form: Sequence[tuple[str, str]], authorization: str | None) -> dict[str, Any]:
        """What a token of the caller's own is worth (RFC 7662)."""
        return self.provider.introspection.answer(form, authorization, now=self.clock())

    def discovery(self) -> dict[str, Any]:
        return self.provider.discovery()

    def description(self) -> dict[str, Any]:
        return self.provider.description()

    def jwks(self) -> dict[str, Any]:
        return self.provider.jwks()
