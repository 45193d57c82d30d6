"""Refusals in the audit trail, under the reference that the person reads on the page."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain.errors import Refusal, ServiceUnavailable
from idp.storage.audit import AuditTrail

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RefusalLog:
    audit: AuditTrail
    clock: Callable[[], datetime]

    def note(self, reference: str, refusal: Refusal) -> None:
        """Append the refusal; when the database is away, the log line has to do."""
        try:
            self.audit.append(
                "request.refused",
                at=self.clock(),
                reference=reference,
                reason=refusal.reason,
                detail=refusal.detail[:500],
                **({"entity_id": refusal.university.entity_id} if refusal.university else {}),
            )
        except ServiceUnavailable as error:
            logger.warning("audit.missed", extra={"fields": {"reference": reference, "detail": error.detail}})
