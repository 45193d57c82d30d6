"""Processes: a worker of the WSGI server with its background work, and the command line."""

import atexit
import gc
import logging
import os
import signal
import sys
from datetime import timedelta
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from threading import Event, Semaphore

from flask import Flask

from idp import log, settings
from idp.app import assistance, flows, own_account
from idp.app.background import Background
from idp.app.federation_audit import CommandAudit, federation_folder
from idp.app.mail import bounces, bounces_folder, given_up_mail, mail_server, mail_workers
from idp.app.pages import create_app
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
from idp.app.work_metrics import serve_metrics
from idp.cli import Administration, Helpdesk
from idp.domain.errors import ConfigurationError
from idp.domain.keyed import SecretKey
from idp.flows.audit_verification import AuditVerification
from idp.flows.backup import BackupFlow
from idp.flows.client_administration import ClientAdministration
from idp.flows.data_report import DataReportFlow
from idp.flows.doctor import Console, Doctor
from idp.flows.federation_administration import FederationAdministration
from idp.flows.key_administration import KeyAdministration, folder_faults
from idp.flows.logout_delivery import SENDERS
from idp.flows.migrating import Migrating
from idp.flows.saml_key_administration import SamlKeyAdministration
from idp.flows.university_routing import UniversityRouting
from idp.mail.sender_domain import mx_lookup, txt_lookup
from idp.openid.clients import ClientsFile
from idp.openid.keys import algorithms_of
from idp.outbound.safe_fetch import download
from idp.queue_worker import QueueWorker
from idp.saml.federation import FederationFolder
from idp.settings import Settings
from idp.storage import clients as registered
from idp.storage.audit import AuditTrail
from idp.storage.audit_proofs import AuditProofs
from idp.storage.audit_seals import AuditSeals
from idp.storage.grants import GrantStore
from idp.storage.holdings import Holdings
from idp.storage.learned_domains import LearnedDomains
from idp.storage.migrations import MIGRATIONS
from idp.storage.migrations.migration import Terms
from idp.tracing import start as tracing

logger = logging.getLogger(__name__)

# Gunicorn's WORKER_BOOT_ERROR.
_SERVER_ENDS = 3
# Within gunicorn's ``graceful_timeout``, of which requests in hand have had their part by then.
_FINISHING_SECONDS = 5.0
# Seconds, where what is due is due by the minute or by the day.
_RARELY = 5.0
# Seals come once a minute.
_SELDOM = 30.0


def create_app_from_environment() -> Flask:
    """The provider as ``wsgi.py`` serves it: settings from the environment, background work started."""
    try:
        configured = settings.in_force(os.environ)
        log.configure(configured.log.level, configured.log.format)
        services = build(configured, traces=tracing.started(_release()))
    except ConfigurationError as error:
        # Gunicorn's master has reported this already (``gunicorn.conf.py``), unless the fault came after the server's
        # start.
        sys.stderr.write("".join(f"{fault}\n" for fault in error.faults))
        sys.exit(_SERVER_ENDS)
    app = create_app(services)
    work = background(services, works=configured.web.background_work)
    try:
        work.start()
    except ConfigurationError as error:
        # No worker of this release can serve this database: the server ends instead of starting one worker after
        # another.
        logger.critical("schema.not_served", extra={"fields": {"detail": str(error)}})
        sys.exit(_SERVER_ENDS)
    # Daemon threads are cut off when their process ends: a mail that was just being sent would be sent a second time,
    # or only when its lease is over.
    atexit.register(work.stop, _FINISHING_SECONDS)
    _keep_for_good()
    logger.info("provider.started", extra={"fields": {"issuer": configured.issuer}})
    return app


def _keep_for_good() -> None:
    """What was loaded lives as long as the worker: collections no longer look at it (a twentieth of a sign-in)."""
    gc.collect()
    gc.freeze()


def administration(configured: Settings) -> Administration:
    """What the command line needs; what is asked for is made when it is."""

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


def _release() -> str:
    try:
        return version("uness-idp")
    except PackageNotFoundError:  # run from a folder into which nothing was installed
        return "unknown"


def _backup(configured: Settings) -> BackupFlow:
    return BackupFlow(
        database=lambda: connect(configured),
        indexes=INDEXES,
        issuer=configured.issuer,
        keys_dir=configured.keys.dir,
        secret_key=configured.secret_key,
        release=_release(),
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
        sealed_until=lambda: AuditSeals(connect(configured), _secret(configured)).last_foreign(),
        clock=utc_now,
    )


def _console(configured: Settings) -> Console | None:
    if not configured.helpdesk.enabled:
        return None
    return Console(configured.helpdesk.client_id, helpdesk_callback(configured), helpdesk_operators(configured))


def work_until_stopped(configured: Settings) -> None:
    """The background work alone, in this process, until SIGTERM or SIGINT; what is in hand is finished then."""
    log.configure(configured.log.level, configured.log.format)
    logging.getLogger("idp").setLevel(logging.NOTSET)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    services = build(configured)
    work = background(services)
    serve_metrics(services)
    work.start()
    logger.info("work.started", extra={"fields": {"issuer": configured.issuer}})
    stopping.wait()
    work.stop()
    logger.info("work.stopped")


def background(services: Services, *, works: bool = True) -> Background:
    """What this process does beside answering. works: whether it sends mail and the like, or leaves that to others."""
    configured = services.settings
    workers = (
        (*mail_workers(services), _logout_sender(services), _deadlines(services), _audit_sealer(services))
        if works
        else (_audit_watcher(services),)
    )
    return Background(
        services.database,
        INDEXES,
        services.federation,
        workers,
        configured.federation.refresh_seconds,
        services.federation.downloads(partial(download, allow_loopback=not configured.https)),
        partial(services.saml_keys.look, services.service_provider),
        services.clock,
    )


def _secret(configured: Settings) -> SecretKey:
    return SecretKey(configured.secret_key.encode())


def _audit_verification(configured: Settings) -> AuditVerification:
    secret, database = _secret(configured), connect(configured)
    return AuditVerification(AuditProofs(database, secret), AuditSeals(database, secret), utc_now)


def _audit_seals(services: Services) -> AuditSeals:
    kept = timedelta(days=services.settings.retention.audit_days)
    return AuditSeals(services.database, services.secret, kept, services.stores.audit.saw_seal)


def _audit_sealer(services: Services) -> QueueWorker:
    seals = _audit_seals(services)
    return QueueWorker(
        "audit-sealer", lambda _, now: seals.seal_next(now=now), Semaphore(0), services.clock, look_every=_RARELY
    )


def _audit_watcher(services: Services) -> QueueWorker:
    # Its events tell of the newest seal, whoever made it.
    seals = _audit_seals(services)

    def look() -> bool:
        seals.look()
        return False

    return QueueWorker("audit-watcher", lambda *_: look(), Semaphore(0), services.clock, look_every=_SELDOM)


def _logout_sender(services: Services) -> QueueWorker:
    # An application that keeps us waiting must not keep the others from being told.
    notices, work = services.stores.logout_notices, services.logout_delivery.deliver_next
    return QueueWorker("logout-sender", work, notices.arrivals, services.clock, threads=SENDERS)


def _deadlines(services: Services) -> QueueWorker:
    # Nothing announces that a deadline has passed: this looks for such work from time to time.
    closing, erasure = assistance.account_closing(services), own_account.erasure(services)
    merging = own_account.merging(services)
    is_on = services.settings.retention.inactive_days > 0
    unused = own_account.inactivity(services).look if is_on else services.stores.inactivity.forget_next
    return QueueWorker(
        "deadlines",
        lambda _, now: any(
            work(now)
            for work in (
                given_up_mail(services),
                services.logout_delivery.give_up_expired,
                closing.close_next_expired,
                closing.give_up_next_expired,
                services.ends_sign_ins.sweep_next,
                erasure.erase_next,
                erasure.end_next_merge,
                merging.finish_next,
                unused,
            )
        ),
        Semaphore(0),
        services.clock,
        look_every=_RARELY,
    )
