"""The account of a person whose mailbox is proven: found or made, and freed from whoever used it before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.errors import Refusal
from idp.domain.identity import IdentityConflict, account_for, is_named, renamed
from idp.domain.keyed import SecretKey, random_id, random_token
from idp.domain.logout import EndsSignIns
from idp.domain.messages import MailQueue, Message
from idp.domain.notices import LIFETIME as NOTICE_LIFETIME
from idp.domain.notices import notices
from idp.domain.proofing import Adopted, Proofing
from idp.domain.proofing_record import record_of
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.database import AlreadyExists
from idp.storage.devices import DeviceStore
from idp.storage.passkeys import PasskeyStore
from idp.storage.proofing_records import ProofingRecordStore
from idp.storage.sweeps import SweepStore


@dataclass(frozen=True, slots=True)
class Adoption:
    """What the mailbox and the password pages call; see ``domain.proofing.AdoptsAccount``."""

    accounts: AccountStore
    ends_sign_ins: EndsSignIns
    devices: DeviceStore
    passkeys: PasskeyStore
    sweeps: SweepStore
    mails: MailQueue
    audit: AuditTrail
    records: ProofingRecordStore
    secret: SecretKey
    clock: Callable[[], datetime]

    def __call__(self, proofing: Proofing) -> Adopted:
        """The person's account, made anew if need be, with nothing left of what it was used for before."""
        with _refusing_race(proofing):
            try:
                return self._adopted(proofing)
            except AlreadyExists:
                # Where the same person was faster in another browser, they are known by now.
                if self._known(proofing) is None:
                    raise
                return self._adopted(proofing)

    def expects_earlier_account(self, proofing: Proofing) -> bool:
        """Whether the mailbox would come from another account that the same university names otherwise."""
        previous = self.accounts.by_address(proofing.address or "")
        # Asked where a mailed link was followed; an address that the person gave has none.
        if previous is None or is_named(previous, proofing.identities):
            return False
        return renamed(proofing.identities, previous) is not None

    def _adopted(self, proofing: Proofing) -> Adopted:
        known = self._known(proofing)
        owner = self.accounts.by_address(proofing.address or "")
        known = known or self._invited(owner)
        other = None if owner is None or (known is not None and owner.id == known.id) else owner
        self._refuse_taken_address(proofing, other)
        previous = self._release_address(known, other, proofing)
        account_id = self._made(proofing) if known is None else self._freed(known, proofing)
        self.records.add(record_of(proofing, account_id, self.secret, now=self.clock()))
        is_renamed = previous is not None and self._tell_of_earlier_account(proofing, previous)
        return Adopted(account_id, is_renamed)

    def _made(self, proofing: Proofing) -> str:
        """A new account with what was proven. Nobody used it before, so that nothing of it ends.

        A proof that is cut after this and begun again finds the account as one that is known.
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
        # They sign in as the password does, which goes below. Before it, so that none outlives a proof that is cut
        # half way, and once more below for one that was being added meanwhile.
        self.passkeys.remove_account(known.id)
        self.accounts.record_proof(
            known,
            identities=proofing.identities,
            address=proofing.address or "",
            attributes=proofing.attributes,
            locale=known.locale,
            now=self.clock(),
        )
        self._end_everything_of(known.id, proofing)
        # Whoever was just signing in with what the proof has taken away began before this.
        self._plan_sweep(known)
        self.passkeys.remove_account(known.id)
        return known.id

    def _known(self, proofing: Proofing) -> Account | None:
        try:
            account = account_for(proofing.identities, self.accounts.by_identities(proofing.identities))
        except IdentityConflict as conflict:
            self._note("proofing.identity_conflict", proofing, entity_id=conflict.entity_id, kind=conflict.kind)
            raise
        if account is not None and not account.lets_in(self.clock()):
            # Asked when the university answered; a link lives for a day since then.
            raise Refusal("account.disabled", account.id, status=403)
        return account

    def _invited(self, account: Account | None) -> Account | None:
        """The account of this mailbox, if an invitation gave it and nobody vouched for it yet: the proof takes it over.

        Its own mailbox made it, and the same mailbox was proven again; what was disabled by hand stays so.
        """
        if account is None or account.invited is None or account.identities:
            return None
        if account.disabled and not account.expired:
            raise Refusal("account.disabled", account.id, status=403)
        return account

    def _refuse_taken_address(self, proofing: Proofing, owner: Account | None) -> None:
        """An address that no university vouched for is never taken from another account; told only to who proved it."""
        if owner is None or not proofing.address_given:
            return
        self._note("proofing.identity_conflict", proofing, entity_id=proofing.entity_id, kind="address", owner=owner.id)
        raise IdentityConflict(proofing.entity_id, "address", "given by one person, known of another")

    def _tell_of_earlier_account(self, proofing: Proofing, previous: Account) -> bool:
        """Two accounts stay two accounts: the audit trail and the mailbox are told. Whether there was anything to tell.

        The page of the password tells it, too (``flows.new_password``).
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
        """At the addresses that stay: password and sessions went with this one, whose mailbox has just read of it."""
        moved, now = proofing.address or "", self.clock()
        others = [address for address in previous.addresses if address != moved]
        fields = {"change": "moved", "changed": moved}
        for message in notices("addresses_changed", previous, others, reference=proofing.reference, now=now, **fields):
            self.mails.put(message)

    def _notice(self, proofing: Proofing) -> Message:
        now = self.clock()
        return Message(
            id=random_id(),
            kind="earlier_account",
            to=proofing.address or "",
            # A new account has no language yet, and the earlier one's may be somebody else's.
            locale=None,
            created_at=now,
            expires_at=now + NOTICE_LIFETIME,
            reference=proofing.reference,
            fields={"university": proofing.provider_name},
        )

    def _release_address(self, known: Account | None, owner: Account | None, proofing: Proofing) -> Account | None:
        """Take the address that the university vouched for from whichever other account has it; that account.

        owner: the other account that had it a moment ago.
        """
        if proofing.address_given:
            return None
        self._plan_sweep(owner)
        previous = self.accounts.release_address(proofing.address or "", except_account=known.id if known else None)
        if previous is not None:
            self._end_everything_of(previous.id, proofing)
            self._plan_sweep(previous)
            self._note("account.address_moved", proofing, previous_account=previous.id)
            self._tell_of_loss(proofing, previous)
        return previous

    def _plan_sweep(self, account: Account | None) -> None:
        """Before it is written to: whatever goes wrong then, who was signed in to it before ends a minute later."""
        if account is not None:
            now = self.clock()
            self.sweeps.put(account.id, now=now, began_before=now)

    def _end_everything_of(self, account_id: str, proofing: Proofing) -> None:
        # Who proves it again while signed in must find this journey again in the same browser.
        self.ends_sign_ins.of_account(account_id, known_browsers=proofing.browsers)
        self.devices.forget_account(account_id)

    def _note(self, event: str, proofing: Proofing, **fields: str) -> None:
        self.audit.append(
            event, at=self.clock(), reference=proofing.reference, account_id=proofing.account_id, **fields
        )


@contextmanager
def _refusing_race(proofing: Proofing) -> Iterator[None]:
    """Of two people's proofs that want the same identity or address at the same moment, one is refused."""
    try:
        yield
    except AlreadyExists as race:
        raise Refusal("proofing.identity_conflict", "taken at the same moment").during(proofing.reference) from race
