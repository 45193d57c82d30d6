"""What can be wrong with the audit trail."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """seal: its number, 0: none in particular. event: its identifier; empty where no single one is meant.

    kind, of an event: ``changed`` (or forged), ``removed``, ``inserted``, ``moved`` (to another seal), ``repeated``.
    Of a writer: ``gap``, numbers between two events that are not there. Of a seal: ``broken``, ``missing``,
    ``replaced`` (events knew another one under its number), ``unproven`` (it holds events without a proof that are too
    new for that). Of all: ``unsealed``, events that should long be in a seal. detail: which, where it is more than one.
    """

    seal: int
    kind: str
    event: str = ""
    detail: str = ""
