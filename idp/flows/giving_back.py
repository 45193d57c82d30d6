"""An account that somebody else got hold of is given back to its person, at an address that is theirs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain import addresses
from idp.domain.accounts import Account
from idp.domain.addresses import InvalidAddress
from idp.domain.logout import PutsOut
from idp.domain.messages import MailQueue
from idp.domain.notices import tell
from idp.domain.references import present_reference
from idp.storage.accounts import AccountStore
from idp.storage.database import AlreadyExists
from idp.storage.merges import MergeStore
from idp.storage.passkeys import PasskeyStore
from idp.storage.under_way import UnderWay


@dataclass(frozen=True, slots=True)
class GivingBack:
    """What somebody who helps does where the person cannot prove themselves at a university, or not alone."""

    accounts: AccountStore
    passkeys: PasskeyStore
    under_way: UnderWay
    merges: MergeStore
    mails: MailQueue
    puts_out: PutsOut
    clock: Callable[[], datetime]

    def __call__(self, account_id: str, typed: str) -> str | None:
        """Let nothing but a code mailed to this address, or a proof at a university, lead into the account.

        None when it is done, else the key of a field sentence; the account may be closed, and stays so.
        """
        account = self.accounts.find(account_id)
        if account is None:
            return "helpdesk.nobody"
        try:
            address = addresses.clean(typed)
        except InvalidAddress as error:
            return error.key
        owner = self.accounts.by_address(address)
        if owner is not None and owner.id != account_id:
            return "helpdesk.address_taken"
        # Somebody may have proven its mailbox to merge the account, and lack only its password, which goes below.
        self.merges.withdraw_offers(account_id)
        # Before it, so that everybody goes also where this is cut off half way; and again after it, for whoever came in
        # meanwhile.
        self.puts_out(account_id)
        try:
            done = self.accounts.give_back(account_id, address, now=self.clock())
        except AlreadyExists:
            return "helpdesk.address_taken"
        if not done:
            return "helpdesk.not_reopened"
        self._end_ways_in(account, address)
        self.puts_out(account_id)
        self._tell(account, address)
        return None

    def _end_ways_in(self, account: Account, address: str) -> None:
        self.passkeys.remove_account(account.id)
        # Somebody in the account may have chosen meanwhile that these alone lead in; from now on that is refused.
        self.accounts.set_only_passkeys(account.id, only=False)
        # Once more, for what was offered meanwhile.
        self.merges.withdraw_offers(account.id)
        # Codes are bound to the browser that asked for them, whosever it was.
        self.under_way.void(account.id, address, *account.addresses, now=self.clock())

    def _tell(self, account: Account, address: str) -> None:
        fields = {"change": "given_back", "changed": address}
        to = (address, *account.addresses)
        tell(self.mails, "addresses_changed", account, to, reference=present_reference(), now=self.clock(), **fields)
