"""Telling a person by mail what has just happened to their account, at the addresses that it had before."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from idp.domain.accounts import Account
from idp.domain.keyed import random_id
from idp.domain.messages import Message

LIFETIME = timedelta(days=2)


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
