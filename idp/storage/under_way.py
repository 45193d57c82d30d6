"""What is under way by mail in an account, in two collections."""

from dataclasses import dataclass
from datetime import datetime

from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.proofings import ProofingStore


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A proof that is left at its last page lets whoever finds it choose a password; a mailed code, whoever read it."""

    proofings: ProofingStore
    codes: OneTimeCodeStore

    def void(self, account_id: str, *addresses: str, now: datetime) -> None:
        """Neither leads into this account any more, nor to these addresses. Raises ServiceUnavailable."""
        self.proofings.void_account(account_id, *addresses)
        self.codes.void_address(*addresses, now=now)
