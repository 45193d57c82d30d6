"""The federation folder as the settings have it, and what its files change kept in the audit trail."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain.errors import ServiceUnavailable
from idp.domain.federation import FileDifference
from idp.saml.federation import FederationFolder
from idp.settings import Settings
from idp.storage.audit import AuditTrail

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FederationAudit:
    """Keeps each difference; the reference of these events is the file's name."""

    audit: AuditTrail
    clock: Callable[[], datetime]

    def __call__(self, difference: FileDifference) -> None:
        try:
            self.audit.append(
                "federation.changed",
                at=self.clock(),
                reference=difference.file,
                summary=difference.summary,
                lines="\n".join(difference.lines()),
            )
        except ServiceUnavailable as error:
            # The metadata is in use all the same, and the log has the difference.
            logger.error("federation.change_not_kept", extra={"fields": {"detail": error.detail}})


def federation_folder(
    configured: Settings, clock: Callable[[], datetime], changed: Callable[[FileDifference], None] | None = None
) -> FederationFolder:
    """The folder, its index in the state directory."""
    return FederationFolder(configured.federation.dir, clock, state=configured.federation_state, changed=changed)
