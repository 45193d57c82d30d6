"""Passkeys: what is kept of one, the challenges that they sign, and what a sign-in with one tells."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from idp.domain.keyed import SecretKey, random_id, same
from idp.domain.sessions import AMR_HARDWARE_KEY, AMR_PRESENCE, AMR_SOFTWARE_KEY

# The address page waits with its challenge until somebody chooses a passkey there.
CHALLENGE_LIFETIME = timedelta(minutes=15)
MOST_PER_ACCOUNT = 20
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Credential:
    """What an authenticator made, checked.

    id: the credential's id, base64url. public_key: COSE_Key. transports: how the authenticator says it is reached.
    is_synced: whether it may be copied to other devices (backup eligibility, WebAuthn level 3 section 6.1.3);
    is_backed_up: whether it has been.
    """

    id: str
    public_key: bytes
    sign_count: int
    aaguid: str
    transports: tuple[str, ...] = ()
    is_synced: bool = False
    is_backed_up: bool = False


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey of one account.

    user_handle: what the authenticator calls the account; says nothing about it to anybody else.
    suspected_at: since when its counter says that there is a copy of it; it is no longer accepted.
    """

    credential: Credential
    account_id: str
    user_handle: bytes
    name: str
    created_at: datetime
    used_at: datetime | None = None
    suspected_at: datetime | None = None

    @property
    def id(self) -> str:
        return self.credential.id


@dataclass(frozen=True, slots=True)
class PasskeyUse:
    """A signature of a passkey, checked: the counter that came with it."""

    sign_count: int
    is_backed_up: bool


class PasskeyRefused(Exception):
    """A passkey that is not accepted. problem: a field sentence's key. detail: for the log and the audit trail."""

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(f"{problem}: {detail}" if detail else problem)
        self.problem = problem
        self.detail = detail


class Ceremony(StrEnum):
    """What a challenge is for."""

    REGISTRATION = "registration"
    SIGN_IN = "sign-in"


def new_challenge(secret: SecretKey, ceremony: Ceremony, browser: str, account_id: str = "", *, now: datetime) -> str:
    """A challenge that counts in this browser alone; nothing is stored until somebody answers it."""
    nonce, issued = random_id(), str(int(now.timestamp()))
    return f"{nonce}.{issued}.{_seal(secret, ceremony, browser, account_id, nonce, issued)}"


def is_live_challenge(
    secret: SecretKey, challenge: str, ceremony: Ceremony, browser: str, account_id: str = "", *, now: datetime
) -> bool:
    """Whether we gave this challenge to this browser for this purpose, lately. Single use is the storage's part."""
    nonce, _, rest = challenge.partition(".")
    issued, _, seal = rest.partition(".")
    if not same(seal, _seal(secret, ceremony, browser, account_id, nonce, issued)):
        return False
    age = now.timestamp() - int(issued)
    return -1 <= age <= CHALLENGE_LIFETIME.total_seconds()


def user_handle(secret: SecretKey, account_id: str) -> bytes:
    """32 bytes by which authenticators know the account (WebAuthn level 3 section 14.6.1: nothing personal)."""
    return secret.derive("passkey-user-handle", account_id)


def counter_went_back(stored: int, told: int) -> bool:
    """Whether the counters show a copy of the key (WebAuthn level 3 section 7.2 step 22); 0 and 0: no counter."""
    return (stored > 0 or told > 0) and told <= stored


def problem_with_only(found: Iterable[Passkey]) -> str | None:
    """Why nobody should rely on these passkeys alone: a field sentence's key; None where they suffice.

    One of them has to have signed in already, and none may be the only one of one device: devices are lost.
    """
    usable = [passkey for passkey in found if passkey.suspected_at is None]
    if not any(passkey.used_at for passkey in usable):
        return "passkey.untried"
    # A passkey that is not backed up, although it could be, is lost together with its device (WebAuthn level 3 section
    # 6.1.3).
    if len(usable) < 2 and not any(passkey.credential.is_backed_up for passkey in usable):
        return "passkey.only_one"
    return None


def methods_of(passkey: Passkey) -> tuple[str, ...]:
    """Authentication methods (RFC 8176) of a sign-in: a key that may be copied counts as kept by software."""
    return (AMR_SOFTWARE_KEY if passkey.credential.is_synced else AMR_HARDWARE_KEY, AMR_PRESENCE)


def is_by_passkey(methods: Iterable[str]) -> bool:
    """Whether a sign-in by these methods was one with a passkey."""
    return not {AMR_HARDWARE_KEY, AMR_SOFTWARE_KEY}.isdisjoint(methods)


def cleaned_name(typed: str) -> str:
    """A passkey's name as it is kept: one line, not too long; empty where nothing readable was typed."""
    readable = "".join(letter if letter.isprintable() else " " for letter in typed)
    return " ".join(readable.split())[:LONGEST_NAME]


def another_name(name: str, existing: Iterable[Passkey]) -> str:
    """This name, with a number where another of the person's passkeys is called so."""
    taken = {passkey.name for passkey in existing}
    numbered = (f"{name} ({number})" for number in count(2))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def _seal(secret: SecretKey, ceremony: Ceremony, browser: str, account_id: str, nonce: str, issued: str) -> str:
    return secret.token("passkey-challenge", ceremony, browser, account_id, nonce, issued)
