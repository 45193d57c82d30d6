"""Mail of one process: what sends it, and what reads what came back."""

from pathlib import Path
from threading import Semaphore

from idp.app.pages import TRANSLATIONS
from idp.app.services import Services
from idp.app.stores import audit_trail
from idp.flows.bounces import BounceFlow
from idp.flows.mail_delivery import MailDelivery
from idp.mail.delivery import MailServer, SmtpDelivery
from idp.mail.maildir import Maildir
from idp.mail.messages import MessageRenderer
from idp.queue_worker import QueueWorker
from idp.settings import Settings
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.database import Database
from idp.storage.outbox import Outbox

# A mail server that keeps us waiting with one message must not keep the others from being sent.
_THREADS = 4


def mail_workers(services: Services, mails: MailDelivery) -> tuple[QueueWorker, ...]:
    """The sender, and where a folder is set the reader of what came back."""
    folder = bounces_folder(services.settings)
    return (_sender(services, mails), *([_bounce_reader(services, folder)] if folder else []))


def bounces_folder(configured: Settings) -> Path | None:
    """Where the mail server puts what comes back, None where it does something else with it."""
    folder = configured.bounces.maildir
    return Path(folder).absolute() if folder else None


def bounces(configured: Settings, database: Database, audit: AuditTrail | None = None) -> BounceFlow:
    """What becomes of mail that came back."""
    domain = configured.mail.from_.rpartition("@")[2]
    return BounceFlow(
        outbox=Outbox(database),
        accounts=AccountStore(database),
        audit=audit or audit_trail(configured, database),
        domain=domain,
    )


def mail_server(configured: Settings) -> MailServer:
    smtp = configured.smtp
    return MailServer(smtp.host, smtp.port, smtp.username, smtp.password, smtp.tls, smtp.timeout)


def mail_delivery(services: Services) -> MailDelivery:
    """What sends the messages that wait."""
    configured = services.settings
    renderer = MessageRenderer(
        services.secret,
        configured.issuer,
        service_name=configured.web.service_name,
        help_url=configured.web.help_url,
        translations=TRANSLATIONS,
    )
    delivery = SmtpDelivery(
        mail_server(configured), from_address=configured.mail.from_, from_name=configured.mail.from_name
    )
    return MailDelivery(services.stores.outbox, renderer, delivery, services.metrics.counts)


def _sender(services: Services, mails: MailDelivery) -> QueueWorker:
    return QueueWorker("mail-sender", mails.deliver_next, mails.outbox.arrivals, services.clock, threads=_THREADS)


def _bounce_reader(services: Services, folder: Path) -> QueueWorker:
    flow, maildir = bounces(services.settings, services.database, services.stores.audit), Maildir(folder)
    # Nothing in this process tells when a mail comes: the folder is looked at every second.
    return QueueWorker("bounce-reader", lambda _, now: flow.take_next(maildir, now), Semaphore(0), services.clock)
