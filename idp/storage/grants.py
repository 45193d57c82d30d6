"""Grants: one document for everything that was issued from one authorization.

Looking up and taking a code, storing the tokens that it buys and finding an access token are one command each.
A refresh token names its grant, so that old ones are recognised without being kept.
"""

import json
from datetime import datetime, timedelta

from pymongo import DESCENDING, IndexModel, ReturnDocument

from idp.domain.grants import AccessToken, Grant, IssuedToken, RefreshState, Rotation
from idp.domain.logout import ApplicationInUse
from idp.domain.registrations import PREFIX
from idp.storage.database import Database, Document, Indexes, repeated, translated
from idp.storage.sessions import read_sign_in, sign_in_document

INDEXES = Indexes(
    "grants",
    (
        IndexModel("code_hash", unique=True),
        IndexModel("access.hash", sparse=True),
        IndexModel("sign_in.sid"),
        IndexModel("account_id"),
        # Empty, and so free of cost, where all clients stand in the file.
        IndexModel("client_id", partialFilterExpression={"client_id": {"$gte": PREFIX}}),
        IndexModel("purge_at", expireAfterSeconds=0),
    ),
)

# A used code stays known this long after its end, so that a second use still revokes what the first one gave.
_MEMORY = timedelta(minutes=10)
_MEMORY_MILLISECONDS = _MEMORY // timedelta(milliseconds=1)
# A client that refreshes without pause must not let one document grow without bound.
_LIVE_ACCESS_TOKENS = 16


class GrantStore:
    """Grants in MongoDB; raises ``ServiceUnavailable`` where the outcome is not known."""

    def __init__(self, database: Database) -> None:
        self._grants = database.collection(INDEXES.collection)

    def add(self, grant: Grant, access: IssuedToken | None = None) -> None:
        """Keep a new grant, whose code was not used yet, with the access token that went out at once, if one did."""
        document = _document(grant)
        if access is not None:
            document |= {"access": [_token(access)], "purge_at": max(document["purge_at"], access.expires_at + _MEMORY)}
        with translated():
            self._grants.insert_one(document)

    def by_code(self, code_hash: str) -> Grant | None:
        """The grant of this code, used or not, live or expired; None where it was revoked or never was."""
        with translated():
            found = self._grants.find_one({"code_hash": code_hash}, {"access": 0, "refresh": 0})
        return _grant(found) if found else None

    def take_code(self, grant: Grant, access: IssuedToken, refresh: IssuedToken | None, *, now: datetime) -> bool:
        """Use the code up and keep the tokens that it buys, in one write; False where somebody was first."""
        change: Document = {"code_used_at": now}
        kept_until = max(token.expires_at for token in (access, refresh) if token) + _MEMORY
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
            # Pushed, because a hybrid flow's answer held an access token already.
            update = self._grants.update_one(
                unused, {"$set": change, "$push": {"access": _token(access)}, "$max": {"purge_at": kept_until}}
            )
        return update.modified_count == 1

    def void_code(self, grant: Grant, *, now: datetime) -> None:
        """Nobody exchanges this code any more; what a hybrid flow gave beside it stays."""
        with translated():
            self._grants.update_one({"_id": grant.id, "code_used_at": None}, {"$set": {"code_used_at": now}})

    def by_access_token(self, token_hash: str, *, now: datetime) -> AccessToken | None:
        """The live access token with this hash; one that has expired ends here, wherever the clock goes afterwards."""
        with translated():
            found = self._grants.find_one({"access.hash": token_hash})
        if found is None:
            return None
        token = next(token for token in found["access"] if token["hash"] == token_hash)
        if token["expires_at"] <= now:
            self.revoke_access(token_hash, found["client_id"])
            return None
        return AccessToken(
            grant=_grant(found),
            scope=tuple(token["scope"]),
            expires_at=token["expires_at"],
            resources=tuple(token.get("resources", ())),
            jkt=token.get("jkt"),
        )

    def refresh_state(self, grant_id: str) -> RefreshState | None:
        """The live refresh token of a grant; None where the grant is gone or never had one."""
        with translated():
            found = self._grants.find_one({"_id": grant_id, "refresh": {"$exists": True}}, {"access": 0})
        if found is None:
            return None
        refresh = found["refresh"]
        return RefreshState(
            grant=_grant(found),
            hash=refresh["hash"],
            expires_at=refresh["expires_at"],
            previous_hash=refresh.get("previous_hash"),
            rotated_at=refresh.get("rotated_at"),
            jkt=refresh.get("jkt"),
        )

    def rotate_refresh(
        self, grant_id: str, old_hash: str, access: IssuedToken, refresh: IssuedToken, *, now: datetime
    ) -> bool:
        """Replace the live refresh token by its successor, in one write; False where somebody was first."""
        live = {"_id": grant_id, "refresh.hash": old_hash, "refresh.expires_at": {"$gt": now}}
        successor = _token(refresh) | {"previous_hash": old_hash, "rotated_at": now}
        change = {
            "access": _with(access, now),
            "refresh": {"$literal": successor},
            "purge_at": {"$max": ["$purge_at", max(access.expires_at, refresh.expires_at) + _MEMORY]},
        }
        with translated():
            return self._grants.update_one(live, [{"$set": change}]).modified_count == 1

    def rotate_at_once(
        self,
        grant_id: str,
        client_id: str,
        refresh: Rotation,
        access_hash: str,
        access_until: datetime,
        *,
        now: datetime,
    ) -> Grant | None:
        """The same without reading the grant before; None where it is not a plain use of the live token."""
        plain: Document = {
            "_id": grant_id,
            "client_id": client_id,
            "refresh.hash": refresh.old_hash,
            "refresh.expires_at": {"$gt": now},
            "refresh.jkt": None,
            "resources": [],
        }
        expires_at = {"$min": [refresh.idle_until, "$expires_at"]}
        successor = {"hash": refresh.new_hash, "previous_hash": refresh.old_hash, "rotated_at": now}
        change = {
            "access": _kept(_like_granted({"hash": access_hash, "expires_at": access_until}), now),
            "refresh": _like_granted(successor, expires_at=expires_at),
            "purge_at": {"$max": ["$purge_at", access_until + _MEMORY, {"$add": [expires_at, _MEMORY_MILLISECONDS]}]},
        }
        with translated():
            found = self._grants.find_one_and_update(
                plain, [{"$set": change}], projection={"access": 0, "refresh": 0}, return_document=ReturnDocument.AFTER
            )
        return _grant(found) if found else None

    def add_access(self, grant_id: str, live_hash: str, access: IssuedToken, *, now: datetime) -> bool:
        """Keep one more access token, in one write; False where that refresh token is the live one no longer."""
        live = {"_id": grant_id, "refresh.hash": live_hash, "refresh.expires_at": {"$gt": now}}
        kept_until = {"$max": ["$purge_at", access.expires_at + _MEMORY]}
        with translated():
            update = self._grants.update_one(live, [{"$set": {"access": _with(access, now), "purge_at": kept_until}}])
        return update.modified_count == 1

    def used_by_session(self, sid: str) -> tuple[ApplicationInUse, ...]:
        """Every client that was given something in this sign-in, once, whether it is still good or not."""
        return self._used_by({"sign_in.sid": sid})

    def used_by_account(self, account_id: str, *, began_before: datetime | None = None) -> tuple[ApplicationInUse, ...]:
        """The same for every sign-in of the account, or those that began before that moment."""
        return self._used_by(_of_account(account_id, began_before))

    def opened_by_account(self, account_id: str) -> dict[str, datetime]:
        """When each client was last given something by this account, by the client's identifier."""
        latest: dict[str, datetime] = {}
        with translated():
            for grant in self._grants.find({"account_id": account_id}, {"client_id": 1, "created_at": 1}):
                at = grant["created_at"]
                latest[grant["client_id"]] = max(at, latest.get(grant["client_id"], at))
        return latest

    def of_account(self, account_id: str) -> tuple[Grant, ...]:
        """Every grant of this account, the latest first."""
        with translated():
            found = list(self._grants.find({"account_id": account_id}).sort("created_at", DESCENDING))
        return tuple(_grant(document) for document in found)

    def accounts_of_subject(self, subject: str) -> tuple[str, ...]:
        """The accounts that some client knows by this ``sub``. Reads every grant: for who looks for one by hand."""
        with translated():
            return tuple(str(found) for found in self._grants.distinct("account_id", {"subject": subject}))

    def _used_by(self, which: Document) -> tuple[ApplicationInUse, ...]:
        wanted = {"client_id": 1, "subject": 1, "sign_in.sid": 1}
        with translated():
            found = [
                ApplicationInUse(grant["client_id"], grant["subject"], grant["sign_in"]["sid"])
                for grant in self._grants.find(which, wanted)
            ]
        return tuple(dict.fromkeys(found))

    def revoke_access(self, token_hash: str, client_id: str) -> None:
        """Kill this one access token, where it is this client's."""
        with translated():
            self._grants.update_one(
                {"access.hash": token_hash, "client_id": client_id}, {"$pull": {"access": {"hash": token_hash}}}
            )

    def revoke(self, grant_id: str) -> None:
        """Kill the family: the code and every token, at once.

        The client may hold a session from it all the same, so that it is still told when the sign-in ends.
        """
        dead: Document = {"$set": {"code_hash": f"revoked {grant_id}"}, "$unset": {"access": "", "refresh": ""}}
        with translated():
            self._grants.update_one({"_id": grant_id}, dead)

    def withdraw(self, grant_id: str) -> None:
        """Undo ``add``, where nobody was told of the code."""
        with translated():
            self._grants.delete_one({"_id": grant_id})

    def revoke_session(self, sid: str) -> int:
        """Kill every family that came from this sign-in; how many."""
        return self._revoke_all({"sign_in.sid": sid})

    def revoke_client(self, account_id: str, client_id: str) -> int:
        """Kill every family that this account gave this client; how many."""
        return self._revoke_all({"account_id": account_id, "client_id": client_id})

    def revoke_registered_client(self, client_id: str) -> int:
        """Kill every family of a client that had registered itself; how many."""
        return self._revoke_all({"client_id": client_id})

    def revoke_account(self, account_id: str, *, began_before: datetime | None = None) -> int:
        """Kill every family of this account, or those of sign-ins that began before that moment; how many."""
        return self._revoke_all(_of_account(account_id, began_before))

    def _revoke_all(self, which: Document) -> int:
        return repeated(lambda: self._grants.delete_many(which)).deleted_count


def _of_account(account_id: str, began_before: datetime | None) -> Document:
    since = {} if began_before is None else {"sign_in.at": {"$lt": began_before}}
    return {"account_id": account_id, **since}


def _with(access: IssuedToken, now: datetime) -> Document:
    return _kept({"$literal": _token(access)}, now)


def _like_granted(token: Document, **worked_out: Document) -> Document:
    """A token with the grant's own scope. Merged, for an expression that is assigned keeps what stood there before."""
    return {"$mergeObjects": [{"$literal": token}, {"scope": "$scope", **worked_out}]}


def _kept(access: Document, now: datetime) -> Document:
    """The access tokens that still live, and this one."""
    still_good = {"$filter": {"input": "$access", "cond": {"$gt": ["$$this.expires_at", now]}}}
    return {"$slice": [{"$concatArrays": [still_good, [access]]}, -_LIVE_ACCESS_TOKENS]}


def _token(token: IssuedToken) -> Document:
    document: Document = {"hash": token.hash, "scope": list(token.scope), "expires_at": token.expires_at}
    if token.resources:
        document["resources"] = list(token.resources)
    if token.jkt:
        document["jkt"] = token.jkt
    return document


def _document(grant: Grant) -> Document:
    return {
        "_id": grant.id,
        "account_id": grant.account_id,
        "client_id": grant.client_id,
        "subject": grant.subject,
        "scope": list(grant.scope),
        "redirect_uri": grant.redirect_uri,
        "sign_in": sign_in_document(grant.sign_in),
        "code_hash": grant.code_hash,
        "code_expires_at": grant.code_expires_at,
        "code_used_at": grant.code_used_at,
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
        "nonce": grant.nonce,
        "code_challenge": grant.code_challenge,
        # As text: names of claims may hold dots and dollar signs, which mean something to MongoDB.
        "claims": json.dumps(grant.claims),
        "resources": list(grant.resources),
        "dpop_jkt": grant.dpop_jkt,
        "reference": grant.reference,
        # Until the sign-in ends the client may hold a session from it, and is then to be told.
        "purge_at": max(grant.code_expires_at, grant.sign_in.ends_at or grant.code_expires_at) + _MEMORY,
    }


def _grant(found: Document) -> Grant:
    return Grant(
        id=found["_id"],
        account_id=found["account_id"],
        client_id=found["client_id"],
        subject=found["subject"],
        scope=tuple(found["scope"]),
        redirect_uri=found["redirect_uri"],
        sign_in=read_sign_in(found["sign_in"]),
        code_hash=found["code_hash"],
        code_expires_at=found["code_expires_at"],
        created_at=found["created_at"],
        expires_at=found["expires_at"],
        nonce=found["nonce"],
        code_challenge=found["code_challenge"],
        claims=json.loads(found["claims"]),
        code_used_at=found["code_used_at"],
        resources=tuple(found.get("resources", ())),
        dpop_jkt=found.get("dpop_jkt"),
        reference=found.get("reference", ""),
    )
