"""A person's passkeys: adding, naming and removing them. The password and the mailed code stay."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain import passkeys
from idp.domain.accounts import Account
from idp.domain.claims import display_name
from idp.domain.keyed import SecretKey, random_id
from idp.domain.messages import MailQueue, Message
from idp.domain.passkeys import MOST_PER_ACCOUNT, Ceremony, Passkey, PasskeyRefused
from idp.domain.references import new_reference
from idp.domain.sessions import Session
from idp.passkeys.relying_party import RelyingParty
from idp.storage.audit import AuditTrail
from idp.storage.passkeys import PasskeyStore

NOTICE_LIFETIME = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a browser needs for a passkey. options: JSON for its WebAuthn functions. challenge: comes back with it."""

    options: str
    challenge: str


@dataclass(frozen=True, slots=True)
class PasskeyFlow:
    relying_party: RelyingParty
    passkeys: PasskeyStore
    mails: MailQueue
    audit: AuditTrail
    secret: SecretKey
    clock: Callable[[], datetime]

    def of_account(self, account: Account) -> tuple[Passkey, ...]:
        """The account's passkeys, oldest first."""
        return self.passkeys.of_account(account.id)

    def offer(self, account: Account, session: Session) -> Offer:
        """What the browser needs to make a passkey for this account."""
        challenge = passkeys.new_challenge(
            self.secret, Ceremony.REGISTRATION, session.browser, account.id, now=self.clock()
        )
        options = self.relying_party.creation_options(
            challenge,
            passkeys.user_handle(self.secret, account.id),
            account.address,
            display_name(account.attributes) or account.address,
            self.of_account(account),
        )
        return Offer(options, challenge)

    def add(self, account: Account, session: Session, answer: str, challenge: str, name: str) -> Passkey:
        """Keep the passkey that the browser made. Raises PasskeyRefused."""
        now = self.clock()
        if not passkeys.is_live_challenge(
            self.secret, challenge, Ceremony.REGISTRATION, session.browser, account.id, now=now
        ) or not self.passkeys.take_challenge(challenge, now=now):
            raise PasskeyRefused("passkey.expired")
        existing = self.of_account(account)
        if len(existing) >= MOST_PER_ACCOUNT:
            raise PasskeyRefused("passkey.too_many")
        passkey = Passkey(
            self.relying_party.created(answer, challenge),
            account.id,
            passkeys.user_handle(self.secret, account.id),
            passkeys.cleaned_name(name) or f"{len(existing) + 1}",
            now,
        )
        if not self.passkeys.add(passkey):
            raise PasskeyRefused("passkey.exists")
        self._tell(account, passkey, "added", now)
        return passkey

    def rename(self, account: Account, credential_id: str, name: str) -> None:
        """Give a passkey the name by which its person knows it."""
        if cleaned := passkeys.cleaned_name(name):
            self.passkeys.rename(credential_id, account.id, cleaned)

    def remove(self, account: Account, credential_id: str) -> None:
        """Accept this passkey no more."""
        removed = self.passkeys.remove(credential_id, account.id)
        if removed is not None:
            self._tell(account, removed, "removed", self.clock())

    def _tell(self, account: Account, passkey: Passkey, change: str, now: datetime) -> None:
        """In the audit trail, and by mail to every address of the account."""
        reference = new_reference()
        self.audit.append(
            f"account.passkey_{change}",
            at=now,
            reference=reference,
            account_id=account.id,
            name=passkey.name,
            aaguid=passkey.credential.aaguid,
        )
        for address in account.addresses:
            self.mails.put(
                Message(
                    id=random_id(),
                    kind=f"passkey_{change}",
                    to=address,
                    locale=account.locale,
                    created_at=now,
                    expires_at=now + NOTICE_LIFETIME,
                    reference=reference,
                    fields={"name": passkey.name},
                )
            )
