"""A person's passkeys: adding, naming and removing them. The password and the mailed code stay, unless the person
wants only passkeys to lead in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from idp.domain import passkeys
from idp.domain.accounts import Account
from idp.domain.claims import display_name
from idp.domain.keyed import SecretKey
from idp.domain.messages import MailQueue
from idp.domain.notices import tell
from idp.domain.passkeys import MOST_PER_ACCOUNT, Ceremony, Credential, Passkey, PasskeyRefused
from idp.domain.references import present_reference
from idp.domain.sessions import Session
from idp.passkeys.relying_party import RelyingParty
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.passkeys import PasskeyStore
from idp.storage.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class PasskeyCreation:
    """What a browser needs for a passkey. options: JSON for its WebAuthn functions. challenge: comes back with it."""

    options: str
    challenge: str


# What a passkey is called after what keeps it, in the words of the page.
Names = Callable[[Credential, Session], str]


@dataclass(frozen=True, slots=True)
class PasskeyFlow:
    relying_party: RelyingParty
    accounts: AccountStore
    passkeys: PasskeyStore
    sessions: SessionStore
    mails: MailQueue
    audit: AuditTrail
    secret: SecretKey
    clock: Callable[[], datetime]

    def of_account(self, account: Account) -> tuple[Passkey, ...]:
        """The account's passkeys, oldest first."""
        return self.passkeys.of_account(account.id)

    def offer(self, account: Account, session: Session) -> PasskeyCreation:
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
        return PasskeyCreation(options, challenge)

    def accepted(self, account: Account) -> str:
        """Which passkeys of the account are accepted, as JSON that the browser passes to authenticators.

        Passkeys that came by a merge know the person by another handle.
        """
        found = self.of_account(account)
        handles = (passkeys.user_handle(self.secret, account.id), *(passkey.user_handle for passkey in found))
        usable = [passkey for passkey in found if passkey.suspected_at is None]
        return self.relying_party.accepted(dict.fromkeys(handles), usable)

    def add(
        self, account: Account, session: Session, answer: str, challenge: str, names: Names, typed: str = ""
    ) -> Passkey:
        """Keep the passkey that the browser made. Raises PasskeyRefused.

        names: what to call it where nothing readable was typed.
        """
        now = self.clock()
        if not passkeys.is_live_challenge(
            self.secret, challenge, Ceremony.REGISTRATION, session.browser, account.id, now=now
        ) or not self.passkeys.take_challenge(challenge, now=now):
            raise PasskeyRefused("passkey.expired")
        existing = self.of_account(account)
        if len(existing) >= MOST_PER_ACCOUNT:
            raise PasskeyRefused("passkey.too_many")
        credential = self.relying_party.created(answer, challenge)
        passkey = Passkey(
            credential,
            account.id,
            passkeys.user_handle(self.secret, account.id),
            passkeys.cleaned_name(typed) or passkeys.another_name(names(credential, session), existing),
            now,
        )
        if not self.passkeys.add(passkey):
            raise PasskeyRefused("passkey.exists")
        if not self.sessions.lasts(session, now=self.clock()):
            # Whoever ended this sign-in may have removed the account's passkeys before this one was there.
            self.passkeys.remove(passkey.id, account.id)
            raise PasskeyRefused("passkey.expired")
        if len(self.of_account(account)) > MOST_PER_ACCOUNT:
            # Others were added at the same moment.
            self.passkeys.remove(passkey.id, account.id)
            raise PasskeyRefused("passkey.too_many")
        self._tell(account, passkey, "added")
        return passkey

    def rename(self, account: Account, credential_id: str, name: str) -> None:
        """Give a passkey the name by which its person knows it."""
        if cleaned := passkeys.cleaned_name(name):
            self.passkeys.rename(credential_id, account.id, cleaned)

    def remove(self, account: Account, credential_id: str) -> None:
        """Accept this passkey no more. Raises PasskeyRefused where nothing else would lead in safely."""
        if account.only_passkeys and self._is_needed(account, credential_id):
            raise PasskeyRefused("passkey.needed")
        removed = self.passkeys.remove(credential_id, account.id)
        if removed is None:
            return
        if removed.suspected_at is None and self._is_locked_out(account.id):
            # Another one was removed, or the choice made, at the same moment: whoever looks last puts it right.
            self.passkeys.add(removed)
            if self._relies_on_passkeys(account.id):
                raise PasskeyRefused("passkey.needed")
            # Whoever ended that choice meanwhile may have taken every passkey away before this one was back.
            self.passkeys.remove(credential_id, account.id)
        self._tell(account, removed, "removed")

    def problem_with_only(self, account: Account) -> str | None:
        """Why the person cannot rely on passkeys alone yet, a field sentence's key; None where they can."""
        return passkeys.problem_with_only(self.of_account(account))

    def take_only_passkeys(self, account: Account) -> None:
        """From now on neither password nor mailed code leads in. Raises PasskeyRefused where that would not be safe."""
        if problem := self.problem_with_only(account):
            raise PasskeyRefused(problem)
        if self.accounts.set_only_passkeys(account.id, only=True):
            if problem := self.problem_with_only(account):
                # One was removed at the same moment.
                self.accounts.set_only_passkeys(account.id, only=False)
                raise PasskeyRefused(problem)
            self._note(account, "account.only_passkeys", "only_passkeys")

    def take_any_method(self, account_id: str) -> bool:
        """Password and mailed code lead in again; False where they did, or nobody has this account."""
        account = self.accounts.find(account_id)
        if account is None or not self.accounts.set_only_passkeys(account_id, only=False):
            return False
        self._note(account, "account.any_method", "any_method")
        return True

    def _is_needed(self, account: Account, credential_id: str) -> bool:
        """Whether the passkeys that stay would not suffice; one that is suspected never counted."""
        found = self.of_account(account)
        staying = [passkey for passkey in found if passkey.id != credential_id]
        is_usable = any(passkey.id == credential_id and passkey.suspected_at is None for passkey in found)
        return is_usable and passkeys.problem_with_only(staying) is not None

    def _is_locked_out(self, account_id: str) -> bool:
        """Whether nothing but passkeys leads in, as it stands now, and they do not suffice."""
        return (
            self._relies_on_passkeys(account_id)
            and passkeys.problem_with_only(self.passkeys.of_account(account_id)) is not None
        )

    def _relies_on_passkeys(self, account_id: str) -> bool:
        """Whether nothing but passkeys leads in, as it stands now."""
        account = self.accounts.find(account_id)
        return account is not None and account.only_passkeys

    def _tell(self, account: Account, passkey: Passkey, change: str) -> None:
        # The name is the person's own words: it is told to them, and does not outlive the passkey.
        told = {"name": passkey.name}
        self._note(account, f"account.passkey_{change}", f"passkey_{change}", told, aaguid=passkey.credential.aaguid)

    def _note(
        self, account: Account, event: str, mail: str, told: Mapping[str, str] = MappingProxyType({}), **kept: str
    ) -> None:
        """In the audit trail, and by mail to every address of the account. told: in the mail. kept: in the trail."""
        reference, now = present_reference(), self.clock()
        self.audit.append(event, at=now, reference=reference, account_id=account.id, **kept)
        tell(self.mails, mail, account, reference=reference, now=now, **told)
