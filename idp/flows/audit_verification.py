"""Whether the audit trail is as it was written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.storage.audit_seals import AuditSeals, Finding


@dataclass(frozen=True, slots=True)
class Verification:
    """events, purged, waiting: numbers of events verified, gone by retention, in no seal yet.

    newest, mac: number and value of the newest seal, as the log told it when it was made; 0 and empty without any.
    """

    seals: int
    events: int
    purged: int
    waiting: int
    newest: int
    mac: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class AuditVerification:
    seals: AuditSeals
    clock: Callable[[], datetime]

    def verify(self) -> Verification:
        """Check every seal and every event in one; raises ServiceUnavailable."""
        seals = events = purged = newest = 0
        mac, findings = "", list[Finding]()
        for check in self.seals.check(now=self.clock()):
            findings += check.findings
            if check.mac:
                seals, events, purged = seals + 1, events + check.verified, purged + check.purged
                newest, mac = check.number, check.mac
        return Verification(seals, events, purged, self.seals.waiting(), newest, mac, tuple(findings))
