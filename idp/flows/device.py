"""A person answers a device that shows a code (RFC 8628 section 3.3)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.accounts import Account
from idp.domain.authorization import AuthorizationRequest, needs_sign_in
from idp.domain.claims import OFFLINE_ACCESS, GivesClaims
from idp.domain.device_authorization import GUESS_WINDOW, MOST_GUESSES, DeviceAuthorization, clean_user_code
from idp.domain.errors import Refusal
from idp.domain.keyed import SecretKey
from idp.domain.references import present_reference
from idp.domain.sessions import Session
from idp.openid.provider import Provider
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.limits import LimitStore
from idp.storage.releases import ReleaseStore


@dataclass(frozen=True, slots=True)
class WaitingDevice:
    """What the person reads before answering.

    user_code: as it should stand on the device. data: claims with their values, as the client would receive them.
    """

    user_code: str
    client_name: str
    person: str
    data: dict[str, Any]
    is_offline: bool


@dataclass(frozen=True, slots=True)
class SignInAgain:
    """The sign-in is older than the device's client takes (Dynamic Client Registration section 2, default_max_age)."""

    max_age: int


@dataclass(frozen=True, slots=True)
class DeviceFlow:
    provider: Provider
    accounts: AccountStore
    limits: LimitStore
    releases: ReleaseStore
    audit: AuditTrail
    secret: SecretKey
    claims: GivesClaims
    clock: Callable[[], datetime]

    def is_signed_in(self, session: Session) -> bool:
        """Whether an account that may be used is signed in here."""
        return self.accounts.signed_in(session) is not None

    def look(self, session: Session, typed: str, language: str) -> WaitingDevice | SignInAgain | str:
        """The device that shows this code, or the problem (a field sentence's key)."""
        account = self._account(session)
        device = self._find(account, typed)
        if not isinstance(device, DeviceAuthorization):
            return device
        client = self.provider.client(device.client_id)
        request = self.provider.device_answers.request(device, client)
        if again := self._sign_in_again(request, device, session):
            return again
        return WaitingDevice(
            user_code=clean_user_code(typed) or "",
            client_name=self.provider.client_name(device.client_id, language),
            person=account.address,
            data=self.provider.preview(request, account.subject, self.claims(account)),
            is_offline=OFFLINE_ACCESS in device.scope,
        )

    def approve(self, session: Session, typed: str) -> SignInAgain | str | None:
        """Let the device have what it asked for; the problem (a field sentence's key) where that was too late."""
        account, now = self._account(session), self.clock()
        device = self._find(account, typed)
        if not isinstance(device, DeviceAuthorization):
            return device
        answers = self.provider.device_answers
        request = answers.request(device, self.provider.client(device.client_id))
        if again := self._sign_in_again(request, device, session):
            return again
        self._note_release(account, request, device.client_id, now)
        if session.sign_in is None or not answers.approve(
            device, account.id, account.subject, session.sign_in, now=now
        ):
            return "user_code.unknown"
        self._note("device.approved", account, device, now)
        return None

    def deny(self, session: Session, typed: str) -> str | None:
        """Tell the device no; the problem (a field sentence's key) where that was too late."""
        account, now = self._account(session), self.clock()
        device = self._find(account, typed)
        if not isinstance(device, DeviceAuthorization):
            return device
        if not self.provider.device_answers.deny(device, now=now):
            return "user_code.unknown"
        self._note("device.denied", account, device, now)
        return None

    def _find(self, account: Account, typed: str) -> DeviceAuthorization | str:
        """The waiting device; wrong codes are counted, so that nobody finds another person's (section 5.1).

        Each code counts as wrong until it proves right, so that none of many at once is looked at beyond the limit.
        """
        now, key = self.clock(), self.secret.hash("user-code-guesses", account.id)
        if not typed.strip():
            return "user_code.empty"
        if not self.limits.count(key, limit=MOST_GUESSES, window=GUESS_WINDOW, now=now):
            return "user_code.too_many"
        device = self.provider.device_answers.find(typed, now=now)
        if device is None:
            return "user_code.unknown"
        self.limits.uncount(key)
        return device

    def _sign_in_again(
        self, request: AuthorizationRequest, device: DeviceAuthorization, session: Session
    ) -> SignInAgain | None:
        is_due = needs_sign_in(request, session.sign_in, now=self.clock(), asked_at=device.began_at)
        return SignInAgain(request.max_age or 0) if is_due else None

    def _account(self, session: Session) -> Account:
        account = self.accounts.signed_in(session)
        if account is None:
            raise Refusal("authorization.expired", "nobody is signed in")
        return account

    def _note_release(self, account: Account, request: AuthorizationRequest, client_id: str, now: datetime) -> None:
        asked = self.provider.asked_claims(request)
        self.releases.note_news(account, client_id, asked, self.claims(account), now=now)

    def _note(self, event: str, account: Account, device: DeviceAuthorization, now: datetime) -> None:
        self.audit.append(
            event, at=now, reference=present_reference(), account_id=account.id, client_id=device.client_id
        )
