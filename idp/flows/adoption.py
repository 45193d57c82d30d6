"""The account of a person whose mailbox is proven: found or made, and freed from whoever used it before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.errors import Refusal
from idp.domain.identity import IdentityConflict, account_for, is_named, renamed
from idp.domain.keyed import SecretKey, random_id, random_token
from idp.domain.logout import EndsSignIns
from idp.domain.messages import MailQueue, Message
from idp.domain.notices import LIFETIME as NOTICE_LIFETIME
from idp.domain.notices import tell
from idp.domain.proofing import Adopted, Proofing
from idp.domain.proofing_record import record_of
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.database import AlreadyExists
from idp.storage.devices import DeviceStore
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.passkeys import PasskeyStore
from idp.storage.proofing_records import ProofingRecordStore
from idp.storage.sweeps import SweepStore


@dataclass(frozen=True, slots=True)
class Adoption:
    """What the mailbox and the password pages call; see ``domain.proofing.AdoptsAccount``."""

    accounts: AccountStore
    ends_sign_ins: EndsSignIns
    devices: DeviceStore
    codes: OneTimeCodeStore
    passkeys: PasskeyStore
    sweeps: SweepStore
    mails: MailQueue
    audit: AuditTrail
    records: ProofingRecordStore
    secret: SecretKey
    clock: Callable[[], datetime]

    def __call__(self, proofing: Proofing) -> Adopted:
        """The person's account, made anew if need be, with nothing left of what it was used for before."""
        known = self._known(proofing)
        owner = self.accounts.by_address(proofing.address or "")
        known = known or self._invited(owner)
        other = None if owner is None or (known is not None and owner.id == known.id) else owner
        self._refuse_taken_address(proofing, other)
        previous = self._release_address(known, other, proofing)
        try:
            account_id = self._handed_over(known, proofing)
        except AlreadyExists as race:
            # Two people's proofs took one identity or one address at the same moment: one of the proofs is refused.
            raise Refusal("proofing.identity_conflict", "taken at the same moment").during(proofing.reference) from race
        self.records.add(record_of(proofing, account_id, self.secret, now=self.clock()))
        is_renamed = previous is not None and self._tell_of_earlier_account(proofing, previous)
        # Nobody was known at first: if there is an account now, the same person made it in another browser, just now.
        return Adopted(account_id, is_renamed, is_new_account=known is None)

    def expected(self, proofing: Proofing) -> Account | None:
        """The account that the university's word leads to; None where it has none, or not one alone."""
        try:
            return self._named(proofing)
        except IdentityConflict:
            return None

    def expects_earlier_account(self, proofing: Proofing) -> bool:
        """Whether the mailbox belongs to an earlier account, whose person the same university named otherwise."""
        previous = self.accounts.by_address(proofing.address or "")
        # Asked where a mailed link was followed; an address that the person gave has none.
        if previous is None or is_named(previous, proofing.identities):
            return False
        return renamed(proofing.identities, previous) is not None

    def _handed_over(self, known: Account | None, proofing: Proofing) -> str:
        try:
            return self._made(proofing) if known is None else self._freed(known, proofing)
        except AlreadyExists:
            # The same person may have been faster in another browser: then their account is known by now.
            known = self._known(proofing)
            if known is None:
                raise
            return self._freed(known, proofing)

    def _made(self, proofing: Proofing) -> str:
        """A new account with what was proven. Nobody used it before, so that nothing of it ends.

        A proof that is cut off after this, and begun again, finds this account as a known one.
        """
        now = self.clock()
        account = Account(
            id=random_id(),
            subject=random_token(),
            created_at=now,
            identities=proofing.identities,
            addresses=(proofing.address or "",),
            attributes=proofing.attributes,
            proved_at=now,
        )
        self.accounts.create(account)
        return account.id

    def _freed(self, known: Account, proofing: Proofing) -> str:
        """The account that is known of the person, with what was proven, and freed from whoever used it before."""
        self._plan_sweep(known)
        # Passkeys let people in, as the password does, which goes below. They go before it, so that no passkey outlives
        # a proof that is cut half way; and once more below, for a passkey that was being added meanwhile.
        self.passkeys.remove_account(known.id)
        self.accounts.record_proof(
            known,
            identities=proofing.identities,
            address=proofing.address or "",
            attributes=proofing.attributes,
            locale=known.locale,
            now=self.clock(),
        )
        self._tell_of_dropped_addresses(known, proofing)
        self._end_everything_of(known, proofing)
        # A sign-in may be under way with the password or passkey that the proof took away: it began before this.
        self._plan_sweep(known)
        self.passkeys.remove_account(known.id)
        return known.id

    def _known(self, proofing: Proofing) -> Account | None:
        try:
            account = self._named(proofing)
        except IdentityConflict as conflict:
            self._note("proofing.identity_conflict", proofing, entity_id=conflict.entity_id, kind=conflict.kind)
            raise
        if account is not None and not account.lets_in(self.clock()):
            # This was asked when the university answered, but the mailed link lives for a day from then on.
            raise Refusal("account.disabled", account.id, status=403)
        return account

    def _named(self, proofing: Proofing) -> Account | None:
        return account_for(proofing.identities, self.accounts.by_identities(proofing.identities))

    def _invited(self, account: Account | None) -> Account | None:
        """The account of this mailbox, if an invitation gave it and nobody vouched for it yet: the proof takes it over.

        The account was made for this mailbox, and the same mailbox was proven now. An account that was disabled by hand
        stays disabled.
        """
        if account is None or account.invited is None or account.identities:
            return None
        if not (account.lets_in(self.clock()) or account.expired):
            raise Refusal("account.disabled", account.id, status=403)
        return account

    def _refuse_taken_address(self, proofing: Proofing, owner: Account | None) -> None:
        """An address that no university vouched for is never taken from another account.

        Only the person who proved the address reads of that account.
        """
        if owner is None or not proofing.address_given:
            return
        self._note("proofing.identity_conflict", proofing, entity_id=proofing.entity_id, kind="address", owner=owner.id)
        raise IdentityConflict(proofing.entity_id, "address", "given by one person, known of another")

    def _tell_of_earlier_account(self, proofing: Proofing, previous: Account) -> bool:
        """Tell the audit trail and the mailbox that two accounts stay two accounts; whether there is an earlier one.

        The page of the password tells the person, too (``flows.new_password``).
        """
        identity = renamed(proofing.identities, previous)
        if identity is None:
            return False
        self._note(
            "proofing.identity_conflict",
            proofing,
            entity_id=identity.entity_id,
            kind=identity.kind,
            previous_account=previous.id,
        )
        self.mails.put(self._notice(proofing))
        return True

    def _tell_of_loss(self, proofing: Proofing, previous: Account) -> None:
        """Tell the addresses that stay: the account lost its password and its sign-ins together with the moved address.

        The mailbox of the moved address has just read of it.
        """
        moved, now = proofing.address or "", self.clock()
        others = [address for address in previous.addresses if address != moved]
        fields = {"change": "moved", "changed": moved}
        tell(self.mails, "addresses_changed", previous, others, reference=proofing.reference, now=now, **fields)

    def _tell_of_dropped_addresses(self, known: Account, proofing: Proofing) -> None:
        """Those of an invited person who is vouched for now (``AccountStore.record_proof``)."""
        is_invited = known.invited is not None and not known.identities
        dropped = [one for one in known.addresses if is_invited and one != proofing.address]
        now = self.clock()
        for address in dropped:
            self.audit.append("account.address_removed", at=now, reference=proofing.reference, account_id=known.id)
            fields = {"change": "removed", "changed": address}
            tell(self.mails, "addresses_changed", known, (address,), reference=proofing.reference, now=now, **fields)

    def _notice(self, proofing: Proofing) -> Message:
        now = self.clock()
        return Message(
            id=random_id(),
            kind="earlier_account",
            to=proofing.address or "",
            # A new account has no language yet, and the language of the earlier account may be another person's.
            locale=None,
            created_at=now,
            expires_at=now + NOTICE_LIFETIME,
            reference=proofing.reference,
            fields={"university": proofing.provider_name},
        )

    def _release_address(self, known: Account | None, owner: Account | None, proofing: Proofing) -> Account | None:
        """Take the address that the university vouched for from the other account that has it; returns that account.

        owner: the other account that had the address a moment ago.
        """
        if proofing.address_given:
            return None
        self._plan_sweep(owner)
        previous = self.accounts.release_address(
            proofing.address or "", except_account=known.id if known else None, now=self.clock()
        )
        if previous is not None:
            self._end_everything_of(previous, proofing)
            self._plan_sweep(previous)
            self._note("account.address_moved", proofing, previous_account=previous.id)
            self._tell_of_loss(proofing, previous)
        return previous

    def _plan_sweep(self, account: Account | None) -> None:
        """Before the account is written to: whatever goes wrong then, its earlier sign-ins end a minute later."""
        if account is not None:
            now = self.clock()
            self.sweeps.put(account.id, now=now, began_before=now)

    def _end_everything_of(self, account: Account, proofing: Proofing) -> None:
        # Whoever could read one of the mailboxes may have asked for a code, and use it after this.
        self.codes.void_address(*account.addresses, now=self.clock())
        # A person who proves their account again while signed in must find this journey again in the same browser.
        self.ends_sign_ins.of_account(account.id, known_browsers=proofing.browsers)
        self.devices.forget_account(account.id)

    def _note(self, event: str, proofing: Proofing, **fields: str) -> None:
        self.audit.append(
            event, at=self.clock(), reference=proofing.reference, account_id=proofing.account_id, **fields
        )
