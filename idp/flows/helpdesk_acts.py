"""What whoever helps does to accounts; the same by command and on the console."""

from collections.abc import Callable
from dataclasses import dataclass

from idp.domain.accounts import Account, ClosesAccounts
from idp.domain.helpdesk import Act, ErasesAccounts, MergesByHand, NotesActs
from idp.domain.merging import Merge


@dataclass(frozen=True, slots=True)
class HelpdeskActs:
    """account: by its id. any_method: ends the choice of passkeys alone, of the account with this id; False where there
    is none. gives_back: lets one address alone lead into the account with this id; None, else a field sentence's key.
    Every act that was done stands in the audit trail with its reason.
    """

    notes: NotesActs
    account: Callable[[str], Account | None]
    accounts: ClosesAccounts
    merging: MergesByHand
    erasure: ErasesAccounts
    any_method: Callable[[str], bool]
    gives_back: Callable[[str, str], str | None]

    def close(self, account_id: str, act: Act) -> bool:
        """Sign the person out everywhere and let nobody in; False where the account is not there."""
        return self.accounts.close(account_id, **act.fields)

    def reopen(self, account_id: str, act: Act) -> bool:
        """Let the person in again; False where the account is not there."""
        return self.accounts.reopen(account_id, **act.fields)

    def erase(self, account_id: str, act: Act) -> bool:
        """Close the account now and have everything about the person erased within seconds; False where it is not
        there."""
        if not self.accounts.close(account_id, **act.fields):
            return False
        self.notes.note("helpdesk.erased", account_id, act)
        self.erasure.erase(account_id)
        return True

    def merge(self, other_id: str, survivor_id: str, act: Act) -> bool:
        """Merge one account into another one of the same person; False, and nothing changed, where one is not open."""
        is_done = self.merging.merge_by_hand(survivor_id, other_id)
        if is_done:
            self.notes.note("helpdesk.merged", survivor_id, act, other=other_id)
        return is_done

    def allow_password(self, account_id: str, act: Act) -> bool:
        """Who wanted only passkeys to lead in gets in by password and code again, and is told; False where they did."""
        is_done = self.any_method(account_id)
        if is_done:
            self.notes.note("helpdesk.password_allowed", account_id, act)
        return is_done

    def give_back(self, account_id: str, address: str, act: Act) -> str | None:
        """Whoever had got hold of the account is out, and its person comes in by a code mailed to this address.

        None when it is done, else a field sentence's key.
        """
        problem = self.gives_back(account_id, address)
        if problem is None:
            self.notes.note("helpdesk.given_back", account_id, act)
        return problem

    def undoable(self, account_id: str) -> tuple[Merge, ...]:
        """The merges into this account that may still be undone, the latest first."""
        found = self.account(account_id)
        return self.merging.undoable(found) if found else ()

    def unmerge(self, account_id: str, address: str, act: Act) -> str | None:
        """Part the account that had this address again: None when it is done, else a field sentence's key."""
        found = self.account(account_id)
        merge = next((one for one in self.undoable(account_id) if one.address == address), None)
        if found is None or merge is None:
            return "merge.changed"
        problem = self.merging.undo(found, merge.id)
        if problem is None:
            self.notes.note("helpdesk.unmerged", account_id, act, other=merge.other)
        return problem
