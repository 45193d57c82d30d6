"""Signing in with a passkey: no address, no password, nothing that a false page could be told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain import passkeys
from idp.domain.accounts import Account
from idp.domain.authorization import PendingAuthorization
from idp.domain.guessing import NETWORK_BUDGET, NETWORK_WINDOW, Denied, denied, network_limit
from idp.domain.keyed import SecretKey
from idp.domain.messages import MailQueue
from idp.domain.notices import tell
from idp.domain.passkeys import Ceremony, Passkey, PasskeyRefused, PasskeyUse
from idp.domain.sessions import ACR_PHISHING_RESISTANT, Session, SignedIn, SignsIn
from idp.passkeys.relying_party import RelyingParty
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.authorizations import AuthorizationStore
from idp.storage.limits import LimitStore
from idp.storage.passkeys import PasskeyStore


@dataclass(frozen=True, slots=True)
class PasskeyRequest:
    """What a browser needs to present a passkey. options: JSON. challenge: comes back with the answer."""

    options: str
    challenge: str


@dataclass(frozen=True, slots=True)
class SignedInByPasskey:
    """address: the account's, for the card that waits here the next time."""

    signed_in: SignedIn
    address: str | None


@dataclass(frozen=True, slots=True)
class UnknownPasskey(Denied):
    """Nobody has the passkey any more. signal: JSON by which the browser has its authenticator forget it."""

    signal: str = ""


@dataclass(frozen=True, slots=True)
class PasskeySignInFlow:
    relying_party: RelyingParty
    passkeys: PasskeyStore
    accounts: AccountStore
    authorizations: AuthorizationStore
    limits: LimitStore
    mails: MailQueue
    audit: AuditTrail
    secret: SecretKey
    signs_in: SignsIn
    clock: Callable[[], datetime]

    def request(self, session: Session) -> PasskeyRequest:
        """What this browser needs to sign in with whichever passkey its person chooses; nothing is stored for it."""
        challenge = passkeys.new_challenge(self.secret, Ceremony.SIGN_IN, session.browser, now=self.clock())
        return PasskeyRequest(self.relying_party.request_options(challenge), challenge)

    def sign_in(
        self,
        pending: PendingAuthorization,
        session: Session,
        answer: str,
        challenge: str,
        *,
        device: str | None,
        network: str,
    ) -> SignedInByPasskey | Denied:
        """Sign in with the passkey that the browser presents."""
        now = self.clock()
        try:
            passkey, account = self._checked(session, answer, challenge, pending.reference, now)
        except _Refused as refused:
            return self._denied(refused, pending, network, now)
        signed_in = self.signs_in(
            session,
            account_id=account.id,
            methods=passkeys.methods_of(passkey),
            acr=ACR_PHISHING_RESISTANT,
            device=device,
            now=now,
        )
        if pending.proofing_id is not None:
            # What was begun at a university in this journey is over: this is who the person wants to be.
            self.authorizations.update(pending.id, signed_in.session.browser, {"proofing_id": None}, now=now)
        self.audit.append(
            "sign_in.passkey",
            at=now,
            reference=pending.reference,
            account_id=account.id,
            client_id=pending.for_whom,
            method="passkey",
        )
        return SignedInByPasskey(signed_in, account.address)

    def _checked(
        self, session: Session, answer: str, challenge: str, reference: str, now: datetime
    ) -> tuple[Passkey, Account]:
        """The passkey that signed this challenge, and its account, in the order of WebAuthn level 3 section 7.2."""
        is_ours = passkeys.is_live_challenge(self.secret, challenge, Ceremony.SIGN_IN, session.browser, now=now)
        if not is_ours or not self.passkeys.take_challenge(challenge, now=now):
            raise _Refused("passkey.expired")
        try:
            presented = self.relying_party.presented(answer)
            passkey = self.passkeys.find(presented.credential_id)
            if passkey is None:
                raise _Refused("passkey.unknown", unknown_id=presented.credential_id)
            if presented.user_handle != passkey.user_handle:
                raise _Refused("passkey.invalid", "another user handle", passkey)
            use = self._use(answer, challenge, passkey)
        except PasskeyRefused as refused:
            raise _Refused(refused.problem, refused.detail) from refused
        account = self.accounts.find(passkey.account_id)
        if account is None or account.disabled:
            raise _Refused("passkey.unknown", "account disabled", passkey)
        if passkeys.counter_went_back(passkey.credential.sign_count, use.sign_count):
            if self.passkeys.suspect(passkey, now=now):
                self._tell_of_copy(account, passkey, reference, now)
            raise _Refused("passkey.suspected", "counter went back", passkey)
        if not self.passkeys.use(passkey, use, now=now):
            raise _Refused("passkey.suspected", "suspected, or used meanwhile", passkey)
        return passkey, account

    def _use(self, answer: str, challenge: str, passkey: Passkey) -> PasskeyUse:
        try:
            return self.relying_party.used(answer, challenge, passkey)
        except PasskeyRefused as refused:
            raise _Refused(refused.problem, refused.detail, passkey) from refused

    def _tell_of_copy(self, account: Account, passkey: Passkey, reference: str, now: datetime) -> None:
        tell(self.mails, "passkey_suspected", account, reference=reference, now=now, name=passkey.name)

    def _denied(self, refused: "_Refused", pending: PendingAuthorization, network: str, now: datetime) -> Denied:
        """Note it; 429 where as many tries failed from this network as with passwords. No account is ever closed by it:
        a signature cannot be guessed."""
        self.audit.append(
            "sign_in.passkey_refused",
            at=now,
            reference=pending.reference,
            account_id=refused.passkey.account_id if refused.passkey else None,
            client_id=pending.for_whom,
            problem=refused.problem,
            detail=refused.detail,
        )
        key = network_limit(self.secret, network)
        throttled = not self.limits.count(key, limit=NETWORK_BUDGET, window=NETWORK_WINDOW, now=now)
        answer = denied(refused.problem, throttled=throttled)
        if not refused.unknown_id:
            return answer
        return UnknownPasskey(answer.problem, answer.retry_after, self.relying_party.unknown(refused.unknown_id))


class _Refused(Exception):
    """Why a try does not count, and with which passkey it was made, where that is known.

    unknown_id: of a credential that nobody has; empty for a passkey of an account that is only disabled.
    """

    def __init__(self, problem: str, detail: str = "", passkey: Passkey | None = None, *, unknown_id: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.detail = detail
        self.passkey = passkey
        self.unknown_id = unknown_id
