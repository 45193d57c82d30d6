"""The ways in which the product says no.

A refusal knows its stable reason (which selects the sentence that a person reads, and stands in the log), the HTTP
status, and a detail for the log alone. Exceptions of pyop, pysaml2 and pymongo never pass their adapter: they leave it
as one of these.
"""

from typing import Self

from idp.domain.federation import IdentityProvider


class Refusal(Exception):
    """A request that is answered with an error page.

    reason: dotted, stable name, e.g. ``saml.signature_missing``; never shown alone, selects the public sentence.
    detail: for the log: never a code, token, password or assertion.
    status: the HTTP status of the page, 4xx.
    """

    def __init__(self, reason: str, detail: str = "", *, status: int = 400) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.status = status
        self.reference: str | None = None
        self.authorization_id: str | None = None
        self.university: IdentityProvider | None = None

    def during(self, reference: str | None, authorization_id: str | None = None) -> Self:
        """The same refusal, told with the journey's reference and the waiting request to begin again with."""
        self.reference = reference
        self.authorization_id = authorization_id
        return self

    def at(self, university: IdentityProvider) -> Self:
        """The same refusal, told with the university whose answer it is about, so that the page can offer its help."""
        self.university = university
        return self


class ProtocolError(Refusal):
    """A refusal that a program reads: the error codes of OAuth 2.0 and OpenID Connect.

    error: registered error code, e.g. ``invalid_grant`` (RFC 6749 section 5.2).
    description: the public sentence, ASCII without quotes or backslashes (RFC 6749 section 5.2).
    headers: response headers that the specification asks for, e.g. ``WWW-Authenticate``.
    """

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"oauth.{error}", description, status=status)
        self.error = error
        self.description = description
        self.headers = headers or {}


class AuthorizationError(ProtocolError):
    """An error that may travel to the client, because client and redirect_uri were checked before (RFC 6749 4.1.2.1).

    redirect_uri, state, response_mode: where and how the answer goes.
    """

    def __init__(
        self, error: str, description: str, *, redirect_uri: str, state: str | None, response_mode: str = "query"
    ) -> None:
        super().__init__(error, description, status=302)
        self.redirect_uri = redirect_uri
        self.state = state
        self.response_mode = response_mode


class ServiceUnavailable(Exception):
    """A part that we depend on (the database) does not answer: 503, come back in ``retry_after`` seconds."""

    def __init__(self, part: str, detail: str = "", *, retry_after: int = 5) -> None:
        super().__init__(f"{part} unavailable: {detail}")
        self.part = part
        self.detail = detail
        self.retry_after = retry_after


class NotFetched(Exception):
    """A document of somebody else could not be had; the text says why and quotes nothing of what was received."""


class ConfigurationError(Exception):
    """A setting or file of the administrator is wrong; ``faults`` holds one line each: file, key, value, accepted."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
