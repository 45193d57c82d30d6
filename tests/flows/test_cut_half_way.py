"""Ending sign-ins while the database is away for one step, as when the worker is killed there: it is finished later."""

import pytest

from idp.app import Services, flows
from idp.domain.accounts import Account
from idp.domain.sessions import Session, SignedIn
from idp.storage.accounts import AccountStore
from idp.storage.grants import GrantStore
from idp.storage.logout_notices import LogoutNotices
from idp.storage.sessions import SessionStore
from idp.storage.sweeps import SECOND_SWEEP, SweepStore
from tests.flows.one_person import code, cut_at, exchange, is_active, signed_in

PASSWORD = "trois pommes vertes"
OF_ONE_SIGN_IN = [
    (GrantStore, "used_by_session"),
    (LogoutNotices, "put"),
    (GrantStore, "revoke_session"),
    (SessionStore, "end_sid"),
]
OF_AN_ACCOUNT = [
    (SessionStore, "end_account"),
    (GrantStore, "used_by_account"),
    (LogoutNotices, "put"),
    (GrantStore, "revoke_account"),
]


def refresh_token(services: Services, browser: SignedIn) -> str:
    return exchange(services, code(services, browser))["refresh_token"]


def account(services: Services) -> Account:
    found = services.stores.accounts.find("account-1")
    assert found is not None
    return found


def session(services: Services, browser: SignedIn) -> Session | None:
    """What the browser still holds."""
    return services.browser_sessions.find(browser.session_cookie)


def sid(browser: SignedIn) -> str:
    assert browser.session.sign_in is not None
    return browser.session.sign_in.sid


def a_minute_passes(services: Services) -> None:
    while services.ends_sign_ins.sweep_next(services.clock() + SECOND_SWEEP):
        continue


def is_over(services: Services, browser: SignedIn, token: str) -> bool:
    """Whether nothing is left of the sign-in, and the application is told."""
    told = services.database.collection("logout_notices").count_documents({"application.sid": sid(browser)})
    return session(services, browser) is None and not is_active(services, token) and told > 0


@pytest.mark.parametrize("step", OF_ONE_SIGN_IN)
def test_a_sign_out_is_finished_when_it_is_pressed_again(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str]
) -> None:
    browser = signed_in(services)
    token = refresh_token(services, browser)
    cut_at(monkeypatch, step, lambda: flows.end_session(services).sign_out(browser.session))
    still_there = session(services, browser)
    assert still_there is not None
    flows.end_session(services).sign_out(still_there)
    assert is_over(services, browser, token)


@pytest.mark.parametrize("step", OF_ONE_SIGN_IN)
def test_a_sign_out_is_finished_by_itself(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str]
) -> None:
    browser, other = signed_in(services), signed_in(services)
    token = refresh_token(services, browser)
    cut_at(monkeypatch, step, lambda: flows.end_session(services).sign_out(browser.session))
    a_minute_passes(services)
    assert is_over(services, browser, token)
    assert session(services, other) is not None


def test_what_a_request_under_way_adds_to_an_ended_sign_in_ends_a_minute_later(services: Services) -> None:
    browser = signed_in(services)
    flows.end_session(services).sign_out(browser.session)
    late = refresh_token(services, browser)
    a_minute_passes(services)
    assert not is_active(services, late)


@pytest.mark.parametrize("step", OF_ONE_SIGN_IN)
def test_another_browser_stays_on_the_list_until_it_is_signed_out(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str]
) -> None:
    browser, other = signed_in(services), signed_in(services)
    token = refresh_token(services, other)
    access = flows.access(services)
    cut_at(monkeypatch, step, lambda: access.end_session(account(services), browser.session, sid(other)))
    access.end_session(account(services), browser.session, sid(other))
    assert is_over(services, other, token)
    assert session(services, browser) is not None


@pytest.mark.parametrize("step", [*OF_AN_ACCOUNT, *OF_ONE_SIGN_IN[2:]])
def test_signing_out_everywhere_is_finished_when_it_is_pressed_again(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str]
) -> None:
    browser, other = signed_in(services), signed_in(services)
    tokens = refresh_token(services, browser), refresh_token(services, other)
    flow = flows.account(services)
    cut_at(monkeypatch, step, lambda: flow.sign_out_everywhere(account(services), browser.session))
    still_there = session(services, browser)
    assert still_there is not None
    flow.sign_out_everywhere(account(services), still_there)
    assert is_over(services, browser, tokens[0])
    assert is_over(services, other, tokens[1])


@pytest.mark.parametrize("step", OF_AN_ACCOUNT)
def test_signing_out_everywhere_is_finished_by_itself(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str]
) -> None:
    browser, other = signed_in(services), signed_in(services)
    tokens = refresh_token(services, browser), refresh_token(services, other)
    cut_at(monkeypatch, step, lambda: flows.account(services).sign_out_everywhere(account(services), browser.session))
    afterwards = signed_in(services)
    a_minute_passes(services)
    assert is_over(services, browser, tokens[0])
    assert is_over(services, other, tokens[1])
    assert session(services, afterwards) is not None


@pytest.mark.parametrize("step", OF_AN_ACCOUNT)
def test_a_new_password_ends_the_sign_ins_of_others_all_the_same(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str]
) -> None:
    browser, thief = signed_in(services), signed_in(services)
    token = refresh_token(services, thief)
    flow = flows.account(services)
    cut_at(monkeypatch, step, lambda: flow.change_password(account(services), browser.session, PASSWORD, None))
    assert services.hasher.verify(PASSWORD, account(services).password_hash)
    assert services.database.collection("outbox").count_documents({"kind": "password_changed"}) == 1
    assert services.database.collection("audit").count_documents({"event": "account.password_changed"}) == 1
    a_minute_passes(services)
    assert is_over(services, thief, token)


def test_who_signs_in_with_the_old_password_meanwhile_is_out_a_minute_later(services: Services) -> None:
    browser = signed_in(services)
    before = services.clock()
    changed = flows.account(services).change_password(account(services), browser.session, PASSWORD, None)
    assert isinstance(changed, SignedIn)
    # Their password was right when it was read, and has only now been hashed.
    thief = services.browser_sessions.sign_in(
        browser.session, account_id="account-1", methods=("pwd",), acr="", device=None, now=before
    )
    token, kept = refresh_token(services, thief), refresh_token(services, changed)
    a_minute_passes(services)
    assert is_over(services, thief, token)
    assert session(services, changed) is not None
    assert is_active(services, kept)


def test_a_password_whose_storing_is_in_doubt_ends_the_sign_ins_of_others(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, thief = signed_in(services), signed_in(services)
    flow = flows.account(services)
    step = (AccountStore, "change_password")
    cut_at(monkeypatch, step, lambda: flow.change_password(account(services), browser.session, PASSWORD, None))
    a_minute_passes(services)
    # The database may have stored it before it was away.
    assert session(services, thief) is None


def test_what_cannot_be_planned_is_not_begun(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, flow, planning = signed_in(services), flows.account(services), (SweepStore, "put")
    token = refresh_token(services, browser)
    cut_at(monkeypatch, planning, lambda: flow.change_password(account(services), browser.session, PASSWORD, None))
    assert account(services).password_hash is None
    cut_at(monkeypatch, planning, lambda: flow.sign_out_everywhere(account(services), browser.session))
    cut_at(monkeypatch, (SweepStore, "put_session"), lambda: flows.end_session(services).sign_out(browser.session))
    assert session(services, browser) is not None
    assert is_active(services, token)
