"""Signing in again in a browser: what goes on, and what ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.device_kinds import DeviceKind
from idp.domain.keyed import SecretKey
from idp.domain.logout import ApplicationInUse
from idp.domain.sessions import ACR_BASIC, Session, SignedIn
from idp.flows import browser_sessions
from idp.flows.browser_sessions import BrowserSessions
from idp.storage.database import Database
from idp.storage.devices import DeviceStore
from idp.storage.sessions import SessionStore

NOW = datetime(2050, 9, 1, 8, 0, tzinfo=UTC)


class Ended:
    """Notes which sign-ins were to end."""

    def __init__(self) -> None:
        self.sids: list[str] = []

    def of_session(self, sid: str) -> tuple[ApplicationInUse, ...]:
        self.sids.append(sid)
        return ()

    def of_account(self, account_id: str, **more: object) -> tuple[ApplicationInUse, ...]:
        raise AssertionError(account_id)

    def of_application(self, account_id: str, client_id: str) -> tuple[ApplicationInUse, ...]:
        raise AssertionError(client_id)


@pytest.fixture
def ended() -> Ended:
    return Ended()


SignIn = Callable[[Session, str, datetime], SignedIn]


@pytest.fixture
def browsers(database: Database, ended: Ended) -> BrowserSessions:
    sessions, devices, secret = SessionStore(database), DeviceStore(database), SecretKey(b"a key for these tests alone")
    return BrowserSessions(sessions, devices, secret, lambda: NOW, timedelta(hours=12), ended)


@pytest.fixture
def sign_in(browsers: BrowserSessions) -> SignIn:
    def done(session: Session, account_id: str, now: datetime) -> SignedIn:
        return browsers.sign_in(session, account_id=account_id, methods=("pwd",), acr=ACR_BASIC, device=None, now=now)

    return done


def sid(signed_in: SignedIn) -> str:
    assert signed_in.session.sign_in is not None
    return signed_in.session.sign_in.sid


def test_signing_in_again_goes_on_with_the_same_sid_and_a_new_cookie(
    browsers: BrowserSessions, sign_in: SignIn, ended: Ended
) -> None:
    first = sign_in(browsers.open()[1], "ines", NOW)
    again = sign_in(first.session, "ines", NOW + timedelta(hours=1))
    assert sid(again) == sid(first)
    assert again.session_cookie != first.session_cookie
    assert browsers.find(first.session_cookie) is None
    assert again.session.sign_in is not None
    assert again.session.sign_in.at == NOW + timedelta(hours=1)
    assert again.session.sign_in.ends_at == again.session.expires_at == NOW + timedelta(hours=13)
    assert ended.sids == []


def test_somebody_else_in_the_same_browser_ends_the_first_one_s_sign_in(
    browsers: BrowserSessions, sign_in: SignIn, ended: Ended
) -> None:
    first = sign_in(browsers.open()[1], "ines", NOW)
    other = sign_in(first.session, "noe", NOW)
    assert sid(other) != sid(first)
    assert ended.sids == [sid(first)]


def test_what_a_browser_says_that_it_is_is_read_by_a_sign_in_alone(
    browsers: BrowserSessions, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(user_agent: str) -> DeviceKind:
        read.append(user_agent)
        return DeviceKind("Firefox", "Linux")

    monkeypatch.setattr(browser_sessions, "kind_of", noted)
    cookie, _ = browsers.open("said at first")
    found = browsers.find(cookie, "said now")
    assert found
    assert read == []
    signed_in = sign_in(found, "ines", NOW)
    assert browsers.find(signed_in.session_cookie, "said later")
    assert read == ["said now"]
    assert signed_in.session.sign_in
    assert signed_in.session.sign_in.kind == DeviceKind("Firefox", "Linux")


def test_each_browser_has_a_sid_of_its_own(browsers: BrowserSessions, sign_in: SignIn) -> None:
    assert sid(sign_in(browsers.open()[1], "ines", NOW)) != sid(sign_in(browsers.open()[1], "ines", NOW))
