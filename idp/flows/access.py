"""Who can reach a person's account at this moment: applications and browsers, each of which the person can end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.logout import EndsSignIns
from idp.domain.references import new_reference
from idp.domain.sessions import Session
from idp.openid.provider import Provider
from idp.storage.audit import AuditTrail
from idp.storage.consents import ConsentStore
from idp.storage.grants import GrantStore
from idp.storage.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class Application:
    """One application that received data, or may. since: the last time that it was opened or allowed."""

    client_id: str
    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One browser that is signed in. is_here: the one that asks. methods: as in ``domain.sessions.SignIn``."""

    sid: str
    since: datetime
    methods: tuple[str, ...]
    is_here: bool


@dataclass(frozen=True, slots=True)
class AccessFlow:
    provider: Provider
    sessions: SessionStore
    grants: GrantStore
    consents: ConsentStore
    ends_sign_ins: EndsSignIns
    audit: AuditTrail
    clock: Callable[[], datetime]

    def applications(self, account: Account, language: str) -> tuple[Application, ...]:
        """Every application with a grant or an agreement of this person, the latest first."""
        since = {consent.client_id: consent.given_at for consent in self.consents.of_account(account.id)}
        for client_id, at in self.grants.opened_by_account(account.id).items():
            since[client_id] = max(at, since.get(client_id, at))
        found = [Application(client_id, self._name(client_id, language), at) for client_id, at in since.items()]
        return tuple(sorted(found, key=lambda application: application.since, reverse=True))

    def sessions_of(self, account: Account, session: Session) -> tuple[OpenSession, ...]:
        """Every browser that is signed in to this account, this one first, then the latest."""
        here = session.sign_in.sid if session.sign_in else None
        found = [
            OpenSession(sign_in.sid, sign_in.at, sign_in.methods, sign_in.sid == here)
            for sign_in in self.sessions.of_account(account.id, now=self.clock())
        ]
        return tuple(sorted(found, key=lambda one: (one.is_here, one.since), reverse=True))

    def withdraw(self, account: Account, client_id: str) -> None:
        """The application is told, loses what it holds for this person, and has to ask again."""
        self.consents.withdraw(account.id, client_id)
        self.ends_sign_ins.of_application(account.id, client_id)
        self._note("account.application_withdrawn", account, client_id=client_id)

    def end_session(self, account: Account, sid: str) -> None:
        """Sign this other browser out, and its applications; ids of other people's sign-ins name nothing."""
        if any(sign_in.sid == sid for sign_in in self.sessions.of_account(account.id, now=self.clock())):
            self.ends_sign_ins.of_session(sid)
            self._note("session.ended", account)

    def _name(self, client_id: str, language: str) -> str:
        client = self.provider.client(client_id)
        return client.display_name(language) if client else client_id

    def _note(self, event: str, account: Account, **fields: str) -> None:
        self.audit.append(event, at=self.clock(), reference=new_reference(), account_id=account.id, **fields)
