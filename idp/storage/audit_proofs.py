"""Whether each event of the audit trail is as its writer appended it, and whether all of a writer's are there."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from idp.domain.audit_finding import AuditFinding
from idp.domain.audit_sequence import AuditSequence, Numbered
from idp.domain.keyed import SecretKey, same
from idp.domain.number_runs import NumberRuns
from idp.storage.audit_seal_checks import SealCheck
from idp.storage.audit_writer import proof_key, proof_of
from idp.storage.database import Database, Document
from idp.storage.walking import pieces

# Events older than this are in a seal, and whatever was written before them can be read.
SETTLED = timedelta(minutes=5)
# The most by which clocks may have been set back. Where an event is kept for longer than this from now on, no later
# event of its writer can have been purged.
_CLOCKS = timedelta(hours=6)
# For how long workers of a release without proofs may serve beside the first that writes them.
UPGRADE = timedelta(days=7)
_PIECE = 500


@dataclass(slots=True)
class EventsRead:
    """What the events themselves say, to be compared with the seals.

    proven: number of events whose proof fits. oldest: the time of the oldest of them.
    known: the seals that proven events quote, by number, with the beginning of the seal's value. two: numbers of seals
        of which two different values are quoted.
    unproven: by seal, the number of its events that have no proof.
    unsealed: the events that are in no seal although they should be, with their times.
    """

    findings: list[AuditFinding] = field(default_factory=list)
    proven: int = 0
    oldest: datetime | None = None
    known: dict[int, str] = field(default_factory=dict)
    two: set[int] = field(default_factory=set)
    unproven: Counter[int] = field(default_factory=Counter)
    unsealed: dict[Any, datetime] = field(default_factory=dict)

    def against(self, seal: SealCheck) -> Iterator[AuditFinding]:
        """What is wrong with this seal in the light of the events; each seal is shown once."""
        if not seal.mac:
            return
        known = self.known.pop(seal.number, "")
        if seal.number in self.two or not seal.mac.startswith(known):
            yield AuditFinding(seal.number, "replaced")
        late = self.unproven.get(seal.number, 0)
        if late and self.oldest is not None and seal.at > self.oldest + UPGRADE:
            yield AuditFinding(seal.number, "unproven", detail=f"{late} events without a proof")
        for event in seal.events:
            self.unsealed.pop(event, None)

    def left(self, told: Container[int], oldest_seal: int) -> Iterator[AuditFinding]:
        """What is wrong once every seal was shown.

        told: seals that are known to be wrong. oldest_seal: number of the first one that has to be there.
        """
        not_there = sorted(number for number in self.known if number >= oldest_seal and number not in told)
        for first, last in NumberRuns(not_there):
            yield AuditFinding(first, "missing", detail=f"events know the seals {first} to {last}")
        if self.unsealed:
            since = min(self.unsealed.values())
            yield AuditFinding(
                0, "unsealed", detail=f"{len(self.unsealed)} events, the oldest of {since:%Y-%m-%dT%H:%M:%SZ}"
            )


class AuditProofs:
    """Reads the whole collection once."""

    def __init__(self, database: Database, secret: SecretKey) -> None:
        self._events = database.majority_collection("audit")
        self._key = proof_key(secret)

    def read(self, *, now: datetime) -> EventsRead:
        """Every event, before any seal is read: what events tell of seals is then there. Raises ServiceUnavailable."""
        read, writers = EventsRead(), defaultdict[str, AuditSequence](AuditSequence)
        for piece in pieces(self._events.find, _PIECE):
            for event in piece:
                self._take(event, read, writers, now)
        read.findings += [
            AuditFinding(0, "gap", detail=f"numbers {first} to {last} of writer {writer}")
            for writer, sequence in writers.items()
            for first, last in sequence.missing()
        ]
        return read

    def _take(self, event: Document, read: EventsRead, writers: dict[str, AuditSequence], now: datetime) -> None:
        at, seal = event.get("at"), _seal_of(event)
        if not seal and isinstance(at, datetime) and at <= now - SETTLED:
            read.unsealed[event["_id"]] = at
        if "proof" not in event and "mac" not in event:
            read.unproven[seal] += 1
        elif self._is_proven(event):
            self._take_proven(event, read, writers[event["proof"]["writer"]], now)
        else:
            read.findings.append(AuditFinding(0, "changed", str(event["_id"])))
            _occupy(event, writers)

    def _take_proven(self, event: Document, read: EventsRead, writer: AuditSequence, now: datetime) -> None:
        proof, at = event["proof"], event["at"]
        read.proven += 1
        read.oldest = at if read.oldest is None else min(read.oldest, at)
        if "sealed" in proof:
            number, mac = proof["sealed"]
            if read.known.setdefault(number, mac) != mac:
                read.two.add(number)
        kept, lasting = event["purge_at"] - at, now + _CLOCKS
        is_new = writer.add(
            Numbered(proof["number"], proof.get("lost", ()), proof.get("open", ())),
            stays=event["purge_at"] > lasting,
            is_settled=at <= now - SETTLED,
            # A writer keeps each of its events for the same time. Workers of the release before tell no beginning.
            is_whole="since" in proof and datetime.fromtimestamp(proof["since"], UTC) + kept > lasting,
        )
        if not is_new:
            read.findings.append(AuditFinding(0, "repeated", str(event["_id"])))

    def _is_proven(self, event: Document) -> bool:
        mac = event.get("mac")
        return isinstance(mac, str) and same(proof_of(self._key, event), mac)


def _seal_of(event: Document) -> int:
    """The number of the seal that the event says it is in, 0 for none."""
    seal = event.get("seal")
    return seal if isinstance(seal, int) and seal > 0 else 0


def _occupy(event: Document, writers: dict[str, AuditSequence]) -> None:
    """Where an event was changed, its number is not missing as well."""
    proof = event.get("proof")
    if isinstance(proof, dict) and isinstance(proof.get("number"), int) and str(proof.get("writer")) in writers:
        writers[str(proof["writer"])].occupy(proof["number"])
