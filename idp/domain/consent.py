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


def asks_for_what_is_new(client: Client) -> bool:
    """Whether the person is asked once for each thing."""
    return client.consent == "first time"
