"""Who can reach a person's account at this moment: applications and browsers, each of which the person can end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.consent import Consent
from idp.domain.device_kinds import DeviceKind
from idp.domain.grants import Grant
from idp.domain.logout import EndsSignIns
from idp.domain.messages import MailQueue
from idp.domain.notices import tell
from idp.domain.references import present_reference
from idp.domain.releases import Release
from idp.domain.sessions import Session
from idp.openid.provider import Provider
from idp.storage.audit import AuditTrail
from idp.storage.consents import ConsentStore
from idp.storage.grants import GrantStore
from idp.storage.releases import ReleaseStore
from idp.storage.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class Application:
    """One application that received data, or may.

    since: the last time that it was opened or allowed. claims: what it received, beside an identifier, by name.
    agreed_at: when the person last agreed to that, where they were asked. reads_until: until when it may come back for
    it without the person, where it may.
    """

    client_id: str
    name: str
    since: datetime
    claims: frozenset[str]
    agreed_at: datetime | None = None
    reads_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One browser that is signed in. is_here: the one that asks. methods, kind: as in ``domain.sessions.SignIn``."""

    sid: str
    since: datetime
    methods: tuple[str, ...]
    is_here: bool
    kind: DeviceKind | None = None


@dataclass(frozen=True, slots=True)
class AccessFlow:
    provider: Provider
    sessions: SessionStore
    grants: GrantStore
    consents: ConsentStore
    releases: ReleaseStore
    ends_sign_ins: EndsSignIns
    mails: MailQueue
    audit: AuditTrail
    clock: Callable[[], datetime]

    def applications(self, account: Account, language: str) -> tuple[Application, ...]:
        """Every application that received something, has a grant or an agreement of this person, the latest first."""
        released = {release.client_id: release for release in account.releases}
        agreed = {consent.client_id: consent for consent in self.consents.of_account(account.id)}
        granted = _granted(self.grants.of_account(account.id))
        found = [
            self._application(one, language, released.get(one), agreed.get(one), granted.get(one, ()))
            for one in dict.fromkeys((*released, *agreed, *granted))
        ]
        return tuple(sorted(found, key=lambda application: application.since, reverse=True))

    def application(self, account: Account, client_id: str, language: str) -> Application | None:
        """One of these."""
        return next((one for one in self.applications(account, language) if one.client_id == client_id), None)

    def sessions_of(self, account: Account, session: Session) -> tuple[OpenSession, ...]:
        """Every browser that is signed in to this account, this one first, then the latest."""
        here = session.sign_in.sid if session.sign_in else None
        found = [
            OpenSession(sign_in.sid, sign_in.at, sign_in.methods, sign_in.sid == here, sign_in.kind)
            for sign_in in self.sessions.of_account(account.id, now=self.clock())
        ]
        return tuple(sorted(found, key=lambda one: (one.is_here, one.since), reverse=True))

    def withdraw(self, account: Account, client_id: str) -> None:
        """The application is told, loses what it holds for this person, and has to ask again."""
        application = self.application(account, client_id, account.locale)
        if application is None:
            return
        self.consents.withdraw(account.id, client_id)
        self.ends_sign_ins.of_application(account.id, client_id)
        # Last, so that it stays on the list where something above did not work.
        self.releases.forget(account.id, client_id)
        reference = self._note("account.application_withdrawn", account, client_id=client_id)
        self._tell(account, reference, change="application", changed=application.name)

    def end_session(self, account: Account, session: Session, sid: str) -> None:
        """Sign this other browser out, and its applications; ids of other people's sign-ins name nothing."""
        ended = next((one for one in self.sessions_of(account, session) if one.sid == sid), None)
        if ended is None:
            return
        self.ends_sign_ins.of_session(sid)
        self._tell(account, self._note("session.ended", account), change="session", changed=str(ended.kind or ""))

    def _application(
        self,
        client_id: str,
        language: str,
        release: Release | None,
        consent: Consent | None,
        grants: Sequence[Grant],
    ) -> Application:
        times = [grant.created_at for grant in grants]
        times += [release.at] if release else []
        times += [consent.given_at] if consent else []
        now = self.clock()
        offline = [grant.expires_at for grant in grants if grant.is_offline and grant.expires_at > now]
        claims = release.claims if release else consent.claims if consent else frozenset[str]()
        return Application(
            client_id=client_id,
            name=self.provider.client_name(client_id, language),
            since=max(times),
            claims=claims,
            agreed_at=consent.given_at if consent else None,
            reads_until=max(offline, default=None),
        )

    def _note(self, event: str, account: Account, **fields: str) -> str:
        """Under which reference it was noted."""
        reference = present_reference()
        self.audit.append(event, at=self.clock(), reference=reference, account_id=account.id, **fields)
        return reference

    def _tell(self, account: Account, reference: str, **fields: str) -> None:
        tell(self.mails, "access_ended", account, reference=reference, now=self.clock(), **fields)


def _granted(grants: Iterable[Grant]) -> dict[str, list[Grant]]:
    """The grants of each client."""
    found: dict[str, list[Grant]] = {}
    for grant in grants:
        found.setdefault(grant.client_id, []).append(grant)
    return found
