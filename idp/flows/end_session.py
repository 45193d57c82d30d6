"""Signing out: asked for by an application (RP-Initiated Logout 1.0) or by the person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.domain.clients import Client
from idp.domain.federation import IdentityProvider
from idp.domain.logout import ApplicationInUse, EndsSignIns
from idp.domain.references import present_reference
from idp.domain.sessions import ACR_UNIVERSITY, Session, SignIn
from idp.openid.end_session import EndSessionRequest, frontchannel_address
from idp.openid.provider import Provider
from idp.openid.release import releasable
from idp.saml.federation import FederationFolder
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Signed out, and what the person should know of it.

    location: the client's registered address to go on to, or None for our own page. client: who asked.
    frames: addresses that the browser is to load, so that applications end their sessions in it.
    untold: applications in use that nobody could tell. university: where the person's session stays open for sure.
    """

    location: str | None = None
    client: Client | None = None
    frames: tuple[str, ...] = ()
    untold: tuple[Client, ...] = ()
    university: IdentityProvider | None = None


@dataclass(frozen=True, slots=True)
class AskThePerson:
    """Nobody vouches for this wish: the person confirms it first (RP-Initiated Logout section 2).

    location: where a yes leads, the client's registered address; None: to our own page.
    """

    location: str | None = None


@dataclass(frozen=True, slots=True)
class EndSessionFlow:
    provider: Provider
    sessions: SessionStore
    ends_sign_ins: EndsSignIns
    accounts: AccountStore
    federation: FederationFolder
    audit: AuditTrail
    clock: Callable[[], datetime]

    def begin(self, parameters: Sequence[tuple[str, str]], session: Session | None) -> SignedOut | AskThePerson:
        """Sign out at once where a valid hint names this sign-in, or where nobody is signed in; else ask."""
        request = self.provider.read_end_session(parameters)
        if session is None or session.sign_in is None:
            return self._signed_out(request, self._end_hinted(request), None)
        if request.hint_is_valid and self._names(request, session) and self._is_meant(request, session.sign_in):
            return self._signed_out(request, self._end(session, request.client), session.sign_in)
        return AskThePerson(request.location)

    def confirm(self, parameters: Sequence[tuple[str, str]], session: Session | None) -> SignedOut:
        """The person said yes; the client's address is used only with a valid hint (section 3)."""
        request = self.provider.read_end_session(parameters)
        if session is None:
            return self._signed_out(request, (), None)
        return self._signed_out(request, self._end(session), session.sign_in)

    def sign_out(self, session: Session) -> SignedOut:
        """End this sign-in: the session, and every token that came from it."""
        return self._signed_out(EndSessionRequest(), self._end(session), session.sign_in)

    def ended(self, session: Session, applications: tuple[ApplicationInUse, ...]) -> SignedOut:
        """What the person should know where all sign-ins of their account were ended from this browser."""
        return self._signed_out(EndSessionRequest(), applications, session.sign_in)

    def _end(self, session: Session, asking: Client | None = None) -> tuple[ApplicationInUse, ...]:
        applications: tuple[ApplicationInUse, ...] = ()
        if session.sign_in is not None:
            applications = self.ends_sign_ins.of_session(session.sign_in.sid)
            self._note(session.sign_in.account_id, asking)
        self.sessions.end(session)
        return applications

    def _end_hinted(self, request: EndSessionRequest) -> tuple[ApplicationInUse, ...]:
        """A cross-site POST carries no cookie of ours: the hint itself names the sign-in that is to end."""
        if not (request.hint_is_valid and request.sid):
            return ()
        account_id = self.sessions.account_of(request.sid, now=self.clock())
        applications = self.ends_sign_ins.of_session(request.sid)
        if account_id is not None:
            self._note(account_id, request.client)
        return applications

    def _note(self, account_id: str, asking: Client | None) -> None:
        """asking: the application that had the person signed out without a question to them."""
        by = {"client_id": asking.client_id} if asking else {}
        self.audit.append("session.ended", at=self.clock(), reference=present_reference(), account_id=account_id, **by)

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

    def _is_meant(self, request: EndSessionRequest, sign_in: SignIn) -> bool:
        """Whether ``logout_hint``, if any, is about this person: who means somebody else ends nothing alone."""
        if request.logout_hint is None:
            return True
        account, client, hint = self.accounts.find(sign_in.account_id), request.client, request.logout_hint
        if account is None or client is None:
            return False
        if hint in (request.subject, self.provider.sid_for(client, sign_in.sid)):
            return True
        # Who may not have the address must not find it out by what happens either.
        return "email" in releasable(client) and hint.strip().casefold() == account.address.casefold()

    def _signed_out(
        self, request: EndSessionRequest, applications: Sequence[ApplicationInUse], sign_in: SignIn | None
    ) -> SignedOut:
        asking = request.client if request.hint_is_valid else None
        known = [(self.provider.client(used.client_id), used.sid) for used in applications]
        here = sign_in.sid if sign_in else request.sid
        return SignedOut(
            location=request.location,
            client=asking,
            frames=tuple(
                frontchannel_address(client, self.provider.issuer, self.provider.sid_for(client, sid))
                for client, sid in known
                if client and client.frontchannel_logout_uri and sid == here
            ),
            untold=tuple(
                dict.fromkeys(client for client, _ in known if client and client != asking and not _is_told(client))
            ),
            university=self._open_university(sign_in),
        )

    def _open_university(self, sign_in: SignIn | None) -> IdentityProvider | None:
        """The university that the person has just come from; after a password or a code we know of none."""
        account = self.accounts.find(sign_in.account_id) if sign_in and sign_in.acr == ACR_UNIVERSITY else None
        if account is None or not account.identities:
            return None
        # The identities of the last proof stand first.
        return self.federation.current.provider(account.identities[0].entity_id)


def _is_told(client: Client) -> bool:
    return bool(client.backchannel_logout_uri or client.frontchannel_logout_uri)
