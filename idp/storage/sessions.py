"""Collection ``sessions``: what browsers hold since they signed in, found by the hash of their cookie."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from pymongo import IndexModel

from idp.domain.device_kinds import DeviceKind
from idp.domain.keyed import random_token, token_hash
from idp.domain.sessions import Session, SignIn
from idp.storage.database import Database, Indexes, repeated, translated
from idp.storage.lifetimes import find_live

INDEXES = Indexes(
    "sessions",
    (
        IndexModel("expires_at", expireAfterSeconds=0),
        IndexModel("sign_in.account_id", sparse=True),
        IndexModel("sign_in.sid", sparse=True),
    ),
)


class SessionStore:
    """Signs in, finds and ends sessions; a cookie's value leaves this class once and is never stored.

    Sessions without an ``id`` are not kept here.
    """

    def __init__(self, database: Database) -> None:
        self._sessions = database.collection("sessions")

    def find(self, cookie: str, *, now: datetime) -> Session | None:
        """The live session of this cookie."""
        document = find_live(self._sessions, {"_id": token_hash(cookie)}, now=now)
        return None if document is None else _read(document)

    def sign_in(self, session: Session, sign_in: SignIn, *, now: datetime, expires_at: datetime) -> tuple[str, Session]:
        """A new session for the same browser under a new cookie; the old cookie is dead (ASVS 7.2.4)."""
        cookie = random_token()
        signed_in = replace(session, id=token_hash(cookie), sign_in=sign_in, expires_at=expires_at)
        with translated():
            self._sessions.insert_one(
                {
                    "_id": signed_in.id,
                    "browser": signed_in.browser,
                    "created_at": now,
                    "expires_at": expires_at,
                    "is_shared": signed_in.is_shared,
                    "sign_in": sign_in_document(sign_in)
                    | {"ends_at": sign_in.ends_at, "kind": _kind_document(sign_in.kind)},
                }
            )
        self.end(session)
        return cookie, signed_in

    def share(self, session: Session, *, is_shared: bool) -> Session:
        """Keep in mind whether others use this computer; later sign-ins in this browser inherit it."""
        with translated():
            self._sessions.update_one({"_id": session.id}, {"$set": {"is_shared": is_shared}})
        return replace(session, is_shared=is_shared)

    def end(self, session: Session) -> None:
        """End this browser's session; nothing to do for one that is not kept."""
        if session.id:
            with translated():
                self._sessions.delete_one({"_id": session.id})

    def end_sid(self, sid: str) -> None:
        """End the session of this sign-in."""
        repeated(lambda: self._sessions.delete_many({"sign_in.sid": sid}))

    def forget_sign_in(self, account_id: str, browsers: Sequence[str]) -> None:
        """Sign this account out in these browsers, which stay known: what waits for them there goes on."""
        with translated():
            self._sessions.update_many(
                {"sign_in.account_id": account_id, "browser": {"$in": list(browsers)}}, {"$unset": {"sign_in": ""}}
            )

    def of_account(self, account_id: str, *, now: datetime) -> tuple[SignIn, ...]:
        """The sign-ins of this account that last."""
        with translated():
            found = list(self._sessions.find({"sign_in.account_id": account_id, "expires_at": {"$gt": now}}))
        return tuple(read_sign_in(document["sign_in"]) for document in found)

    def account_of(self, sid: str, *, now: datetime) -> str | None:
        """Whose sign-in this is; None where it lasts no longer."""
        with translated():
            found = self._sessions.find_one({"sign_in.sid": sid, "expires_at": {"$gt": now}}, {"sign_in.account_id": 1})
        return None if found is None else str(found["sign_in"]["account_id"])

    def lasts(self, session: Session, *, now: datetime) -> bool:
        """Whether this sign-in still lasts, as it stands now: a request may have waited since its session was read."""
        if session.sign_in is None:
            return False
        this = {"sign_in.sid": session.sign_in.sid, "sign_in.account_id": session.sign_in.account_id}
        with translated():
            return self._sessions.find_one(this | {"expires_at": {"$gt": now}}, {"_id": 1}) is not None

    def end_account(
        self, account_id: str, *, except_session: str | None = None, began_before: datetime | None = None
    ) -> None:
        """End every session of the account, but perhaps the one in which this was asked, or those of later sign-ins."""
        which = {"sign_in.account_id": account_id, "_id": {"$ne": except_session}}
        if began_before is not None:
            which["sign_in.at"] = {"$lt": began_before}
        repeated(lambda: self._sessions.delete_many(which))


def sign_in_document(sign_in: SignIn) -> dict[str, Any]:
    """What a session and a grant both keep of a sign-in."""
    return {
        "account_id": sign_in.account_id,
        "sid": sign_in.sid,
        "at": sign_in.at,
        "methods": list(sign_in.methods),
        "acr": sign_in.acr,
        "authenticated_at": sign_in.authenticated_at,
    }


def read_sign_in(document: dict[str, Any]) -> SignIn:
    """The sign-in as it stands in a session or a grant."""
    return SignIn(
        document["account_id"],
        document["sid"],
        document["at"],
        tuple(document["methods"]),
        document["acr"],
        document.get("ends_at"),
        _kind(document),
        document.get("authenticated_at"),
    )


def _read(document: dict[str, Any]) -> Session:
    sign_in = document.get("sign_in")
    return Session(
        document["_id"],
        document["browser"],
        document["expires_at"],
        None if sign_in is None else read_sign_in(sign_in),
        document.get("is_shared", False),
    )


def _kind_document(kind: DeviceKind | None) -> dict[str, Any] | None:
    return None if kind is None else asdict(kind)


def _kind(document: dict[str, Any]) -> DeviceKind | None:
    kind = document.get("kind")
    return None if kind is None else DeviceKind(**kind)
