"""Seals go with the last of their events, and nobody else can take the oldest ones away unseen."""

from datetime import timedelta
from typing import Any

import pytest

from idp.domain.keyed import SecretKey
from idp.flows.audit_verification import AuditVerification, Verification
from idp.storage import audit_seal_retention
from idp.storage.audit import KEPT, AuditTrail
from idp.storage.audit_proofs import AuditProofs
from idp.storage.audit_seal_checks import AuditSealChecks
from idp.storage.audit_seal_key import SealKey
from idp.storage.audit_seal_retention import SealRetention
from idp.storage.audit_seals import AuditSeals
from idp.storage.database import Database
from tests.storage.sealing import LATER, NOW, SECRET, described, kinds, verified, write

ENDED = NOW + KEPT + timedelta(days=2)
OTHER_SECRET = SecretKey(b"the secret key of last year")


def seal_some(trail: AuditTrail, seals: AuditSeals, *days: int) -> None:
    """A seal of two events on each of these days."""
    for day in days:
        write(trail, 2, NOW + timedelta(days=day))
        assert seals.seal_next(now=LATER + timedelta(days=day))


def purge(database: Database, until: Any) -> None:
    """As the database does by itself."""
    database.collection("audit").delete_many({"purge_at": {"$lte": until}})


def numbers(database: Database) -> list[int]:
    return [seal["_id"] for seal in database.collection("audit_seals").find().sort("_id", 1)]


def at(days: int, database: Database) -> Verification:
    return verified(database, LATER + timedelta(days=days))


def test_a_seal_goes_once_the_last_of_its_events_has_ended(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    seal_some(trail, seals, 0, 1, 2)
    purge(indexed_database, LATER + timedelta(days=366))
    # The events of the second day have just ended, and clocks may be off by a day.
    seal_some(trail, seals, 366)
    assert numbers(indexed_database) == [2, 3, 4]
    seal_some(trail, seals, 367)
    assert numbers(indexed_database) == [3, 4, 5]
    found = at(367, indexed_database)
    assert (found.seals, found.events, found.findings) == (3, 6, ())


def test_a_provider_that_nobody_used_for_years_begins_with_its_next_seal(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    seal_some(trail, seals, 0, 1)
    purge(indexed_database, NOW + timedelta(days=1000))
    seal_some(trail, seals, 1000)
    assert numbers(indexed_database) == [3]
    assert at(1000, indexed_database).findings == ()
    seal_some(trail, seals, 1001)
    assert at(1001, indexed_database).findings == ()


def test_a_long_past_goes_step_by_step(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seal_retention, "_RETIRED_AT_ONCE", 2)
    seal_some(trail, seals, 0, 1, 2, 3, 4)
    purge(indexed_database, NOW + timedelta(days=1000))
    for day, oldest in ((1000, 3), (1001, 5), (1002, 6)):
        seal_some(trail, seals, day)
        assert numbers(indexed_database)[0] == oldest
        assert at(day, indexed_database).findings == ()


def test_whoever_is_killed_before_the_old_ones_are_gone_is_made_up_for(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    seal_some(trail, seals, 0)
    old = indexed_database.collection("audit_seals").find_one({"_id": 1})
    assert old is not None
    purge(indexed_database, NOW + timedelta(days=400))
    seal_some(trail, seals, 400)
    indexed_database.collection("audit_seals").insert_one(old)
    assert at(400, indexed_database).findings == ()
    seal_some(trail, seals, 401)
    assert numbers(indexed_database) == [2, 3]


def test_seals_taken_from_the_front_are_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    seal_some(trail, seals, 0, 1, 2, 3)
    purge(indexed_database, NOW + timedelta(days=367))
    seal_some(trail, seals, 367)
    assert numbers(indexed_database) == [3, 4, 5]
    indexed_database.collection("audit").delete_many({"seal": 3})
    indexed_database.collection("audit_seals").delete_one({"_id": 3})
    assert (3, "missing") in kinds(at(367, indexed_database))
    # Nor does it go by when the next one comes.
    seal_some(trail, seals, 368)
    assert (3, "missing") in kinds(at(368, indexed_database))


@pytest.mark.parametrize("changed", [{"_id": 1}, {}], ids=["one", "all"])
def test_what_a_changed_seal_says_of_its_end_is_not_believed(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database, changed: dict[str, Any]
) -> None:
    seal_some(trail, seals, 0, 1)
    collection = indexed_database.collection("audit_seals")
    collection.update_many(changed, {"$set": {"entries.$[].purge_at": NOW}})
    seal_some(trail, seals, 10)
    assert numbers(indexed_database) == [1, 2, 3]
    assert (1, "broken") in kinds(at(10, indexed_database))


def test_a_changed_seal_goes_with_the_sound_one_after_it(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    seal_some(trail, seals, 0, 1, 300)
    indexed_database.collection("audit_seals").update_one({"_id": 1}, {"$set": {"count": 3}})
    purge(indexed_database, NOW + timedelta(days=400))
    seal_some(trail, seals, 400)
    assert numbers(indexed_database) == [3, 4]
    assert at(400, indexed_database).findings == ()


def test_what_a_changed_seal_says_of_the_oldest_is_not_believed(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    seal_some(trail, seals, 0, 1, 2)
    collection = indexed_database.collection("audit_seals")
    collection.update_one({"_id": 3}, {"$set": {"oldest": 3}})
    collection.delete_many({"_id": {"$lt": 3}})
    assert {(1, "missing"), (2, "missing"), (3, "broken")} <= set(kinds(at(2, indexed_database)))


def test_seals_under_the_key_of_before_go_with_the_first_one_under_the_new_key(indexed_database: Database) -> None:
    before, trail = AuditTrail(indexed_database, OTHER_SECRET), AuditTrail(indexed_database, SECRET)
    seal_some(before, AuditSeals(indexed_database, OTHER_SECRET), 0, 1, 2, 3, 4)
    seal_some(trail, seals := AuditSeals(indexed_database, SECRET), 5, 6)
    purge(indexed_database, NOW + timedelta(days=371))
    seal_some(trail, seals, 371)
    assert numbers(indexed_database) == [7, 8]
    assert at(371, indexed_database).findings == ()


def test_seals_of_a_release_that_kept_them_for_ever_are_followed_by_ours(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of both serve at the same time: theirs tell nothing of the oldest."""

    key, signed = SealKey(SECRET), SealKey.signed

    def seal_as_before(day: int) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(
                SealKey, "signed", lambda _, seal: signed(key, without_oldest(seal)) | {"oldest": seal["oldest"]}
            )
            patched.setattr(SealRetention, "purge", lambda *_: None)
            seal_some(trail, seals, day)
        indexed_database.collection("audit_seals").update_one(
            {"at": LATER + timedelta(days=day)}, {"$unset": {"oldest": 1}}
        )

    seal_as_before(0)
    seal_as_before(1)
    purge(indexed_database, LATER + timedelta(days=366))
    seal_some(trail, seals, 366)
    assert numbers(indexed_database) == [2, 3]
    seal_as_before(367)
    assert at(367, indexed_database).findings == ()
    purge(indexed_database, LATER + timedelta(days=368))
    seal_some(trail, seals, 368)
    assert numbers(indexed_database) == [3, 4, 5]
    assert at(368, indexed_database).findings == ()


def without_oldest(seal: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in seal.items() if name != "oldest"}


def test_the_word_of_a_seal_that_was_taken_away_is_missed(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    """Whoever brings back the word of before brings back what had to be there then."""
    seal_some(trail, seals, 0, 1)
    purge(indexed_database, NOW + timedelta(days=400))
    seal_some(trail, seals, 400)
    write(trail, 1, NOW + timedelta(days=400, hours=1))
    indexed_database.collection("audit").delete_many({"seal": 3})
    indexed_database.collection("audit_seals").delete_one({"_id": 3})
    told = described(verified(indexed_database, NOW + timedelta(days=400, hours=2)))
    assert (3, "missing", "events know the seals 3 to 3") in told


def test_verification_during_the_removal_of_old_seals_finds_nothing(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    seal_some(trail, seals, 0, 1, 2)
    purge(indexed_database, NOW + timedelta(days=1000))
    now = LATER + timedelta(days=1000)
    checking = AuditSealChecks(indexed_database, SECRET).check(now=now)
    first = next(checking)
    seal_some(trail, seals, 1000)
    assert [finding for check in (first, *checking) for finding in check.findings] == []
    proofs = AuditProofs(indexed_database, SECRET)
    assert AuditVerification(proofs, AuditSealChecks(indexed_database, SECRET), lambda: now).verify().findings == ()
