"""What applications call without a person: tokens, userinfo, discovery, keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.openid.provider import Provider


@dataclass(frozen=True, slots=True)
class TokenFlow:
    """The provider's endpoints at the present moment; every refusal is a ``ProtocolError``."""

    provider: Provider
    clock: Callable[[], datetime]

    def token(self, form: Sequence[tuple[str, str]], authorization: str | None) -> dict[str, Any]:
        """The token response (RFC 6749 section 5.1)."""
        return self.provider.token(form, authorization, now=self.clock())

    def userinfo(self, authorization: str | None, form: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """The claims of the token's person (OpenID Connect Core 5.3); a token in the query is not looked at."""
        return self.provider.userinfo(authorization, form, now=self.clock())

    def discovery(self) -> dict[str, Any]:
        return self.provider.discovery()

    def jwks(self) -> dict[str, Any]:
        return self.provider.jwks()
