"""Erasing accounts: those that their people closed, when the time for having them back is over, and merged ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.accounts import Account
from idp.domain.logout import EndsSignIns
from idp.domain.references import present_reference
from idp.storage.audit import AuditTrail
from idp.storage.closed_accounts import ClosedAccounts
from idp.storage.merges import MergeStore
from idp.storage.outbox import Outbox
from idp.storage.proofings import ProofingStore

# Longer than erasing takes: where the worker is killed, another one takes over afterwards.
LEASE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AccountErasure:
    """forgets: delete what their collection holds of an account, given its id. unlearns: mail domains that it taught.

    The audit trail stays for its own time: it names accounts by their id (``domain.data_protection``). A ``sub`` is
    drawn at random and never given again; whoever comes back is a new person.
    """

    closed_accounts: ClosedAccounts
    merges: MergeStore
    ends_sign_ins: EndsSignIns
    forgets: Sequence[Callable[[str], object]]
    unlearns: Callable[[Account], None]
    proofings: ProofingStore
    outbox: Outbox
    audit: AuditTrail
    clock: Callable[[], datetime]

    def erase_next(self, now: datetime) -> bool:
        """Erase one account whose time is over; False where there is none. Any number of processes may ask."""
        account = self.closed_accounts.claim_overdue(now=now, lease=LEASE)
        if account is None:
            return False
        self._erase(account, now)
        return True

    def end_next_merge(self, now: datetime) -> bool:
        """Let go of one merged account that can no longer be parted; False where there is none."""
        merge = self.merges.overdue(now=now)
        if merge is None:
            return False
        self.closed_accounts.have_erased((merge.other,), now=now)
        self.merges.forget(merge.id)
        return True

    def erase(self, account_id: str) -> None:
        """Have this account erased at once, by whichever process is there, with those that ended in it."""
        self.closed_accounts.have_erased((account_id,), now=self.clock())

    def _erase(self, account: Account, now: datetime) -> None:
        if self.merges.is_under_way(account.id):
            # A killed process left a merge half done: erased now, what was merged into this account would be forgotten.
            # The merge is finished before the lease is over, and no other one begins with a closed account.
            return
        self.closed_accounts.have_erased(self.merges.others_of(account.id), now=now)
        self.ends_sign_ins.of_account(account.id)
        for forget in self.forgets:
            forget(account.id)
        self.unlearns(account)
        self.proofings.forget_account(account.id, *account.addresses)
        self.outbox.forget_addresses(account.addresses)
        self.closed_accounts.erase(account)
        self.audit.append("account.erased", at=now, reference=present_reference(), account_id=account.id)
