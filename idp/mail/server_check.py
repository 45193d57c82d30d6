"""Whether the mail server would take our mails, without sending one."""

import smtplib

from idp.mail.delivery import MailServer, open_session, reply_text


def server_problem(server: MailServer, sender: str) -> str | None:
    """Connect, greet, turn on TLS, sign in and name the sender as for a mail; what is said against it."""
    try:
        session = open_session(server)
        try:
            # Where a login or TLS is missed, many servers say so here, and not before.
            code, reply = session.mail(sender)
        finally:
            session.close()
    except smtplib.SMTPResponseException as refusal:
        return reply_text(refusal.smtp_code, refusal.smtp_error)
    except (smtplib.SMTPException, OSError) as failure:
        return f"{type(failure).__name__}: {failure}"
    return None if 200 <= code < 300 else reply_text(code, reply)
