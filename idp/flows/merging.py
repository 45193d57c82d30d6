"""Two accounts of one person become one: the account that is signed in goes on, the other one ends in it.

The person has just proven the other account's mailbox; where that account has a password, they need that as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.domain.accounts import Account
from idp.domain.guessing import WINDOW, Guesser, Guesses, Method, guess_limits
from idp.domain.keyed import SecretKey, random_id
from idp.domain.logout import PutsOut
from idp.domain.merging import OFFER_LIFETIME, UNDO_LIFETIME, Merge, MergeState
from idp.domain.messages import MailQueue
from idp.domain.notices import tell
from idp.domain.passwords import PasswordHasher
from idp.domain.references import present_reference
from idp.domain.sessions import Session
from idp.storage.accounts import AccountStore
from idp.storage.audit import AuditTrail
from idp.storage.consents import ConsentStore
from idp.storage.grants import GrantStore
from idp.storage.limits import LimitStore
from idp.storage.merged_accounts import MergedAccounts
from idp.storage.merges import MergeStore
from idp.storage.passkeys import PasskeyStore
from idp.storage.proofing_records import ProofingRecordStore
from idp.storage.proofings import ProofingStore
from idp.storage.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class MergeOffer:
    """What the person may decide. needs_password: the other account has one, which they are asked for."""

    merge: Merge
    needs_password: bool


@dataclass(frozen=True, slots=True)
class MergingFlow:
    accounts: AccountStore
    merges: MergeStore
    merged_accounts: MergedAccounts
    records: ProofingRecordStore
    passkeys: PasskeyStore
    grants: GrantStore
    consents: ConsentStore
    proofings: ProofingStore
    sessions: SessionStore
    limits: LimitStore
    puts_out: PutsOut
    hasher: PasswordHasher
    mails: MailQueue
    audit: AuditTrail
    secret: SecretKey
    clock: Callable[[], datetime]

    def offer(self, account: Account, session: Session, merge_id: str) -> MergeOffer | None:
        """The offer that was made in this browser, while it lasts and the other account is open and its person's."""
        merge = self.merges.find_offer(merge_id, account.id, session.browser, now=self.clock())
        other = self.accounts.find(merge.other) if merge else None
        if merge is None or other is None or other.disabled or merge.is_overtaken(other.proved_at):
            return None
        return MergeOffer(merge, other.password_hash is not None)

    def accept(self, account: Account, session: Session, offer: MergeOffer, password: str) -> str | None:
        """Merge the other account into this one: None when it is done, else the key of a field sentence."""
        other = self.accounts.find(offer.merge.other)
        # The write that takes the addresses asks for this once more; no password of a closed account is looked at.
        if other is None or other.disabled or offer.merge.is_overtaken(other.proved_at):
            return "merge.changed"
        if other.only_passkeys:
            # Neither a password nor the proof of a mailbox opens this account at a sign-in; so they do not here either.
            return "merge.only_passkeys"
        problem = self._problem_with(other, session, password) or self._merge(account, other, offer.merge)
        if problem is None and not self.sessions.lasts(session, now=self.clock()):
            # Whoever ended this sign-in may have freed the account from its sender before there was in it what had been
            # the other one's, which leads in as well.
            self.undo(account, offer.merge.id)
            return "merge.changed"
        return problem

    def merge_by_hand(self, survivor_id: str, other_id: str) -> bool:
        """Somebody who helps knows that both are one person; False, and nothing changed, where one is not open."""
        survivor, other = self.accounts.find(survivor_id), self.accounts.find(other_id)
        if survivor is None or other is None or survivor_id == other_id or not other.addresses:
            return False
        now = self.clock()
        merge = Merge(random_id(), survivor_id, other_id, other.address, now, now + OFFER_LIFETIME)
        # No browser has an empty name: nobody finds the offer on the way.
        self.merges.offer(merge, "")
        return self._merge(survivor, other, merge) is None

    def undoable(self, account: Account) -> tuple[Merge, ...]:
        """The merges that the person may still undo, the latest first."""
        return self.merges.of_survivor(account.id, now=self.clock())

    def undo(self, account: Account, merge_id: str) -> str | None:
        """Part the two accounts again: None when it is done, else the key of a field sentence."""
        now = self.clock()
        merge = next((one for one in self.undoable(account) if one.id == merge_id), None)
        if merge is None or not self.merges.begin_parting(merge, now=now):
            return "merge.changed"
        return self._part(merge)

    def finish_next(self, now: datetime) -> bool:
        """Finish one merge whose process was killed; False where there is none."""
        merge = self.merges.claim_unfinished(now=now)
        if merge is None:
            return False
        if merge.state is MergeState.PARTING:
            self._part(merge)
        else:
            self._move(merge)
        return True

    def _problem_with(self, other: Account, session: Session, password: str) -> str | None:
        """Guesses at the other account's password count as those at its sign-in."""
        if other.password_hash is None:
            return None
        now = self.clock()
        limits = guess_limits(self.secret, Guesser(other.id), Method.PASSWORD)
        if not Guesses(limits, self.limits.counted(limits, window=WINDOW, now=now)).are_left:
            return "merge.throttled"
        if self.hasher.verify(password, other.password_hash, is_known=True):
            return None if self._still_holds(other, session) else "merge.changed"
        for name, limit in limits.items():
            self.limits.count(name, limit=limit, window=WINDOW, now=now)
        self.audit.append("account.merge_refused", at=now, reference=present_reference(), account_id=other.id)
        return "merge.password_wrong"

    def _still_holds(self, other: Account, session: Session) -> bool:
        """The password was checked, which takes a while: whether it is the other account's by now, and whoever asks is
        still signed in. Whoever was put out meanwhile gives the account no address of theirs."""
        present = self.accounts.find(other.id)
        is_theirs = present is not None and present.still_takes_password_of(other)
        return is_theirs and self.sessions.lasts(session, now=self.clock())

    def _merge(self, account: Account, other: Account, merge: Merge) -> str | None:
        now = self.clock()
        if not self.merges.begin(merge, self._clients_of(other), until=now + UNDO_LIFETIME, now=now):
            return "merge.changed"
        begun = self.merges.find(merge.id)
        survivor = self.accounts.find(account.id)
        if begun is None or survivor is None or survivor.disabled:
            self.merges.give_up(merge)
            return "merge.changed"
        return None if self._move(begun) else "merge.changed"

    def _move(self, merge: Merge) -> bool:
        """False, and nothing changed, where the other account meanwhile lost the address, was closed or proven."""
        if not self.merged_accounts.leave(merge):
            self.merges.give_up(merge)
            return False
        self._end_everything_of(merge.other, merge)
        self.merged_accounts.join(merge)
        self.records.merge(merge.other, merge.survivor, merge.id)
        self.passkeys.merge(merge.other, merge.survivor, merge.id)
        # Before it is settled: where this process is killed, whoever finishes tells them, at worst a second time.
        self._tell("merged", merge, before=self.merged_accounts.addresses_before(merge))
        self.merges.settle(merge, MergeState.DONE)
        return True

    def _part(self, merge: Merge) -> str | None:
        if not self.merged_accounts.give_back(merge):
            self.merges.settle(merge, MergeState.DONE)
            return "merge.last_address"
        # They may have been two people: whoever came in by what goes back does not stay, and nobody can tell who did.
        self._end_everything_of(merge.survivor, merge)
        self.merged_accounts.restore(merge)
        self.records.separate(merge.id, merge.other)
        self.passkeys.separate(merge.id, merge.other)
        # Somebody may have chosen meanwhile that passkeys alone lead in, with those that have just gone.
        self.accounts.set_only_passkeys(merge.survivor, only=False)
        self._tell("parted", merge, before={})
        self.merges.forget(merge.id)
        return None

    def _end_everything_of(self, account_id: str, merge: Merge) -> None:
        """Of one of the two, when the addresses have just gone from it."""
        self.puts_out(account_id)
        # A proof that was left at its last page, on a computer that others use, would let them choose a password.
        self.proofings.void_account(account_id, *self.merged_accounts.moved_addresses(merge))

    def _clients_of(self, other: Account) -> tuple[str, ...]:
        """Every application that knows the person by the other account's subject."""
        agreed = [consent.client_id for consent in self.consents.of_account(other.id)]
        opened = self.grants.opened_by_account(other.id)
        return tuple(sorted({*other.clients, *agreed, *opened}))

    def _tell(self, change: str, merge: Merge, *, before: Mapping[str, Sequence[str]]) -> None:
        """Both, at the addresses that each had before, else at those that they have."""
        survivor, other = self.accounts.find(merge.survivor), self.accounts.find(merge.other)
        if survivor is None or other is None:
            return
        now, reference = self.clock(), present_reference()
        fields = {"change": change, "changed": merge.address, "kept": survivor.address}
        for account, partner in ((survivor, other), (other, survivor)):
            self.audit.append(f"account.{change}", at=now, reference=reference, account_id=account.id, other=partner.id)
            to = before.get(account.id, account.addresses)
            tell(self.mails, "accounts_merged", account, to, reference=reference, now=now, **fields)
