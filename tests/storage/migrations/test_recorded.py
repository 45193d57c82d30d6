"""What an earlier release really wrote, while people were on their way, read by the stores of today."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import json_util

from idp.domain.device_authorization import DeviceState
from idp.storage import one_time_codes
from idp.storage.accounts import AccountStore
from idp.storage.authorizations import AuthorizationStore
from idp.storage.database import Database
from idp.storage.device_authorizations import DeviceAuthorizationStore
from idp.storage.grants import GrantStore
from idp.storage.invitations import InvitationStore
from idp.storage.logout_notices import LogoutNotices
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.outbox import Outbox
from idp.storage.passkeys import PasskeyStore
from idp.storage.proofing_records import ProofingRecordStore
from idp.storage.proofings import ProofingStore
from idp.storage.sessions import SessionStore
from idp.storage.sweeps import SweepStore

# One document of a kind or two, of an installation of commit a367862 on the demo's universities.
RECORDED = Path(__file__).parent / "recorded" / "a367862.json"
AWARE = json_util.JSONOptions(tz_aware=True, tzinfo=UTC)
# Later than today, or the database would purge what has expired since.
LATER = timedelta(days=24 * 365)


def moved(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: moved(inside) for name, inside in value.items()}
    if isinstance(value, list):
        return [moved(inside) for inside in value]
    return value + LATER if isinstance(value, datetime) else value


@pytest.fixture
def written(database: Database) -> dict[str, Any]:
    """The documents by collection; they are in the database."""
    found: dict[str, Any] = moved(json_util.loads(RECORDED.read_text(encoding="utf-8"), json_options=AWARE))
    database.create_indexes((one_time_codes.INDEXES,))
    for name, documents in found.items():
        database.collection(name).insert_many(documents)
    return found


def test_whoever_is_on_their_way_goes_on(database: Database, written: dict[str, Any]) -> None:
    (document,) = written["authorizations"]
    journey = AuthorizationStore(database).find(document["_id"], document["browser"], now=document["created_at"])
    assert journey is not None
    assert journey.request.client_id == document["request"]["client_id"]
    proofing = ProofingStore(database).find(journey.proofing_id or "", now=journey.created_at)
    assert proofing is not None
    assert proofing.identities
    (code,) = written["one_time_codes"]
    assert OneTimeCodeStore(database).find(code["_id"], code["browser"]) is not None


def test_people_keep_account_passkey_proof_and_sessions(database: Database, written: dict[str, Any]) -> None:
    (account,) = written["accounts"]
    found = AccountStore(database).find(account["_id"])
    assert found is not None
    assert (list(found.addresses), found.password_hash) == (account["addresses"], account["password_hash"])
    (passkey,) = written["passkeys"]
    assert PasskeyStore(database).find(passkey["_id"]) is not None
    (record,) = written["proofing_records"]
    assert ProofingRecordStore(database).latest(record["account_id"]) is not None
    signed_in = next(session for session in written["sessions"] if "sign_in" in session)
    (kept,) = SessionStore(database).of_account(signed_in["sign_in"]["account_id"], now=signed_in["created_at"])
    assert kept.sid == signed_in["sign_in"]["sid"]


def test_applications_keep_their_tokens_devices_and_what_they_are_to_be_told(
    database: Database, written: dict[str, Any]
) -> None:
    (grant,) = written["grants"]
    grants, now = GrantStore(database), grant["created_at"]
    assert grants.by_access_token(grant["access"][0]["hash"], now=now) is not None
    state = grants.refresh_state(grant["_id"])
    assert state is not None
    assert state.hash == grant["refresh"]["hash"]
    (device,) = written["device_authorizations"]
    polled = DeviceAuthorizationStore(database).poll(device["_id"], device["client_id"], now=now)
    assert polled is not None
    assert polled.state is DeviceState(device["state"])
    (notice,) = written["logout_notices"]
    claim = LogoutNotices(database).claim("worker", now=notice["due_at"], lease=timedelta(minutes=1))
    assert claim is not None
    assert claim.work.id == notice["_id"]


def test_what_waits_is_done(database: Database, written: dict[str, Any]) -> None:
    (sweep,) = written["sweeps"]
    due = SweepStore(database).next_due(now=sweep["due_at"])
    assert due is not None
    assert (due.account_id, due.began_before, due.sid) == (sweep["account_id"], None, "")
    (invitation,) = written["invitations"]
    (kept,) = InvitationStore(database).every()
    assert kept.id == invitation["_id"]
    (mail,) = written["outbox"]
    assert Outbox(database).last_delivery(mail["reference"], mail["to"]) is not None
