"""How the provider is: what a probe, an operator and a graph want to know."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.domain.errors import ServiceUnavailable
from idp.domain.federation import MetadataFileStatus
from idp.saml.federation import FederationFolder
from idp.storage.database import Database
from idp.storage.logout_notices import LogoutNotices
from idp.storage.migrations.schema_state import schema_state
from idp.storage.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Readiness:
    """ready: whether people can sign in. problems: one line each, also for what does not stop them."""

    ready: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Health:
    database: Database
    federation: FederationFolder
    outbox: Outbox
    logout_notices: LogoutNotices
    clients_problems: Callable[[], Sequence[str]]
    clock: Callable[[], datetime]
    inactive: Callable[[], Mapping[str, int]]
    backed_up: Callable[[], datetime | None]

    def readiness(self) -> Readiness:
        """Ready means that the daily path works: it needs the database, and a first look at the federation folder.

        A database that only a newer release can read, or that is half restored, serves nobody.
        What is wrong with a metadata file or the clients file is told, but keeps nobody away: the last good copy stays
        in use. A restart needs the clients file to be mended.
        """
        problems = [f"federation: {problem}" for status in self.files() for problem in status.problems]
        problems += [f"clients: {problem}" for problem in self.clients_problems()]
        if not self.federation.loaded:
            problems.append("federation: still loading")
        if not self.database.is_indexed:
            problems.append("database: indexes are still being made")
        try:
            schema = schema_state(self.database)
        except ServiceUnavailable as error:
            return Readiness(False, (f"database: {error.detail}", *problems))
        ready = self.federation.loaded and self.database.is_indexed and schema.serves
        return Readiness(ready, (*schema.problems(), *problems))

    def files(self) -> tuple[MetadataFileStatus, ...]:
        """The federation folder's files, as they were last looked at."""
        return self.federation.status()

    def waiting_mails(self) -> int:
        """Messages that were not delivered yet."""
        return self.outbox.waiting(now=self.clock())

    def oldest_waiting_mail(self) -> datetime | None:
        """When the message that waits longest was written; None where none waits."""
        return self.outbox.oldest_waiting(now=self.clock())

    def waiting_logout_notices(self) -> int:
        """Applications that were not told yet that a sign-in ended."""
        return self.logout_notices.waiting(now=self.clock())

    def last_backup(self) -> datetime | None:
        """When `idp backup` last made one; None where it never did, or longer ago than the security log is kept."""
        return self.backed_up()

    def inactive_accounts(self) -> Mapping[str, int]:
        """How many accounts that nobody used are due to be told, were told, and could not be."""
        return self.inactive()
