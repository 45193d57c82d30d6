"""The audit trail for tests that write to it in passing, or read what the provider wrote."""

from idp.domain.keyed import SecretKey
from idp.storage.audit import AuditTrail
from idp.storage.database import Database

SECRET = SecretKey(b"a key of tests of the audit trail")


def audit_trail(database: Database) -> AuditTrail:
    return AuditTrail(database, SECRET)
