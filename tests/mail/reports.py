"""Delivery reports as mail servers write them."""

from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText


def report(
    message_id: str,
    recipient: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    original: str | None = None,
    with_headers: bool = True,
    diagnostic: str = "550 5.1.1 no such user here",
) -> bytes:
    """A report of one recipient (RFC 3464). with_headers: whether the headers of our mail come back with it."""
    made = MIMEMultipart("report", report_type="delivery-status")
    made["From"], made["To"], made["Subject"] = "MAILER-DAEMON@mx.example", "idp@example.org", "Undelivered"
    made.attach(MIMEText("I am sorry to have to tell you that your mail could not be delivered."))
    made.attach(_delivery_status(recipient, action, status, original, diagnostic))
    if with_headers:
        made.attach(MIMEText(f"Message-ID: {message_id}\nTo: {recipient}\n", "rfc822-headers"))
    else:
        made["In-Reply-To"] = message_id
    return made.as_bytes()


def _delivery_status(recipient: str, action: str, status: str, original: str | None, diagnostic: str) -> Message:
    about_message, about_recipient = EmailMessage(), EmailMessage()
    about_message["Reporting-MTA"] = "dns; mx.example"
    if original:
        about_recipient["Original-Recipient"] = f"rfc822; {original}"
    about_recipient["Final-Recipient"] = f"rfc822; {recipient}"
    about_recipient["Action"], about_recipient["Status"] = action, status
    about_recipient["Diagnostic-Code"] = f"smtp; {diagnostic}"
    part = MIMENonMultipart("message", "delivery-status")
    part.set_payload([about_message, about_recipient])
    return part
