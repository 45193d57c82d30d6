"""Telling a person by mail what has just happened to their account, at the addresses that it had before."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from idp.domain.accounts import Account
from idp.domain.keyed import random_id
from idp.domain.messages import MailQueue, Message

LIFETIME = timedelta(days=2)


def tell(
    mails: MailQueue,
    kind: str,
    account: Account,
    to: Iterable[str] | None = None,
    *,
    reference: str,
    now: datetime,
    **fields: str,
) -> None:
    """Mail a notice to every address of the account, so that whoever took one mailbox over is not the only one to know.

    to: these addresses instead.
    """
    for notice in notices(
        kind, account, account.addresses if to is None else to, reference=reference, now=now, **fields
    ):
        mails.put(notice)


def notices(
    kind: str, account: Account, to: Iterable[str], *, reference: str, now: datetime, **fields: str
) -> list[Message]:
    """One mail for each of these addresses, in the person's language."""
    return [
        Message(
            id=random_id(),
            kind=kind,
            to=address,
            locale=account.locale,
            created_at=now,
            expires_at=now + LIFETIME,
            reference=reference,
            fields=fields,
        )
        for address in dict.fromkeys(to)
    ]
