"""An audit trail and what seals it."""

import pytest

from idp.storage.audit import AuditTrail
from idp.storage.audit_seals import AuditSeals
from idp.storage.database import Database
from tests.storage.sealing import SECRET


@pytest.fixture
def trail(indexed_database: Database) -> AuditTrail:
    return AuditTrail(indexed_database, SECRET)


@pytest.fixture
def seals(indexed_database: Database, trail: AuditTrail) -> AuditSeals:
    return AuditSeals(indexed_database, SECRET, seen=trail.saw_seal)
