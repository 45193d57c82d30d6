"""The federation folder as the settings have it, and what its files change kept in the audit trail."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.cli.output import note
from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.domain.federation import FileDifference
from idp.saml.federation import FederationFolder
from idp.settings import Settings
from idp.storage.audit import AuditTrail


@dataclass(frozen=True, slots=True)
class FederationAudit:
    """Keeps each difference; the reference of these events is the file's name. Raises ServiceUnavailable."""

    audit: AuditTrail
    clock: Callable[[], datetime]

    def __call__(self, difference: FileDifference) -> None:
        self.audit.append(
            "federation.changed",
            at=self.clock(),
            reference=difference.file,
            summary=difference.summary,
            lines="\n".join(difference.lines()),
        )


@dataclass(frozen=True, slots=True)
class CommandAudit:
    """Keeps each difference that a command found, and says it on standard error: a command has no log.

    audit: made only where there is something to keep.
    """

    audit: Callable[[], AuditTrail]
    clock: Callable[[], datetime]

    def __call__(self, difference: FileDifference) -> None:
        told = f"{difference.file}: {difference.summary}"
        try:
            FederationAudit(self.audit(), self.clock)(difference)
        except (ServiceUnavailable, ConfigurationError) as error:
            note(f"{told} (not in the audit trail yet: the database does not answer; a later look puts it there)")
            raise ServiceUnavailable("audit trail", str(error)) from None
        note(told)


def federation_folder(
    configured: Settings, clock: Callable[[], datetime], changed: Callable[[FileDifference], None] | None = None
) -> FederationFolder:
    """The folder, its index in the state directory."""
    return FederationFolder(configured.federation.dir, clock, state=configured.federation_state, changed=changed)
