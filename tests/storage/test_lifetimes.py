"""Whatever lives for a time: refused as expired once, it is refused for good, also when the clock goes back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idp import app
from idp.domain.authorization import AuthorizationRequest, PendingAuthorization
from idp.domain.device_authorization import DeviceAuthorization, DeviceState
from idp.domain.helpdesk import ConsoleSession
from idp.domain.merging import Merge
from idp.domain.proofing import Proofing, ProofingState
from idp.domain.pushed_requests import PushedRequest
from idp.domain.registrations import InitialToken
from idp.domain.sessions import Session, SignIn
from idp.storage.authorizations import AuthorizationStore
from idp.storage.clients import InitialTokenStore
from idp.storage.database import Database
from idp.storage.device_authorizations import DeviceAuthorizationStore
from idp.storage.helpdesk_sessions import HelpdeskSessionStore
from idp.storage.merges import MergeStore
from idp.storage.proofings import ProofingStore
from idp.storage.pushed_requests import PushedRequestStore
from idp.storage.sessions import SessionStore

# Far ahead, so that MongoDB's own clock never clears away what a test has just stored.
NOW = datetime(2050, 9, 1, 8, 0, tzinfo=UTC)
END = NOW + timedelta(minutes=10)

# What puts one document that lives until END, and answers with how to ask for it at a moment: true while it is good.
Asks = Callable[[datetime], object]
Case = Callable[[Database], Asks]


def proofing(ask: Callable[[ProofingStore, datetime], object], state: ProofingState = ProofingState.STARTED) -> Case:
    def put(database: Database) -> Asks:
        store = ProofingStore(database)
        store.put(
            Proofing(
                id="proofing",
                browser="browser",
                authorization_id="authorization",
                entity_id="https://idp.example",
                request_id="_request",
                reference="ABCD-EFGH",
                created_at=NOW,
                expires_at=END,
                state=state,
            ),
            link_hash="link",
        )
        return lambda now: ask(store, now)

    return put


def authorization(ask: Callable[[AuthorizationStore, datetime], object]) -> Case:
    def put(database: Database) -> Asks:
        store = AuthorizationStore(database)
        request = AuthorizationRequest("portal", "https://rp.example/cb", ("openid",))
        store.put(PendingAuthorization("waiting", "browser", request, NOW, END, "ABCD-EFGH"))
        return lambda now: ask(store, now)

    return put


def device(ask: Callable[[DeviceAuthorizationStore, datetime], object]) -> Case:
    def put(database: Database) -> Asks:
        store = DeviceAuthorizationStore(database)
        store.add(DeviceAuthorization("device", "user", "portal", ("openid",), END))
        return lambda now: ask(store, now)

    return put


def merge(ask: Callable[[MergeStore, Merge, datetime], object]) -> Case:
    def put(database: Database) -> Asks:
        store, offered = MergeStore(database), Merge("merge", "a", "b", "b@u.example", NOW, END)
        store.offer(offered, "browser")
        return lambda now: ask(store, offered, now)

    return put


def initial_token(ask: Callable[[InitialTokenStore, datetime], object]) -> Case:
    def put(database: Database) -> Asks:
        store = InitialTokenStore(database)
        store.add(InitialToken("token", 1, END))
        return lambda now: ask(store, now)

    return put


def pushed_request(database: Database) -> Asks:
    store = PushedRequestStore(database)
    store.add(PushedRequest("handle", "portal", (), is_signed=False, expires_at=END))
    return lambda now: store.take("handle", "portal", now=now)


def console_session(database: Database) -> Asks:
    store = HelpdeskSessionStore(database)
    cookie = store.open(ConsoleSession("helper", "account", "sid", "browser", END))
    return lambda now: store.find(cookie, "browser", now=now)


def session(database: Database) -> Asks:
    store = SessionStore(database)
    cookie, _ = store.sign_in(
        Session("", "browser", END), SignIn("account", "sid", NOW, ("pwd",), "acr"), now=NOW, expires_at=END
    )
    return lambda now: store.find(cookie, now=now)


def polled(store: DeviceAuthorizationStore, now: datetime) -> bool:
    found = store.poll("device", "portal", now=now)
    return found is not None and found.expires_at > now


MOVE: tuple[Any, ...] = ("proofing", ProofingState.STARTED, ProofingState.RECEIVED)
CASES = {
    "session": session,
    "proofing found": proofing(lambda store, now: store.find("proofing", now=now)),
    "proofing answered": proofing(lambda store, now: store.by_request("_request", now=now)),
    "mailed link": proofing(lambda store, now: store.by_link("link", now=now)),
    "proofing moved": proofing(lambda store, now: store.move(*MOVE, now=now)),
    "mailed link followed": proofing(lambda store, now: store.follow("proofing", "a", now=now), ProofingState.VOUCHED),
    "pushed request": pushed_request,
    "initial token looked at": initial_token(lambda store, now: store.is_good("token", now=now)),
    "initial token used": initial_token(lambda store, now: store.use("token", now=now)),
    "user code": device(lambda store, now: store.by_user_code("user", now=now)),
    "device answered": device(lambda store, now: store.answer("device", DeviceState.APPROVED, "code", now=now)),
    "device polled": device(polled),
    "helpdesk session": console_session,
    "pending authorization": authorization(lambda store, now: store.find("waiting", "browser", now=now)),
    "pending authorization changed": authorization(
        lambda store, now: store.update("waiting", "browser", {"address": "a@u.example"}, now=now)
    ),
    "pending authorization answered": authorization(lambda store, now: store.take("waiting", "browser", now=now)),
    "merge offer": merge(lambda store, _, now: store.find_offer("merge", "a", "browser", now=now)),
    "merge begun": merge(lambda store, offered, now: store.begin(offered, (), until=END, now=now)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_lives_is_found(database: Database, case: Case) -> None:
    assert case(database)(END - timedelta(seconds=1))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_was_refused_as_expired_stays_so_when_the_clock_goes_back(database: Database, case: Case) -> None:
    ask = case(database)
    assert not ask(END)
    assert not ask(NOW)


def test_a_device_that_was_told_that_its_code_has_expired_cannot_be_answered(database: Database) -> None:
    store = DeviceAuthorizationStore(database)
    store.add(DeviceAuthorization("device", "user", "portal", ("openid",), END))
    assert not polled(store, END)
    assert store.by_user_code("user", now=NOW) is None
    assert not store.answer("device", DeviceState.APPROVED, "code", now=NOW)


def test_what_has_ended_is_cleared_away() -> None:
    """MongoDB does it (TTL indexes, which tests have it leave alone): without one, what it tells of people stays."""
    kept = {
        one.collection: (field, model.document["expireAfterSeconds"])
        for one in app.INDEXES
        for model in one.models
        for field in model.document["key"]
        if "expireAfterSeconds" in model.document
    }
    at_its_end: dict[str, tuple[str, ...]] = {}
    at_its_end["expires_at"] = ("authorizations", "devices", "helpdesk_sessions", "initial_tokens", "learned_domains")
    at_its_end["expires_at"] += ("limits", "passkey_challenges", "proofings", "pushed_requests", "saml_messages")
    at_its_end["expires_at"] += ("sessions", "used_jtis")
    at_its_end["purge_at"] = ("audit", "device_authorizations", "grants", "invitations", "merges")
    month = 30 * 24 * 3600
    assert kept == {name: (field, 0) for field, names in at_its_end.items() for name in names} | {
        "one_time_codes": ("expires_at", 3600),
        "logout_notices": ("created_at", month),
        "outbox": ("created_at", month),
    }
