"""How many wrong guesses are evaluated before somebody has to wait.

One budget per account, shared by password and mailed code, so that changing the method gives no second chance. A part
of it is kept back for the mailed code: whoever hammers at the password cannot close the owner's other way in. A
browser that signed in to the account before has a budget of its own (OWASP "device cookies"), so that strangers cannot
lock the owner out. A network address is never enough to refuse anybody: thousands of students share one in an exam
(January 2022); it only changes the answer to a wrong guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from idp.domain.addresses import mailbox_of
from idp.domain.keyed import SecretKey

WINDOW = timedelta(hours=1)


class Method(StrEnum):
    """With what somebody tries to sign in."""

    PASSWORD = "password"
    CODE = "code"


# Guesses evaluated in one window: all methods together, and those a method may use of it.
SHARED_BUDGET = 20
METHOD_BUDGET = {Method.PASSWORD: 10, Method.CODE: 20}
NETWORK_BUDGET = 120
NETWORK_WINDOW = timedelta(minutes=10)
MAILS_PER_HOUR = 5
# Mails by which somebody proves the address that their university named: so many still leave where strangers have used
# up MAILS_PER_HOUR for that address.
VOUCHED_MAILS_PER_HOUR = 2


@dataclass(frozen=True, slots=True)
class Guesser:
    """Whose budget a guess comes from.

    account: the account's id, or the address where no account has it, so that both are limited alike.
    device: the remembered browser when it has signed in to this account before, else None.
    """

    account: str
    device: str | None = None

    @property
    def key(self) -> str:
        return f"device:{self.device}:{self.account}" if self.device else f"account:{self.account}"


def guess_limit(secret: SecretKey, guesser: Guesser, method: Method | None) -> str:
    """The name of a guesser's budget; method: None for that of all methods together."""
    return secret.hash("guesses", guesser.key, str(method or "all"))


def guess_limits(secret: SecretKey, guesser: Guesser, method: Method) -> dict[str, int]:
    """The budgets that a guess with this method comes out of, by name: the method's and that of all together."""
    return {
        guess_limit(secret, guesser, method): METHOD_BUDGET[method],
        guess_limit(secret, guesser, None): SHARED_BUDGET,
    }


@dataclass(frozen=True, slots=True)
class Guesses:
    """limits: the budgets of one guess, by name. lately: how many wrong guesses stand in each that had any."""

    limits: Mapping[str, int]
    lately: Mapping[str, int]

    @property
    def are_left(self) -> bool:
        """Whether one more is evaluated."""
        return all(self.lately.get(name, 0) < limit for name, limit in self.limits.items())


def network_limit(secret: SecretKey, network: str) -> str:
    """The name of what counts the tries from one network address that failed, with whatever method."""
    return secret.hash("guesses-of-network", network)


@dataclass(frozen=True, slots=True)
class Denied:
    """A try that did not sign in: why (a field sentence's key); ``retry_after`` (seconds) makes the answer a 429."""

    problem: str
    retry_after: int | None = None


def denied(problem: str, *, throttled: bool = False) -> Denied:
    """throttled: too many tries of this network failed, or of this guesser: its program is told when to come again."""
    return Denied(problem, int(NETWORK_WINDOW.total_seconds()) if throttled else None)


def mail_limit(secret: SecretKey, address: str) -> str:
    """The name of what counts the mails to an address, together with those to its subaddresses."""
    return secret.hash("mail-limit", mailbox_of(address))


def vouched_mail_limit(secret: SecretKey, entity_id: str, address: str) -> str:
    """The name of what counts the mails to an address for whose person this university vouches: where two may, neither
    uses up those of the other."""
    return secret.hash("mail-limit-vouched", entity_id, mailbox_of(address))


def proofing_limit(secret: SecretKey, address: str) -> str:
    """The name of what counts the wrong codes for a mailbox that is being proven."""
    return secret.hash("guesses-of-proofing", address)
