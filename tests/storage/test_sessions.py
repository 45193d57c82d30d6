"""Sessions on a real database: of several that are there, each act means those that it names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.device_kinds import DeviceKind
from idp.domain.sessions import ACR_BASIC, Session, SignIn
from idp.storage.database import Database
from idp.storage.sessions import SessionStore

NOW = datetime(2050, 9, 1, 8, tzinfo=UTC)
END = NOW + timedelta(hours=12)


@pytest.fixture
def store(database: Database) -> SessionStore:
    return SessionStore(database)


def signed_in(
    store: SessionStore, sid: str, account_id: str = "ines", browser: str = "browser", at: datetime = NOW
) -> tuple[str, Session]:
    sign_in = SignIn(account_id, sid, at, ("pwd",), ACR_BASIC, END, DeviceKind("Firefox", "Linux"), at)
    return store.sign_in(Session("", browser, END), sign_in, now=at, expires_at=END)


def sids(store: SessionStore, account_id: str = "ines") -> set[str]:
    return {sign_in.sid for sign_in in store.of_account(account_id, now=NOW)}


def test_a_session_comes_back_as_it_was_made_until_its_end(store: SessionStore) -> None:
    cookie, session = signed_in(store, "1")
    assert store.find(cookie, now=END - timedelta(seconds=1)) == session
    assert store.find(session.id, now=NOW) is None, "what is stored opens nothing"
    assert store.find(cookie, now=END) is None


def test_signing_in_again_ends_this_browser_s_session_before_and_no_other(store: SessionStore) -> None:
    signed_in(store, "other")
    before, session = signed_in(store, "before")
    assert session.sign_in
    cookie, _ = store.sign_in(session, session.sign_in, now=NOW, expires_at=END)
    assert store.find(before, now=NOW) is None
    assert store.find(cookie, now=NOW)
    assert sids(store) == {"other", "before"}


def test_one_browser_is_shared_and_stays_so_when_somebody_signs_in_there(store: SessionStore) -> None:
    own, _ = signed_in(store, "own")
    cookie, session = signed_in(store, "shared")
    shared = store.share(session, is_shared=True)
    found = [store.find(value, now=NOW) for value in (own, cookie)]
    assert [one.is_shared for one in found if one] == [False, True]
    assert shared == found[1]
    assert shared.sign_in
    again, _ = store.sign_in(shared, shared.sign_in, now=NOW, expires_at=END)
    inherited = store.find(again, now=NOW)
    assert inherited
    assert inherited.is_shared


def test_a_sign_in_lasts_until_its_end_or_until_it_is_ended(store: SessionStore) -> None:
    _, session = signed_in(store, "1")
    signed_in(store, "2")
    assert store.lasts(session, now=END - timedelta(seconds=1))
    assert not store.lasts(session, now=END)
    store.end_sid("1")
    assert not store.lasts(session, now=NOW), "another sign-in of the same person is not this one"
    assert sids(store) == {"2"}
    assert not store.lasts(Session("", "browser", END), now=NOW)


def test_a_sign_in_lasts_for_its_own_account_alone(store: SessionStore) -> None:
    _, session = signed_in(store, "1")
    assert session.sign_in
    of_another = replace(session, sign_in=replace(session.sign_in, account_id="noe"))
    assert [store.lasts(one, now=NOW) for one in (session, of_another)] == [True, False]


def test_the_sign_ins_of_an_account_are_its_own_that_last(store: SessionStore) -> None:
    signed_in(store, "1")
    signed_in(store, "2", "noe")
    assert sids(store) == {"1"}
    assert store.of_account("ines", now=END) == ()


def test_an_account_is_signed_out_in_the_browsers_named_which_stay_known(store: SessionStore) -> None:
    cookie, session = signed_in(store, "1", browser="here")
    signed_in(store, "2", browser="elsewhere")
    signed_in(store, "3", "noe", browser="here")
    store.forget_sign_in("ines", ["here"])
    known = store.find(cookie, now=NOW)
    assert known
    assert (known.browser, known.sign_in) == ("here", None)
    assert not store.lasts(session, now=NOW)
    assert (sids(store), sids(store, "noe")) == ({"2"}, {"3"})


def test_all_sessions_of_an_account_end_but_the_one_in_which_it_was_asked(store: SessionStore) -> None:
    _, here = signed_in(store, "here")
    signed_in(store, "elsewhere")
    signed_in(store, "noe's", "noe")
    store.end_account("ines", except_session=here.id)
    assert (sids(store), sids(store, "noe")) == ({"here"}, {"noe's"})
    store.end_account("ines")
    assert (sids(store), sids(store, "noe")) == (set(), {"noe's"})


def test_what_began_at_the_moment_or_later_is_not_ended_with_what_began_before(store: SessionStore) -> None:
    for sid, at in (("before", NOW - timedelta(seconds=1)), ("then", NOW), ("after", NOW + timedelta(seconds=1))):
        signed_in(store, sid, at=at)
    store.end_account("ines", began_before=NOW)
    assert sids(store) == {"then", "after"}
