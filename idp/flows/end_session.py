"""Signing out: asked for by an application (RP-Initiated Logout 1.0) or by the person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.domain.references import new_reference
from idp.domain.sessions import Session
from idp.openid.end_session import EndSessionRequest
from idp.openid.provider import Provider
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.grants import GrantStore
from idp.storage.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Signed out; ``location``: the client's registered address, or None for our own page."""

    location: str | None
    client_uri: str | None


@dataclass(frozen=True, slots=True)
class AskThePerson:
    """Nobody vouches for this wish: the person confirms it first (RP-Initiated Logout section 2)."""


@dataclass(frozen=True, slots=True)
class EndSessionFlow:
    provider: Provider
    sessions: SessionStore
    grants: GrantStore
    accounts: AccountStore
    audit: AuditTrail
    clock: Callable[[], datetime]

    def begin(self, parameters: Sequence[tuple[str, str]], session: Session | None) -> SignedOut | AskThePerson:
        """Sign out at once where a valid hint names this sign-in, or where nobody is signed in; else ask."""
        request = self.provider.read_end_session(parameters)
        if session is None or session.sign_in is None:
            # A cross-site POST carries no cookie of ours: the hint itself names the sign-in that is to end.
            if request.hint_is_valid and request.sid:
                self._end_sid(request.sid)
            return self._signed_out(request)
        if request.hint_is_valid and self._names(request, session):
            self.sign_out(session)
            return self._signed_out(request)
        return AskThePerson()

    def confirm(self, parameters: Sequence[tuple[str, str]], session: Session | None) -> SignedOut:
        """The person said yes; the client's address is used only with a valid hint (section 3)."""
        request = self.provider.read_end_session(parameters)
        if session is not None:
            self.sign_out(session)
        return self._signed_out(request)

    def sign_out(self, session: Session) -> None:
        """End this sign-in: the session, and every token that came from it."""
        if session.sign_in is not None:
            self._end_sid(session.sign_in.sid)
            self.audit.append(
                "session.ended", at=self.clock(), reference=new_reference(), account_id=session.sign_in.account_id
            )
        self.sessions.end(session)

    def _end_sid(self, sid: str) -> None:
        self.sessions.end_sid(sid)
        self.grants.revoke_session(sid)

    def _names(self, request: EndSessionRequest, session: Session) -> bool:
        if session.sign_in is None:
            return False
        if request.sid:
            return request.sid == session.sign_in.sid
        account = self.accounts.find(session.sign_in.account_id)
        client = request.client
        return (
            account is not None
            and client is not None
            and self.provider.subject_for(client, account.subject) == request.subject
        )

    def _signed_out(self, request: EndSessionRequest) -> SignedOut:
        return SignedOut(
            request.location, request.client.client_uri if request.client and request.hint_is_valid else None
        )
