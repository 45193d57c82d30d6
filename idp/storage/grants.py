"""Grants: one document for everything that was issued from one authorization.

Looking up and taking a code, storing the tokens that it buys and finding an access token are one command each.
A refresh token names its grant, so that old ones are recognised without being kept.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from pymongo import IndexModel

from idp.domain.grants import AccessToken, Grant, IssuedToken, RefreshState
from idp.domain.sessions import SignIn
from idp.storage.database import Database, Document, Indexes, translated

INDEXES = Indexes(
    "grants",
    (
        IndexModel("code_hash", unique=True),
        IndexModel("access.hash", sparse=True),
        IndexModel("sign_in.sid"),
        IndexModel("account_id"),
        IndexModel("purge_at", expireAfterSeconds=0),
    ),
)

# A used code stays known this long after its end, so that a second use still revokes what the first one gave.
_MEMORY = timedelta(minutes=10)
# A client that refreshes without pause must not let one document grow without bound.
_LIVE_ACCESS_TOKENS = 16


class GrantStore:
    """Grants in MongoDB; raises ``ServiceUnavailable`` where the outcome is not known."""

    def __init__(self, database: Database) -> None:
        self._grants = database.collection(INDEXES.collection)

    def add(self, grant: Grant) -> None:
        """Keep a new grant, whose code was not used yet."""
        with translated():
            self._grants.insert_one(_document(grant))

    def by_code(self, code_hash: str) -> Grant | None:
        """The grant of this code, used or not, live or expired; None where it was revoked or never was."""
        with translated():
            found = self._grants.find_one({"code_hash": code_hash}, {"access": 0, "refresh": 0})
        return _grant(found) if found else None

    def take_code(self, grant: Grant, access: IssuedToken, refresh: IssuedToken | None, *, now: datetime) -> bool:
        """Use the code up and keep the tokens that it buys, in one write; False where somebody was first."""
        change: Document = {
            "code_used_at": now,
            "access": [_token(access)],
            "purge_at": max(token.expires_at for token in (access, refresh) if token) + _MEMORY,
        }
        if refresh:
            change["refresh"] = _token(refresh)
        unused = {
            "_id": grant.id,
            "code_hash": grant.code_hash,
            "client_id": grant.client_id,
            "code_used_at": None,
            "code_expires_at": {"$gt": now},
        }
        with translated():
            return self._grants.update_one(unused, {"$set": change}).modified_count == 1

    def by_access_token(self, token_hash: str, *, now: datetime) -> AccessToken | None:
        """The live access token with this hash."""
        live = {"access": {"$elemMatch": {"hash": token_hash, "expires_at": {"$gt": now}}}}
        with translated():
            found = self._grants.find_one(live)
        if found is None:
            return None
        token = next(token for token in found["access"] if token["hash"] == token_hash)
        return AccessToken(grant=_grant(found), scope=tuple(token["scope"]), expires_at=token["expires_at"])

    def refresh_state(self, grant_id: str) -> RefreshState | None:
        """The live refresh token of a grant; None where the grant is gone or never had one."""
        with translated():
            found = self._grants.find_one({"_id": grant_id, "refresh": {"$exists": True}}, {"access": 0})
        if found is None:
            return None
        return RefreshState(
            grant=_grant(found), hash=found["refresh"]["hash"], expires_at=found["refresh"]["expires_at"]
        )

    def rotate_refresh(
        self, grant_id: str, old_hash: str, access: IssuedToken, refresh: IssuedToken, *, now: datetime
    ) -> bool:
        """Replace the live refresh token by its successor, in one write; False where somebody was first."""
        live = {"_id": grant_id, "refresh.hash": old_hash, "refresh.expires_at": {"$gt": now}}
        still_good = {"$filter": {"input": "$access", "cond": {"$gt": ["$$this.expires_at", now]}}}
        access_tokens = {"$concatArrays": [still_good, [{"$literal": _token(access)}]]}
        change = {
            "access": {"$slice": [access_tokens, -_LIVE_ACCESS_TOKENS]},
            "refresh": {"$literal": _token(refresh)},
            "purge_at": max(access.expires_at, refresh.expires_at) + _MEMORY,
        }
        with translated():
            return self._grants.update_one(live, [{"$set": change}]).modified_count == 1

    def revoke(self, grant_id: str) -> None:
        """Kill the family: the code and every token, at once."""
        with translated():
            self._grants.delete_one({"_id": grant_id})

    def revoke_session(self, sid: str) -> int:
        """Kill every family that came from this sign-in; how many."""
        with translated():
            return self._grants.delete_many({"sign_in.sid": sid}).deleted_count

    def revoke_account(self, account_id: str) -> int:
        """Kill every family of this account; how many."""
        with translated():
            return self._grants.delete_many({"account_id": account_id}).deleted_count


def _token(token: IssuedToken) -> Document:
    return {"hash": token.hash, "scope": list(token.scope), "expires_at": token.expires_at}


def _document(grant: Grant) -> Document:
    return {
        "_id": grant.id,
        "account_id": grant.account_id,
        "client_id": grant.client_id,
        "subject": grant.subject,
        "scope": list(grant.scope),
        "redirect_uri": grant.redirect_uri,
        "sign_in": {
            "account_id": grant.sign_in.account_id,
            "sid": grant.sign_in.sid,
            "at": grant.sign_in.at,
            "methods": list(grant.sign_in.methods),
            "acr": grant.sign_in.acr,
        },
        "code_hash": grant.code_hash,
        "code_expires_at": grant.code_expires_at,
        "code_used_at": grant.code_used_at,
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
        "nonce": grant.nonce,
        "code_challenge": grant.code_challenge,
        # As text: names of claims may hold dots and dollar signs, which mean something to MongoDB.
        "claims": json.dumps(grant.claims),
        "purge_at": grant.code_expires_at + _MEMORY,
    }


def _grant(found: Document) -> Grant:
    return Grant(
        id=found["_id"],
        account_id=found["account_id"],
        client_id=found["client_id"],
        subject=found["subject"],
        scope=tuple(found["scope"]),
        redirect_uri=found["redirect_uri"],
        sign_in=_sign_in(found["sign_in"]),
        code_hash=found["code_hash"],
        code_expires_at=found["code_expires_at"],
        created_at=found["created_at"],
        expires_at=found["expires_at"],
        nonce=found["nonce"],
        code_challenge=found["code_challenge"],
        claims=json.loads(found["claims"]),
        code_used_at=found["code_used_at"],
    )


def _sign_in(found: dict[str, Any]) -> SignIn:
    return SignIn(
        account_id=found["account_id"],
        sid=found["sid"],
        at=found["at"],
        methods=tuple(found["methods"]),
        acr=found["acr"],
    )
