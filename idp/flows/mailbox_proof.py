"""The mailbox is proven, by the mailed code or link: the account is found or made, and everything older for it dies."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from idp.domain.errors import Refusal
from idp.domain.proofing import Adopted, AdoptsAccount, ConfirmedBy, Proofing, ProofingState
from idp.domain.routing import LearnsDomains
from idp.storage.audit import AuditTrail
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.proofings import ProofingStore


@dataclass(frozen=True, slots=True)
class MailboxProof:
    """What the mailbox and the password pages call; see ``domain.proofing.ConfirmsMailbox``."""

    proofings: ProofingStore
    codes: OneTimeCodeStore
    audit: AuditTrail
    adopts: AdoptsAccount
    learns: LearnsDomains
    clock: Callable[[], datetime]

    def __call__(self, proofing: Proofing, by: ConfirmedBy, *, link_browser: str | None = None) -> Proofing:
        """Confirm the mailbox and hand the account over.

        Whoever had a session, a code, a link or a password for this address before is not known to be this person
        (account pre-hijacking, Sudhodanan & Paverd): all of it ends before the account is handed over.
        """
        now, address = self.clock(), proofing.address or ""
        confirmed = self.proofings.move(
            proofing.id,
            ProofingState.VOUCHED,
            ProofingState.CONFIRMED,
            now=now,
            link_browser=link_browser,
            confirmed_by=str(by),
        )
        if confirmed is None:
            raise Refusal("proofing.link_used", proofing.id).during(proofing.reference)
        self.codes.void_address(address, now=now)
        self.proofings.void_address(address, by=confirmed)
        adopted = self._adopted(confirmed)
        account_id, known = adopted.account_id, asdict(adopted)
        self.proofings.move(proofing.id, ProofingState.CONFIRMED, ProofingState.CONFIRMED, now=now, **known)
        self.audit.append(
            "proofing.confirmed",
            at=now,
            reference=proofing.reference,
            account_id=account_id,
            entity_id=proofing.entity_id,
        )
        # One that had come as far by another mailbox of the person would let whoever finds it choose the password.
        self.proofings.void_account(account_id, by=confirmed)
        self.learns(confirmed, account_id)
        return replace(confirmed, **known)

    def _adopted(self, proofing: Proofing) -> Adopted:
        try:
            return self.adopts(proofing)
        except Refusal as refusal:
            # Nothing leads on from here: the person begins again with another university or address.
            self.proofings.forget(proofing.id)
            raise refusal.during(proofing.reference, proofing.authorization_id) from refusal
