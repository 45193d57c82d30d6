"""The account of a person whose mailbox is proven: found or made, and freed from whoever used it before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.errors import Refusal
from idp.domain.identity import account_for
from idp.domain.keyed import random_id, random_token
from idp.domain.logout import EndsSignIns
from idp.domain.proofing import Proofing
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.database import AlreadyExists
from idp.storage.devices import DeviceStore


@dataclass(frozen=True, slots=True)
class Adoption:
    """What the mailbox and the password pages call; see ``domain.proofing.AdoptsAccount``."""

    accounts: AccountStore
    ends_sign_ins: EndsSignIns
    devices: DeviceStore
    audit: AuditTrail
    clock: Callable[[], datetime]

    def __call__(self, proofing: Proofing) -> str:
        """The id of the person's account, made anew if need be, with nothing left of what it was used for before."""
        account = self._account(proofing, self.clock())
        self._end_everything_of(account.id, proofing)
        return account.id

    def _account(self, proofing: Proofing, now: datetime) -> Account:
        """The account that the identities name, else a new one; the address comes along from whoever had it."""
        address = proofing.address or ""
        known = account_for(proofing.identities, self.accounts.by_identities(proofing.identities))
        previous = self.accounts.release_address(address, except_account=known.id if known else None)
        if previous is not None:
            self._end_everything_of(previous.id, proofing)
            self._note("account.address_moved", proofing, previous_account=previous.id)
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
        return known

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
        try:
            self.accounts.create(account)
        except AlreadyExists as race:
            raise Refusal("proofing.identity_conflict", "created at the same moment").during(
                proofing.reference
            ) from race
        return account

    def _end_everything_of(self, account_id: str, proofing: Proofing) -> None:
        # Who proves it again while signed in must find this journey again in the same browser.
        self.ends_sign_ins.of_account(account_id, known_browsers=proofing.browsers)
        self.devices.forget_account(account_id)

    def _note(self, event: str, proofing: Proofing, **fields: str) -> None:
        self.audit.append(
            event, at=self.clock(), reference=proofing.reference, account_id=proofing.account_id, **fields
        )
