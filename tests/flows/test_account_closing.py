"""Closing an account ends all of it at once: sessions, codes, tokens, consents; and applications are told."""

import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp import app as application
from idp import settings
from idp.app import Services, assistance, flows
from idp.domain.accounts import Account, Invited
from idp.domain.authorization import AuthorizationRequest
from idp.domain.consent import Consent
from idp.domain.errors import ProtocolError, ServiceUnavailable
from idp.domain.sessions import ACR_BASIC, SignedIn
from idp.storage.accounts import AccountStore
from idp.storage.database import Database
from idp.storage.sessions import SessionStore
from idp.storage.sweeps import SECOND_SWEEP, SweepStore
from tests.openid.world import VERIFIER, asking, basic, query_of

ADDRESS = "ines@univ-exemple.fr"
SECRET = "a-secret-of-this-client-1"
CLIENTS = f"""
[[client]]
client_id = "told"
client_secret = "{SECRET}"
redirect_uris = ["https://rp.example/cb"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid email offline_access"
backchannel_logout_uri = "https://rp.example/logout"
"""


@pytest.fixture
def services(indexed_database: Database, mongodb_uri: str, tmp_path: Path) -> Services:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    configured = settings.load(
        {
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(tmp_path / "keys"),
            "IDP_CLIENTS_FILE": str(tmp_path / "clients.toml"),
            "IDP_PASSWORDS_BCRYPT_COST": "4",
        }
    )
    built = application.build(configured, database=indexed_database)
    built.stores.accounts.create(Account("account-1", "subject-1", built.clock(), addresses=(ADDRESS,)))
    built.stores.consents.add(Consent("account-1", "told", frozenset({"openid"}), frozenset({"email"}), built.clock()))
    return built


def signed_in(services: Services) -> SignedIn:
    _, anonymous = services.browser_sessions.open()
    return services.browser_sessions.sign_in(
        anonymous, account_id="account-1", methods=("pwd",), acr=ACR_BASIC, device=None, now=services.clock()
    )


def request(services: Services) -> AuthorizationRequest:
    client = services.provider.client("told")
    assert client is not None
    return services.provider.read_authorization_request(asking(client), now=services.clock())


def code(services: Services, browser: SignedIn) -> str:
    assert browser.session.sign_in is not None
    answer = services.provider.authorize(
        request(services), "account-1", "subject-1", browser.session.sign_in, now=services.clock()
    )
    return query_of(answer.location)["code"]


def token(services: Services, **form: str) -> dict[str, str]:
    return services.provider.token(list(form.items()), basic("told", SECRET), now=services.clock())


def exchange(services: Services, value: str) -> dict[str, str]:
    return token(
        services,
        grant_type="authorization_code",
        code=value,
        redirect_uri="https://rp.example/cb",
        code_verifier=VERIFIER,
    )


def is_active(services: Services, value: str) -> bool:
    form = [("token", value)]
    found = services.provider.introspection.answer(form, basic("told", SECRET), now=services.clock())
    return bool(found["active"])


def cut_at(monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], act: Callable[[], object]) -> None:
    """Act while the database is away for this step, and for what would come after it."""

    def away(*_args: object, **_named: object) -> None:
        raise ServiceUnavailable("database", "away for this one operation")

    with monkeypatch.context() as patched:
        patched.setattr(*step, away)
        with pytest.raises(ServiceUnavailable):
            act()


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ProtocolError) as caught:
        call()
    return caught.value.error


def test_a_closed_account_is_dead_everywhere_at_once(services: Services) -> None:
    browser = signed_in(services)
    waiting, tokens = code(services, browser), exchange(services, code(services, browser))
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    assert is_active(services, access)
    assert assistance.account_closing(services).close("account-1")
    assert not is_active(services, access)
    assert not is_active(services, refresh)
    assert refused(lambda: services.provider.userinfo(f"Bearer {access}", now=services.clock())) == "invalid_token"
    assert refused(lambda: token(services, grant_type="refresh_token", refresh_token=refresh)) == "invalid_grant"
    assert refused(lambda: exchange(services, waiting)) == "invalid_grant"
    assert services.stores.sessions.find(browser.session_cookie, now=services.clock()) is None
    assert services.stores.consents.of_account("account-1") == ()


def test_the_applications_of_a_closed_account_are_told(services: Services) -> None:
    browser = signed_in(services)
    exchange(services, code(services, browser))
    assert assistance.account_closing(services).close("account-1")
    claim = services.stores.logout_notices.claim("worker", now=services.clock(), lease=timedelta(minutes=1))
    assert claim is not None
    assert claim.work.application.client_id == "told"
    assert browser.session.sign_in is not None
    assert claim.work.application.sid == browser.session.sign_in.sid


def test_a_reopened_account_begins_with_nothing_of_before(services: Services) -> None:
    tokens = exchange(services, code(services, signed_in(services)))
    closing = assistance.account_closing(services)
    assert closing.close("account-1")
    assert closing.reopen("account-1")
    account = services.stores.accounts.by_address(ADDRESS)
    assert account is not None
    assert not account.disabled
    assert not is_active(services, tokens["access_token"])
    assert is_active(services, exchange(services, code(services, signed_in(services)))["access_token"])


def test_a_new_password_ends_every_token_of_before_and_tells_the_applications(services: Services) -> None:
    browser = signed_in(services)
    tokens = exchange(services, code(services, browser))
    account = services.stores.accounts.by_address(ADDRESS)
    assert account is not None
    changed = flows.account(services).change_password(account, browser.session, "trois pommes vertes", None)
    assert isinstance(changed, SignedIn)
    for value in (tokens["access_token"], tokens["refresh_token"]):
        assert not is_active(services, value)
    assert services.stores.logout_notices.claim("worker", now=services.clock(), lease=timedelta(minutes=1))
    # The sign-in of whoever changed it goes on, as one of its own.
    assert is_active(services, exchange(services, code(services, changed))["access_token"])


def test_signing_out_ends_every_token_of_that_sign_in_alone(services: Services) -> None:
    here, elsewhere = signed_in(services), signed_in(services)
    ended = exchange(services, code(services, here))["access_token"]
    kept = exchange(services, code(services, elsewhere))["access_token"]
    flows.end_session(services).sign_out(here.session)
    assert not is_active(services, ended)
    assert is_active(services, kept)


def test_what_a_request_under_way_adds_to_a_closed_account_ends_a_minute_later(services: Services) -> None:
    browser, closing = signed_in(services), assistance.account_closing(services)
    assert closing.close("account-1")
    # The request had read the account before it was closed.
    late = exchange(services, code(services, browser))["refresh_token"]
    assert not closing.sweep_next(services.clock())
    assert closing.sweep_next(services.clock() + SECOND_SWEEP)
    assert not is_active(services, late)
    assert not closing.sweep_next(services.clock() + SECOND_SWEEP)


def test_a_reopened_account_is_not_swept(services: Services) -> None:
    closing = assistance.account_closing(services)
    assert closing.close("account-1")
    assert closing.reopen("account-1")
    kept = exchange(services, code(services, signed_in(services)))["access_token"]
    assert closing.sweep_next(services.clock() + SECOND_SWEEP)
    assert is_active(services, kept)


def invited_until(services: Services, until: datetime) -> None:
    stored = services.database.collection("accounts")
    stored.update_one({"_id": "account-1"}, {"$set": {"invited": asdict(Invited("visitor", until))}})


@pytest.mark.parametrize("step", [(SweepStore, "put"), (AccountStore, "expire"), (SessionStore, "end_account")])
def test_an_invitation_whose_end_was_cut_half_way_ends_later(
    services: Services, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str]
) -> None:
    refresh = exchange(services, code(services, signed_in(services)))["refresh_token"]
    closing, now = assistance.account_closing(services), services.clock()
    invited_until(services, now)
    cut_at(monkeypatch, step, lambda: closing.close_next_expired(now))
    later = now + timedelta(hours=2)
    while closing.close_next_expired(later) or closing.sweep_next(later):
        continue
    account = services.stores.accounts.find("account-1")
    assert account is not None
    assert account.disabled
    assert not is_active(services, refresh)


def test_an_account_whose_closing_was_cut_half_way_ends_later(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh = exchange(services, code(services, signed_in(services)))["refresh_token"]
    closing = assistance.account_closing(services)
    cut_at(monkeypatch, (SessionStore, "end_account"), lambda: closing.close("account-1"))
    assert closing.sweep_next(services.clock() + SECOND_SWEEP)
    assert not is_active(services, refresh)


def test_of_all_workers_that_find_an_invitation_ended_one_ends_it(services: Services) -> None:
    now = services.clock()
    invited_until(services, now)
    assert services.stores.accounts.next_expired(now=now) == "account-1"
    assert [services.stores.accounts.expire("account-1", now=now) for _ in range(2)] == [True, False]
    assert services.stores.accounts.next_expired(now=now) is None


def test_an_unknown_account_closes_nothing(services: Services) -> None:
    closing, unknown = assistance.account_closing(services), secrets.token_hex(4)
    assert not closing.close(unknown)
    assert not closing.reopen(unknown)
    account = services.stores.accounts.by_address(ADDRESS)
    assert account is not None
    assert not account.disabled
