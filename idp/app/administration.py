"""What administers, built from the settings for the command line; each part is made when a command asks for it."""

from datetime import timedelta
from functools import partial

from idp.app import assistance, flows
from idp.app.federation_audit import CommandAudit, federation_folder
from idp.app.mail import bounces, bounces_folder, mail_server
from idp.app.processes import work_until_stopped
from idp.app.release import release
from idp.app.saml import description
from idp.app.services import (
    Services,
    build,
    helpdesk_callback,
    helpdesk_operators,
    key_algorithms,
    signing_keys,
    utc_now,
)
from idp.app.stores import INDEXES, audit_trail, connect
from idp.cli import Administration, Helpdesk
from idp.domain.keyed import SecretKey
from idp.flows.audit_verification import AuditVerification
from idp.flows.backup import BackupFlow
from idp.flows.client_administration import ClientAdministration
from idp.flows.data_report import DataReportFlow
from idp.flows.doctor import ConsoleClient, Doctor
from idp.flows.federation_administration import FederationAdministration
from idp.flows.key_administration import KeyAdministration, folder_faults
from idp.flows.migrating import Migrating
from idp.flows.saml_key_administration import SamlKeyAdministration
from idp.flows.university_routing import UniversityRouting
from idp.mail.sender_domain import mx_lookup, txt_lookup
from idp.openid.clients import ClientsFile
from idp.openid.keys import algorithms_of
from idp.saml.federation import FederationFolder
from idp.settings import Settings
from idp.storage import clients as registered
from idp.storage.audit import AuditTrail
from idp.storage.audit_proofs import AuditProofs
from idp.storage.audit_seal_checks import AuditSealChecks
from idp.storage.grants import GrantStore
from idp.storage.holdings import Holdings
from idp.storage.learned_domains import LearnedDomains
from idp.storage.migrations import MIGRATIONS
from idp.storage.migrations.migration import Terms


def administration(configured: Settings) -> Administration:
    """What the command line needs; each part is made when a command asks for it."""

    def audit() -> AuditTrail:
        return audit_trail(configured, connect(configured))

    federation = federation_folder(configured, utc_now, CommandAudit(audit, utc_now))
    return Administration(
        clients=ClientAdministration(
            clients_file=lambda: _clients_file(configured),
            initial_tokens=lambda: registered.InitialTokenStore(connect(configured)),
            registrations=lambda: registered.ClientStore(connect(configured)),
            grants=lambda: GrantStore(connect(configured)),
            registers=configured.registration.enabled,
        ),
        federation=FederationAdministration(
            federation=federation,
            routes=lambda: UniversityRouting(federation, LearnedDomains(connect(configured)), utc_now),
            audit=audit,
            clock=utc_now,
            learned=lambda: LearnedDomains(connect(configured)),
        ),
        key_faults=partial(folder_faults, configured.keys.dir),
        keys=lambda: KeyAdministration(signing_keys(configured, utc_now)),
        saml_keys=lambda: SamlKeyAdministration(configured.keys.dir, configured.saml.entity_id, utc_now),
        helpdesk=lambda: _helpdesk(build(configured)),
        bounces=lambda: bounces(configured, connect(configured)),
        doctor=lambda: _doctor(configured, federation),
        migrating=lambda: _migrating(configured),
        backup=lambda: _backup(configured),
        audit=lambda: _audit_verification(configured),
        work=lambda: work_until_stopped(configured),
        data_report=lambda: DataReportFlow(Holdings(connect(configured)), _periods(configured), utc_now),
    )


def _clients_file(configured: Settings) -> ClientsFile:
    return ClientsFile(
        configured.clients.file,
        algorithms=algorithms_of(configured.keys.dir, key_algorithms(configured)),
        implicit=configured.openid.implicit,
    )


def _helpdesk(services: Services) -> Helpdesk:
    return Helpdesk(
        people=assistance.people(services),
        timeline=assistance.timeline(services),
        accounts=assistance.account_closing(services),
        invitations=assistance.invitations(services),
        acts=assistance.helpdesk_acts(services),
        copies=flows.export(services),
    )


def _migrating(configured: Settings) -> Migrating:
    terms = Terms(audit_kept=timedelta(days=configured.retention.audit_days))
    return Migrating(database=connect(configured), indexes=INDEXES, migrations=MIGRATIONS, terms=terms, clock=utc_now)


def _backup(configured: Settings) -> BackupFlow:
    return BackupFlow(
        database=lambda: connect(configured),
        indexes=INDEXES,
        issuer=configured.issuer,
        keys_dir=configured.keys.dir,
        secret_key=configured.secret_key,
        release=release(),
        newest_migration=MIGRATIONS[-1].number,
        audit_kept=timedelta(days=configured.retention.audit_days),
        clock=utc_now,
    )


def _periods(configured: Settings) -> dict[str, int]:
    return {
        "retention.audit_days": configured.retention.audit_days,
        "retention.closed_accounts_days": configured.retention.closed_accounts_days,
        "retention.inactive_days": configured.retention.inactive_days,
        "retention.inactive_notice_days": configured.retention.inactive_notice_days,
        "sessions.lifetime_hours": configured.sessions.lifetime_hours,
        "tokens.refresh_days": configured.tokens.refresh_days,
    }


def _doctor(configured: Settings, federation: FederationFolder) -> Doctor:
    return Doctor(
        issuer=configured.issuer,
        var_dir=configured.var_dir,
        keys_dir=configured.keys.dir,
        mail_server=mail_server(configured),
        from_address=configured.mail.from_,
        dkim_selector=configured.mail.dkim_selector,
        look_up=txt_lookup(),
        mail_servers=mx_lookup(),
        database=lambda: connect(configured),
        indexes=INDEXES,
        keys=lambda: signing_keys(configured, utc_now).every(),
        clients=lambda: _clients_file(configured).every(),
        console=_console(configured),
        metadata_files=federation.refresh,
        pinned_keys=federation.pinned_keys,
        description=description(configured),
        maildir=bounces_folder(configured),
        sealed_until=lambda: AuditSealChecks(connect(configured), _secret(configured)).last_foreign(),
        last_backup=lambda: audit_trail(configured, connect(configured)).last_backup(),
        clock=utc_now,
    )


def _console(configured: Settings) -> ConsoleClient | None:
    if not configured.helpdesk.enabled:
        return None
    return ConsoleClient(configured.helpdesk.client_id, helpdesk_callback(configured), helpdesk_operators(configured))


def _secret(configured: Settings) -> SecretKey:
    return SecretKey(configured.secret_key.encode())


def _audit_verification(configured: Settings) -> AuditVerification:
    secret, database = _secret(configured), connect(configured)
    return AuditVerification(AuditProofs(database, secret), AuditSealChecks(database, secret), utc_now)
