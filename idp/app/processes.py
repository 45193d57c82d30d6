"""Processes: a worker of the WSGI server with its background work, and that work alone."""

import atexit
import gc
import logging
import os
import signal
import sys
from datetime import timedelta
from functools import partial
from threading import Event, Semaphore

from flask import Flask

from idp import log, settings
from idp.app import assistance, own_account
from idp.app.background import Background
from idp.app.mail import mail_delivery, mail_workers
from idp.app.pages import create_app
from idp.app.release import release
from idp.app.services import Services, build
from idp.app.stores import INDEXES
from idp.app.work_metrics import serve_metrics
from idp.domain.errors import ConfigurationError
from idp.flows.logout_delivery import SENDERS
from idp.flows.mail_delivery import MailDelivery
from idp.outbound.safe_fetch import download
from idp.queue_worker import QueueWorker
from idp.settings import Settings
from idp.storage.audit_seals import AuditSeals
from idp.tracing import start as tracing

logger = logging.getLogger(__name__)

# Gunicorn's WORKER_BOOT_ERROR.
_SERVER_ENDS = 3
# Within gunicorn's ``graceful_timeout``, of which requests in hand have had their part by then.
_FINISHING_SECONDS = 5.0
# Seconds between two looks for work that is due by the minute or by the day.
_RARELY = 5.0
# Seconds between two looks at the seals, which come once a minute.
_SELDOM = 30.0


def create_app_from_environment() -> Flask:
    """The provider as ``wsgi.py`` serves it: settings from the environment, background work started."""
    try:
        configured = settings.in_force(os.environ)
        log.configure(configured.log.level, configured.log.format)
        services = build(configured, traces=tracing.started(release()))
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
    workers = _workers(services) if works else (_audit_watcher(services),)
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


def _workers(services: Services) -> tuple[QueueWorker, ...]:
    mails = mail_delivery(services)
    return (
        *mail_workers(services, mails),
        _logout_sender(services),
        _deadlines(services, mails),
        _audit_sealer(services),
    )


def _audit_seals(services: Services) -> AuditSeals:
    kept = timedelta(days=services.settings.retention.audit_days)
    return AuditSeals(services.database, services.secret, kept, services.stores.audit.saw_seal)


def _audit_sealer(services: Services) -> QueueWorker:
    seals = _audit_seals(services)
    return QueueWorker(
        "audit-sealer", lambda _, now: seals.seal_next(now=now), Semaphore(0), services.clock, look_every=_RARELY
    )


def _audit_watcher(services: Services) -> QueueWorker:
    # The watcher's events tell of the newest seal, whichever process made that.
    seals = _audit_seals(services)

    def look() -> bool:
        seals.look()
        return False

    return QueueWorker("audit-watcher", lambda *_: look(), Semaphore(0), services.clock, look_every=_SELDOM)


def _logout_sender(services: Services) -> QueueWorker:
    # An application that keeps us waiting must not keep the others from being told.
    notices, work = services.stores.logout_notices, services.logout_delivery.deliver_next
    return QueueWorker("logout-sender", work, notices.arrivals, services.clock, threads=SENDERS)


def _deadlines(services: Services, mails: MailDelivery) -> QueueWorker:
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
                mails.give_up_expired,
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
