"""Whether the audit trail is as it was written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain.audit_finding import AuditFinding
from idp.storage.audit_proofs import AuditProofs
from idp.storage.audit_seal_checks import AuditSealChecks


@dataclass(frozen=True, slots=True)
class Verification:
    """What the check of the whole audit trail found.

    seals: number of sound seals. proven: number of events whose own proof fits. events: number of events that agree
    with their seal. purged: number of events that are gone because their retention is over. waiting: number of events
    that are in no seal yet.
    newest, mac: number and value of the newest seal, as the log told them when it was made; 0 and empty without any.
    """

    seals: int
    proven: int
    events: int
    purged: int
    waiting: int
    newest: int
    mac: str
    findings: tuple[AuditFinding, ...]


@dataclass(frozen=True, slots=True)
class AuditVerification:
    proofs: AuditProofs
    seals: AuditSealChecks
    clock: Callable[[], datetime]

    def verify(self) -> Verification:
        """Check every event by itself and among its writer's, and every seal; raises ServiceUnavailable."""
        now = self.clock()
        seals = events = purged = newest = 0
        mac, findings = "", list[AuditFinding]()
        read = self.proofs.read(now=now)
        for check in self.seals.check(now=now):
            findings += (*check.findings, *read.against(check))
            if check.mac:
                seals, events, purged = seals + 1, events + check.verified, purged + check.purged
                newest, mac = check.number, check.mac
        findings += read.left({finding.seal for finding in findings}, self.seals.oldest())
        waiting = self.seals.waiting()
        return Verification(seals, read.proven, events, purged, waiting, newest, mac, _once(read.findings, findings))


def _once(alone: list[AuditFinding], in_seals: list[AuditFinding]) -> tuple[AuditFinding, ...]:
    """Findings of seals, and those of events that no seal tells of."""
    told = {finding.event for finding in in_seals if finding.event}
    return (*in_seals, *(finding for finding in alone if finding.event not in told))
