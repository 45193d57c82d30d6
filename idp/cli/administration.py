"""The flows behind the commands, as the entry point hands them over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Imported where it is needed: ``--help`` must not load what the command itself would work with.
    from idp.domain.accounts import ClosesAccounts
    from idp.flows.audit_verification import AuditVerification
    from idp.flows.backup import BackupFlow
    from idp.flows.bounces import BounceFlow
    from idp.flows.client_administration import ClientAdministration
    from idp.flows.data_report import DataReportFlow
    from idp.flows.doctor import Doctor
    from idp.flows.export import ExportFlow
    from idp.flows.federation_administration import FederationAdministration
    from idp.flows.helpdesk_acts import HelpdeskActs
    from idp.flows.invitations import InvitationFlow
    from idp.flows.key_administration import KeyAdministration
    from idp.flows.migrating import Migrating
    from idp.flows.people import PeopleFlow
    from idp.flows.saml_key_administration import SamlKeyAdministration
    from idp.flows.timeline import TimelineFlow


@dataclass(frozen=True, slots=True)
class Helpdesk:
    """Everything about one person."""

    people: PeopleFlow
    timeline: TimelineFlow
    accounts: ClosesAccounts
    invitations: InvitationFlow
    acts: HelpdeskActs
    copies: ExportFlow


@dataclass(frozen=True, slots=True)
class Administration:
    """One flow for each group of commands; what touches keys or the database is made by the command that needs it.

    key_faults: one line for each thing to mend about the keys' folder, which is made by none of this.
    """

    clients: ClientAdministration
    federation: FederationAdministration
    key_faults: Callable[[], tuple[str, ...]]
    keys: Callable[[], KeyAdministration]
    saml_keys: Callable[[], SamlKeyAdministration]
    helpdesk: Callable[[], Helpdesk]
    bounces: Callable[[], BounceFlow]
    doctor: Callable[[], Doctor]
    data_report: Callable[[], DataReportFlow]
    migrating: Callable[[], Migrating]
    backup: Callable[[], BackupFlow]
    audit: Callable[[], AuditVerification]
    work: Callable[[], None]


# Made only by the commands that need it: hashing a secret must not depend on a sound configuration.
MakeAdministration = Callable[[], Administration]
