"""The browser's session in every journey: found by its cookie, opened, signed in, ended."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from idp.domain import anonymous_sessions
from idp.domain.device_kinds import kind_of
from idp.domain.keyed import SecretKey, base64url, from_base64url, random_id, random_token, same
from idp.domain.logout import EndsSignIns
from idp.domain.sessions import Session, SignedIn, SignIn
from idp.storage.devices import DeviceStore
from idp.storage.sessions import SessionStore

_CARD = "account-card"
_FORM = "csrf"


@dataclass(frozen=True, slots=True)
class BrowserSessions:
    """Sessions of browsers; ``lifetime`` is how long one sign-in lasts at most, unless it is confirmed again."""

    sessions: SessionStore
    devices: DeviceStore
    secret: SecretKey
    clock: Callable[[], datetime]
    lifetime: timedelta
    ends_sign_ins: EndsSignIns

    def find(self, cookie: str | None, user_agent: str = "") -> Session | None:
        """The live session of this cookie, if any. user_agent: what the browser says that it is."""
        found = self._of(cookie) if cookie else None
        return replace(found, user_agent=user_agent) if found else None

    def open(self, user_agent: str = "") -> tuple[str, Session]:
        """A session for a browser that has none, with the value of its cookie."""
        session = replace(anonymous_sessions.opened(now=self.clock()), user_agent=user_agent)
        return anonymous_sessions.cookie_of(self.secret, session), session

    def sign_in(
        self,
        session: Session,
        *,
        account_id: str,
        methods: tuple[str, ...],
        acr: str,
        device: str | None,
        now: datetime,
        authenticated_at: datetime | None = None,
    ) -> SignedIn:
        """Sign the browser in (``domain.sessions.SignsIn``); the browser is remembered as a device of the account,
        unless the computer is shared.

        Who signs in again while signed in goes on with the same ``sid``, so that signing out later reaches the
        applications of before, too. Somebody else's sign-in in this browser ends.
        """
        ends_at = now + self.lifetime
        sid = self._continued(session.sign_in, account_id) or random_id()
        sign_in = SignIn(account_id, sid, now, methods, acr, ends_at, kind_of(session.user_agent), authenticated_at)
        cookie, signed_in = self.sessions.sign_in(session, sign_in, now=now, expires_at=ends_at)
        if session.is_shared:
            return SignedIn(signed_in, cookie, "")
        device = device or random_token()
        self.devices.remember(device, account_id, now=now)
        return SignedIn(signed_in, cookie, device)

    def share(self, session: Session, *, is_shared: bool) -> tuple[str | None, Session]:
        """The session, knowing whether others use this computer; with its cookie where that changes by it."""
        if session.is_shared == is_shared:
            return None, session
        if session.id:
            return None, self.sessions.share(session, is_shared=is_shared)
        shared = replace(session, is_shared=is_shared)
        return anonymous_sessions.cookie_of(self.secret, shared), shared

    def _of(self, cookie: str) -> Session | None:
        if anonymous_sessions.is_anonymous(cookie):
            return anonymous_sessions.read(self.secret, cookie, now=self.clock())
        return self.sessions.find(cookie, now=self.clock())

    def _continued(self, before: SignIn | None, account_id: str) -> str | None:
        """The ``sid`` to go on with."""
        if before is None or before.account_id == account_id:
            return before.sid if before else None
        self.ends_sign_ins.of_session(before.sid)
        return None

    def account_card(self, address: str) -> str:
        """The value of the cookie by which a browser remembers the address of its person's account."""
        return f"{base64url(address.encode())}.{self.secret.token(_CARD, address)}"

    def address_on(self, card: str | None) -> str | None:
        """The address on a card that we made; None for any other, so that nobody plants an address of theirs."""
        encoded, _, signature = (card or "").partition(".")
        try:
            address = from_base64url(encoded).decode()
        except ValueError:
            return None
        return address if same(self.secret.token(_CARD, address), signature) else None

    def csrf_token(self, session: Session) -> str:
        """The token that every form of this browser carries: for the account that is signed in, if one is."""
        return self._form_token(session.browser, self._form_mark(session))

    def is_csrf_token(self, session: Session, token: str, *, of_account: bool = False) -> bool:
        """Whether this is a token of this browser, and of nobody but who is signed in.

        One from before a sign-in outlives it, so that other tabs go on; but for the forms of_account, which nobody is
        shown before: whoever had the browser's session from before knows that token as well. One that was made for
        another account does not: an old page of one account would close the other one, or change its password.
        """
        mark, present = token.rpartition(".")[0], self._form_mark(session)
        is_ours = same(self._form_token(session.browser, mark), token)
        is_from_before = not mark and not of_account
        return is_ours and (is_from_before or not present or mark == present)

    def _form_token(self, browser: str, mark: str) -> str:
        return f"{mark}.{self.secret.token(_FORM, browser, mark)}" if mark else self.secret.token(_FORM, browser)

    def _form_mark(self, session: Session) -> str:
        """What marks the forms of the account that is signed in; empty where none is."""
        return self.secret.hash(_FORM, session.sign_in.account_id) if session.sign_in else ""
