"""What a person agreed that an application receives, and when they are asked."""

from dataclasses import dataclass
from datetime import datetime

from idp.domain.authorization import AuthorizationRequest
from idp.domain.clients import Client


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's agreement with one client.

    scope, claims: everything that the person saw and agreed to so far.
    """

    account_id: str
    client_id: str
    scope: frozenset[str]
    claims: frozenset[str]
    given_at: datetime

    def covers(self, scope: frozenset[str], claims: frozenset[str]) -> bool:
        """Whether this agreement holds all of it, so that there is nothing new to ask."""
        return scope <= self.scope and claims <= self.claims


def asks_every_time(client: Client, request: AuthorizationRequest) -> bool:
    """Whether the person is asked whatever they agreed to before (Core section 3.1.2.1: ``prompt=consent``).

    A client whose consent is ``none`` is ours: its operator has answered for everybody, and it may send
    ``prompt=consent`` along with ``offline_access``, as many libraries do, without a page that asks for nothing.
    """
    return client.consent == "always" or (client.consent != "none" and "consent" in request.prompt)


def may_be_another_program(client: Client, redirect_uri: str) -> bool:
    """Whether any program on the person's device can ask in this client's name and receive the answer.

    RFC 8252 section 8.6: such a request is never answered unless the person does something for it. An https address is
    claimed for one application by the operating system, and nobody else is sent there.
    """
    return client.is_public and client.application_type == "native" and not redirect_uri.startswith("https://")


def asks_for_what_is_new(client: Client) -> bool:
    """Whether the person is asked once for each thing."""
    return client.consent == "first time"
