"""The account of a person whose mailbox is proven: found or made, and freed from whoever used it before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.errors import Refusal
from idp.domain.identity import IdentityConflict, account_for
from idp.domain.keyed import SecretKey, random_id, random_token
from idp.domain.logout import EndsSignIns
from idp.domain.proofing import Proofing
from idp.domain.proofing_record import record_of
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.database import AlreadyExists
from idp.storage.devices import DeviceStore
from idp.storage.proofing_records import ProofingRecordStore


@dataclass(frozen=True, slots=True)
class Adoption:
    """What the mailbox and the password pages call; see ``domain.proofing.AdoptsAccount``."""

    accounts: AccountStore
    ends_sign_ins: EndsSignIns
    devices: DeviceStore
    audit: AuditTrail
    records: ProofingRecordStore
    secret: SecretKey
    clock: Callable[[], datetime]

    def __call__(self, proofing: Proofing) -> str:
        """The id of the person's account, made anew if need be, with nothing left of what it was used for before."""
        account = self._account(proofing, self.clock())
        self._end_everything_of(account.id, proofing)
        self.records.add(record_of(proofing, account.id, self.secret, now=self.clock()))
        return account.id

    def _account(self, proofing: Proofing, now: datetime) -> Account:
        """The account that the identities name, else a new one; the address comes along from whoever had it."""
        address = proofing.address or ""
        known = self._known(proofing) or self._invited(address)
        self._refuse_taken_address(proofing, known)
        if not proofing.address_given:
            self._release_address(address, known, proofing)
        try:
            if known is None:
                return self._new_account(proofing, address, now)
            self.accounts.record_proof(
                known,
                identities=proofing.identities,
                address=address,
                attributes=proofing.attributes,
                locale=known.locale,
                now=now,
            )
        except AlreadyExists as race:
            raise Refusal("proofing.identity_conflict", "taken at the same moment").during(proofing.reference) from race
        return known

    def _known(self, proofing: Proofing) -> Account | None:
        try:
            return account_for(proofing.identities, self.accounts.by_identities(proofing.identities))
        except IdentityConflict as conflict:
            self._note("proofing.identity_conflict", proofing, entity_id=conflict.entity_id, kind=conflict.kind)
            raise

    def _invited(self, address: str) -> Account | None:
        """The account that an invitation gave to this mailbox, if nobody vouched for it yet: the proof takes it over.

        Its own mailbox made it, and the same mailbox was proven again; what was disabled by hand stays so.
        """
        account = self.accounts.by_address(address)
        if account is None or account.invited is None or account.identities:
            return None
        if account.disabled and not account.expired:
            raise Refusal("account.disabled", account.id, status=403)
        return account

    def _refuse_taken_address(self, proofing: Proofing, known: Account | None) -> None:
        """An address that no university vouched for is never taken from another account; told only to who proved it."""
        owner = self.accounts.by_address(proofing.address or "") if proofing.address_given else None
        if owner is None or (known is not None and owner.id == known.id):
            return
        self._note("proofing.identity_conflict", proofing, entity_id=proofing.entity_id, kind="address", owner=owner.id)
        raise IdentityConflict(proofing.entity_id, "address", "given by one person, known of another")

    def _flag_new_identifier(self, proofing: Proofing, previous: Account) -> None:
        """The address came with an account of the same university: one person under a new name, or two persons.

        Which of both, only people can tell: two accounts stay two accounts, and the audit trail is told.
        """
        known = {(identity.entity_id, identity.kind) for identity in previous.identities}
        for identity in proofing.identities:
            if (identity.entity_id, identity.kind) in known:
                self._note(
                    "proofing.identity_conflict",
                    proofing,
                    entity_id=identity.entity_id,
                    kind=identity.kind,
                    previous_account=previous.id,
                )
                return

    def _new_account(self, proofing: Proofing, address: str, now: datetime) -> Account:
        account = Account(
            id=random_id(),
            subject=random_token(),
            created_at=now,
            identities=proofing.identities,
            addresses=(address,),
            attributes=proofing.attributes,
            proved_at=now,
        )
        self.accounts.create(account)
        return account

    def _release_address(self, address: str, known: Account | None, proofing: Proofing) -> None:
        previous = self.accounts.release_address(address, except_account=known.id if known else None)
        if previous is not None:
            self._end_everything_of(previous.id, proofing)
            self._note("account.address_moved", proofing, previous_account=previous.id)
            self._flag_new_identifier(proofing, previous)

    def _end_everything_of(self, account_id: str, proofing: Proofing) -> None:
        # Who proves it again while signed in must find this journey again in the same browser.
        self.ends_sign_ins.of_account(account_id, known_browsers=proofing.browsers)
        self.devices.forget_account(account_id)

    def _note(self, event: str, proofing: Proofing, **fields: str) -> None:
        self.audit.append(
            event, at=self.clock(), reference=proofing.reference, account_id=proofing.account_id, **fields
        )
