"""An audit trail under seals, and what its check finds."""

from datetime import UTC, datetime, timedelta

from idp.domain.keyed import SecretKey
from idp.flows.audit_verification import AuditVerification, Verification
from idp.storage.audit import AuditTrail
from idp.storage.audit_proofs import AuditProofs
from idp.storage.audit_seal_checks import AuditSealChecks
from idp.storage.database import Database

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
SECRET = SecretKey(b"a secret key of the installation")


def write(trail: AuditTrail, count: int, at: datetime = NOW) -> None:
    for number in range(count):
        trail.append(
            "sign_in.succeeded", at=at + timedelta(milliseconds=number), reference=f"R{number}", account_id="a"
        )


def verified(database: Database, now: datetime = LATER) -> Verification:
    return AuditVerification(AuditProofs(database, SECRET), AuditSealChecks(database, SECRET), lambda: now).verify()


def kinds(found: Verification) -> list[tuple[int, str]]:
    return [(finding.seal, finding.kind) for finding in found.findings]


def described(found: Verification) -> list[tuple[int, str, str]]:
    return sorted((finding.seal, finding.kind, finding.detail) for finding in found.findings)
