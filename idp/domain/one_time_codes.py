"""Six-digit codes by mail: what they are for and how long they live."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from idp.domain.keyed import SecretKey, same

LIFETIME = timedelta(minutes=10)
MINUTES = LIFETIME // timedelta(minutes=1)
ATTEMPTS = 5
# Within this time the same form comes from a double click, not from somebody who waited for a mail in vain.
SENT_TWICE = timedelta(seconds=10)


class CodePurpose(StrEnum):
    """What entering the code does; a code for one purpose is worthless for another."""

    SIGN_IN = "sign-in"
    PROOFING = "proofing"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A mailed code's record; the digits are derived from the secret key and ``id`` and stand nowhere.

    browser: the browser that asked, the only one in which the code works.
    account_id: None when no account has the address: such a code is never mailed and never right, unless the address
        was invited. invitation_id: the invitation that waited for it.
    """

    id: str
    purpose: CodePurpose
    browser: str
    address: str
    created_at: datetime
    expires_at: datetime
    account_id: str | None = None
    proofing_id: str | None = None
    invitation_id: str | None = None

    @property
    def is_for_somebody(self) -> bool:
        return (self.account_id or self.proofing_id or self.invitation_id) is not None


def digits(secret: SecretKey, code_id: str) -> str:
    """The six digits of a code's record."""
    return secret.code("one-time-code", code_id)


def typed_digits(typed: str) -> str | None:
    """The six digits a person typed, without the spaces and hyphens they copied along; None if it is something else."""
    text = "".join(char for char in typed if not char.isspace() and char not in "-‑–.\u200b\u00a0")
    return text if len(text) == 6 and text.isascii() and text.isdigit() else None


def why_no_digits(typed: str) -> str:
    """The key of a field sentence about what is no code: nothing was typed, or something else."""
    return "code.malformed" if typed.strip() else "code.empty"


def is_right(secret: SecretKey, code: OneTimeCode, typed: str) -> bool:
    """Whether these are the code's digits; a code without an account behind it is never right."""
    matches = same(digits(secret, code.id), typed)
    return matches and code.is_for_somebody
