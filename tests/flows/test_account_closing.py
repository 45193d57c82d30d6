"""Closing an account ends all of it at once: sessions, codes, tokens, consents; and applications are told."""

import secrets
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest

from idp.app import Services, assistance, flows, own_account
from idp.domain.accounts import Account, Invited
from idp.domain.proofing import Proofing, ProofingState
from idp.domain.sessions import SignedIn
from idp.storage.accounts import AccountStore
from idp.storage.sessions import SessionStore
from idp.storage.sweeps import SECOND_SWEEP, SweepStore
from tests.flows.one_person import ADDRESS, code, cut_at, exchange, is_active, refused, signed_in, token


def test_a_closed_account_is_dead_everywhere_at_once(services: Services) -> None:
    browser = signed_in(services)
    waiting, tokens = code(services, browser), exchange(services, code(services, browser))
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    assert is_active(services, access)
    assert services.stores.devices.of_account("account-1")
    assert assistance.account_closing(services).close("account-1")
    assert not is_active(services, access)
    assert not is_active(services, refresh)
    assert refused(lambda: services.provider.userinfo(f"Bearer {access}", now=services.clock())) == "invalid_token"
    assert refused(lambda: token(services, grant_type="refresh_token", refresh_token=refresh)) == "invalid_grant"
    assert refused(lambda: exchange(services, waiting)) == "invalid_grant"
    assert services.stores.sessions.find(browser.session_cookie, now=services.clock()) is None
    assert services.stores.consents.of_account("account-1") == ()
    assert services.stores.devices.of_account("account-1") == ()


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
    assert not services.ends_sign_ins.sweep_next(services.clock())
    assert services.ends_sign_ins.sweep_next(services.clock() + SECOND_SWEEP)
    assert not is_active(services, late)
    assert not services.ends_sign_ins.sweep_next(services.clock() + SECOND_SWEEP)


def test_a_reopened_account_is_not_swept(services: Services) -> None:
    closing = assistance.account_closing(services)
    assert closing.close("account-1")
    assert closing.reopen("account-1")
    kept = exchange(services, code(services, signed_in(services)))["access_token"]
    assert services.ends_sign_ins.sweep_next(services.clock() + SECOND_SWEEP)
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
    while closing.close_next_expired(later) or services.ends_sign_ins.sweep_next(later):
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
    assert services.ends_sign_ins.sweep_next(services.clock() + SECOND_SWEEP)
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


def test_what_was_cut_while_closing_ends_although_the_account_is_open_again(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, closing = signed_in(services), assistance.account_closing(services)
    refresh = exchange(services, code(services, browser))["refresh_token"]
    cut_at(monkeypatch, (SessionStore, "end_account"), lambda: closing.close("account-1"))
    assert closing.reopen("account-1")
    afterwards = signed_in(services)
    while services.ends_sign_ins.sweep_next(services.clock() + SECOND_SWEEP):
        continue
    assert services.stores.sessions.find(browser.session_cookie, now=services.clock()) is None
    assert not is_active(services, refresh)
    assert services.stores.sessions.find(afterwards.session_cookie, now=services.clock())


def test_an_erased_account_leaves_no_sign_in_and_its_applications_are_told(services: Services) -> None:
    browser = signed_in(services)
    refresh = exchange(services, code(services, browser))["refresh_token"]
    erasure = own_account.erasure(services)
    erasure.erase("account-1")
    assert erasure.erase_next(services.clock())
    assert services.stores.sessions.find(browser.session_cookie, now=services.clock()) is None
    assert not is_active(services, refresh)
    assert services.stores.logout_notices.claim("worker", now=services.clock(), lease=timedelta(minutes=1))
    (event,) = services.database.collection("audit").find({"event": "account.erased"})
    assert event["account_id"] == "account-1"
    assert not erasure.erase_next(services.clock())
    assert not erasure.end_next_merge(services.clock())


def known(services: Services) -> Account:
    found = services.stores.accounts.find("account-1")
    assert found is not None
    return found


def changes_the_password(services: Services, browser: SignedIn) -> None:
    changed = flows.account(services).change_password(
        known(services), browser.session, "trois pommes vertes", None, reference="ABCD-2345"
    )
    assert isinstance(changed, SignedIn)


def signs_out_everywhere(services: Services, browser: SignedIn) -> None:
    flows.account(services).sign_out_everywhere(known(services), browser.session)


@pytest.mark.parametrize("act", [changes_the_password, signs_out_everywhere])
def test_o_25_who_ends_everything_ends_every_proof_under_way_for_the_account(
    services: Services, act: Callable[[Services, SignedIn], None]
) -> None:
    """One that was left at its last page, on a computer that others use, would let them choose a password."""
    now, proofings = services.clock(), services.stores.proofings
    for name, address, account_id in (
        ("mailbox", ADDRESS, None),
        ("account", None, "account-1"),
        ("other", None, None),
    ):
        end = now + timedelta(hours=1)
        waiting = Proofing(name, "browser", "a", "idp", name, "REF", now, end, ProofingState.CONFIRMED)
        proofings.put(replace(waiting, address=address, account_id=account_id), link_hash=name)
    act(services, signed_in(services))
    assert [name for name in ("mailbox", "account", "other") if proofings.find(name, now=now)] == ["other"]


def test_a_new_password_is_told_under_the_reference_of_the_journey_on_which_it_was_chosen(services: Services) -> None:
    changes_the_password(services, signed_in(services))
    (event,) = services.database.collection("audit").find({"event": "account.password_changed"})
    (mail,) = services.database.collection("outbox").find({"kind": "password_changed"})
    assert (event["reference"], mail["reference"], mail["to"]) == ("ABCD-2345", "ABCD-2345", ADDRESS)


def test_a_session_that_outlived_its_disabled_account_opens_nothing(services: Services) -> None:
    """As between the two writes of a closing."""
    browser, flow = signed_in(services), flows.account(services)
    assert flow.account(browser.session) == known(services)
    services.database.collection("accounts").update_one({"_id": "account-1"}, {"$set": {"disabled": True}})
    assert services.stores.sessions.find(browser.session_cookie, now=services.clock())
    assert flow.account(browser.session) is None
