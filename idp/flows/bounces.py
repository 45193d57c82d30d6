"""Mail that came back: told to whoever waits for it, and flagged on the account whose address it was."""

import logging
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Bounce
from idp.domain.messages import without_addresses
from idp.mail.bounces import ReturnedMail, read_report
from idp.mail.maildir import Maildir
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.outbox import Outbox

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BounceFlow:
    """domain: of our Message-IDs."""

    outbox: Outbox
    accounts: AccountStore
    audit: AuditTrail
    domain: str

    def take(self, raw: bytes, *, now: datetime) -> int:
        """Read one mail that came to our bounce address; how many of our messages it says something new about.

        A report counts only where it names a message that we sent, and to the very address that it is about. Raises
        ServiceUnavailable: then the mail has to be given again.
        """
        reports = read_report(raw, self.domain)
        told = sum(self._believed(report, now) for report in reports)
        if not told:
            logger.info("mail.report_ignored", extra={"fields": {"reports": len(reports), "bytes": len(raw)}})
        return told

    def take_next(self, maildir: Maildir, now: datetime) -> bool:
        """Read one mail of the folder; False where there is none. Reading one twice does no harm."""
        found = maildir.next()
        if found is None:
            return False
        name, raw = found
        self.take(raw, now=now)
        maildir.done(name)
        return True

    def _believed(self, report: ReturnedMail, now: datetime) -> bool:
        message = self.outbox.handed_over(report.message_id, report.recipients)
        if message is None:
            return False
        # The flag first: where this is cut short, the report is read again, and says the same once more.
        account_id = None
        if report.is_permanent:
            account_id = self.accounts.note_bounce(Bounce(message.to, now, report.status))
        tell = self.outbox.returned if report.is_final else self.outbox.delayed
        if tell(report.message_id, report.recipients, report.reply, now=now) is None:
            return False
        event = "mail.returned" if report.is_final else "mail.delayed"
        # Word for word in the outbox, where it goes with the mail and with the account.
        reply = without_addresses(report.reply, message.to)
        fields = {"message": message.id, "kind": message.kind, "reply": reply}
        self.audit.append(event, at=now, reference=message.reference, account_id=account_id, **fields)
        return True
