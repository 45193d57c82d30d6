"""Consent: what a client would receive, and the person's yes; it is taken back on the page of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.accounts import Account
from idp.domain.authorization import PendingAuthorization
from idp.domain.claims import OFFLINE_ACCESS, GivesClaims
from idp.domain.consent import Consent
from idp.domain.errors import Refusal
from idp.domain.registrations import PREFIX
from idp.domain.sessions import Session
from idp.openid.provider import Provider
from idp.openid.redirect_uris import receiver
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.authorizations import AuthorizationStore
from idp.storage.consents import ConsentStore


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person reads before agreeing.

    data: claims with their values, as the client would receive them. is_offline: also later, without the person.
    """

    person: str
    data: dict[str, Any]
    is_offline: bool


@dataclass(frozen=True, slots=True)
class ConsentFlow:
    provider: Provider
    authorizations: AuthorizationStore
    accounts: AccountStore
    consents: ConsentStore
    audit: AuditTrail
    claims: GivesClaims
    clock: Callable[[], datetime]

    def asked(self, pending: PendingAuthorization, session: Session) -> Asked:
        """What the client of the waiting request would receive about the person signed in here."""
        account = self._account(pending, session)
        data = self.provider.preview(pending.request, account.subject, self.claims(account))
        return Asked(account.address, data, OFFLINE_ACCESS in pending.request.scope)

    def client_uri(self, pending: PendingAuthorization) -> str:
        """The application's home page, or an empty text."""
        client = self.provider.client(pending.request.client_id or "")
        return client.client_uri if client else ""

    def goes_to(self, pending: PendingAuthorization) -> str:
        """Where the data of an application that chose its name itself goes: a host, or the scheme of an app on the
        device; empty for one that an administrator named."""
        request = pending.request
        return receiver(request.redirect_uri) if (request.client_id or "").startswith(PREFIX) else ""

    def allow(self, pending: PendingAuthorization, session: Session) -> None:
        """The person agrees: for this journey, and remembered."""
        account, now = self._account(pending, session), self.clock()
        request, client_id = pending.request, pending.request.client_id or ""
        claims = self.provider.asked_claims(request)
        self.consents.add(Consent(account.id, client_id, frozenset(request.scope), claims, now))
        self.authorizations.update(pending.id, session.browser, {"consent_of": account.id}, now=now)
        self.audit.append(
            "consent.given", at=now, reference=pending.reference, account_id=account.id, client_id=client_id
        )

    def _account(self, pending: PendingAuthorization, session: Session) -> Account:
        account = self.accounts.signed_in(session)
        if account is None:
            raise Refusal("account.disabled", "nobody to ask", status=403).during(pending.reference, pending.id)
        return account
