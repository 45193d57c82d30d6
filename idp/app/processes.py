"""Processes: a worker of the WSGI server with its background work, and the command line."""

import logging
import os
import sys
from functools import partial

from flask import Flask

from idp import log, settings
from idp.app.background import Background
from idp.app.pages import TRANSLATIONS, create_app
from idp.app.services import Services, build, key_algorithms, signing_keys, utc_now
from idp.app.stores import INDEXES, connect
from idp.domain.errors import ConfigurationError
from idp.flows.administration import Administration
from idp.flows.mail_delivery import deliver_next
from idp.mail.delivery import MailServer, SmtpDelivery
from idp.mail.messages import MessageRenderer
from idp.openid.clients import ClientsFile
from idp.openid.keys import algorithms_of
from idp.queue_worker import QueueWorker
from idp.saml.federation import FederationFolder
from idp.settings import Settings
from idp.storage import clients as registered


def create_app_from_environment() -> Flask:
    """The provider as ``wsgi.py`` serves it: settings from the environment, background work started."""
    try:
        configured = settings.load(os.environ)
        log.configure(configured.log.level, configured.log.format)
        services = build(configured)
    except ConfigurationError as error:
        sys.exit("\n".join(error.faults))
    app = create_app(services)
    background(services).start()
    logging.getLogger(__name__).info("provider.started", extra={"fields": {"issuer": configured.issuer}})
    return app


def administration(configured: Settings) -> Administration:
    """What the command line needs; what is asked for is made when it is."""
    return Administration(
        lambda: ClientsFile(
            configured.clients.file,
            algorithms=algorithms_of(configured.keys.dir, key_algorithms(configured)),
            implicit=configured.openid.implicit,
        ),
        FederationFolder(configured.federation.dir, utc_now),
        lambda: signing_keys(configured, utc_now),
        lambda: registered.InitialTokenStore(connect(configured)),
    )


def background(services: Services) -> Background:
    """What this process does beside answering."""
    configured = services.settings
    return Background(
        services.database,
        INDEXES,
        services.federation,
        (_mail_sender(services), _logout_sender(services)),
        configured.federation.refresh_seconds,
    )


def _logout_sender(services: Services) -> QueueWorker:
    # An application that keeps us waiting must not keep the others from being told.
    notices, work = services.stores.logout_notices, services.logout_delivery.deliver_next
    return QueueWorker("logout-sender", work, notices.arrivals, services.clock, threads=4)


def _mail_sender(services: Services) -> QueueWorker:
    configured = services.settings
    smtp = configured.smtp
    renderer = MessageRenderer(
        services.secret,
        configured.issuer,
        service_name=configured.web.service_name,
        help_url=configured.web.help_url,
        translations=TRANSLATIONS,
    )
    delivery = SmtpDelivery(
        MailServer(smtp.host, smtp.port, smtp.username, smtp.password, smtp.tls, smtp.timeout),
        from_address=configured.mail.from_,
        from_name=configured.mail.from_name,
    )
    outbox = services.stores.outbox
    work = partial(deliver_next, outbox, renderer, delivery)
    return QueueWorker("mail-sender", lambda worker, now: work(now, worker=worker), outbox.arrivals, services.clock)
