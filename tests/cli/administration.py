"""The flows behind the commands on a folder of its own, at a moment of the test's choosing."""

from datetime import datetime, timedelta
from pathlib import Path

from idp.app import INDEXES
from idp.cli import Administration, Helpdesk
from idp.flows.audit_verification import AuditVerification
from idp.flows.backup import BackupFlow
from idp.flows.bounces import BounceFlow
from idp.flows.client_administration import ClientAdministration
from idp.flows.data_report import DataReportFlow
from idp.flows.doctor import Doctor
from idp.flows.federation_administration import FederationAdministration
from idp.flows.key_administration import KeyAdministration, folder_faults
from idp.flows.migrating import Migrating
from idp.flows.saml_key_administration import SamlKeyAdministration
from idp.flows.university_routing import UniversityRouting
from idp.openid.clients import ClientsFile
from idp.openid.keys import KeyStore
from idp.saml.federation import FederationFolder
from idp.storage.accounts import AccountStore
from idp.storage.audit_proofs import AuditProofs
from idp.storage.audit_seal_checks import AuditSealChecks
from idp.storage.clients import ClientStore, InitialTokenStore
from idp.storage.database import Database
from idp.storage.grants import GrantStore
from idp.storage.holdings import Holdings
from idp.storage.learned_domains import LearnedDomains
from idp.storage.migrations import MIGRATIONS
from idp.storage.migrations.migration import Terms
from idp.storage.outbox import Outbox
from tests.audit_trail import SECRET, audit_trail

NOWHERE = Database("mongodb://127.0.0.1:1/", "unused", timeout_ms=200)


def administration(folder: Path, *, now: datetime, database: Database = NOWHERE) -> Administration:
    """Everything reads and writes under the folder; only what gets a database reaches one."""
    federation = FederationFolder(folder / "federation", lambda: now, state=folder / "state")

    def nobody() -> Helpdesk:
        raise NotImplementedError

    def no_doctor() -> Doctor:
        raise NotImplementedError

    return Administration(
        clients=ClientAdministration(
            lambda: ClientsFile(folder / "clients.toml"),
            lambda: InitialTokenStore(database),
            lambda: ClientStore(database),
            lambda: GrantStore(database),
            registers=True,
        ),
        federation=FederationAdministration(
            federation,
            lambda: UniversityRouting(federation, LearnedDomains(database), lambda: now),
            lambda: audit_trail(database),
            lambda: now,
            lambda: LearnedDomains(database),
        ),
        key_faults=lambda: folder_faults(folder / "keys"),
        keys=lambda: KeyAdministration(KeyStore(folder / "keys", clock=lambda: now)),
        saml_keys=lambda: SamlKeyAdministration(folder / "keys", "https://connexion.exemple.fr", lambda: now),
        helpdesk=nobody,
        bounces=lambda: BounceFlow(Outbox(database), AccountStore(database), audit_trail(database), "example.org"),
        doctor=no_doctor,
        audit=lambda: AuditVerification(AuditProofs(database, SECRET), AuditSealChecks(database, SECRET), lambda: now),
        migrating=lambda: Migrating(database, INDEXES, MIGRATIONS, Terms(timedelta(days=365)), lambda: now),
        work=lambda: None,
        backup=lambda: BackupFlow(
            database=lambda: database,
            indexes=INDEXES,
            issuer="https://connexion.exemple.fr",
            keys_dir=folder / "keys",
            secret_key="a secret key of thirty-two letters",
            release="1",
            newest_migration=MIGRATIONS[-1].number,
            audit_kept=timedelta(days=365),
            clock=lambda: now,
        ),
        data_report=lambda: DataReportFlow(Holdings(database), {"retention.audit_days": 365}, lambda: now),
    )
