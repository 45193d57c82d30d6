"""The door to the pages below ``/account``: the person who is signed in comes in, anybody else signs in first."""

from dataclasses import dataclass
from typing import Any

from flask import abort, redirect, url_for

from idp.domain.accounts import Account
from idp.domain.sessions import FRESH, Session
from idp.flows.account import AccountFlow
from idp.flows.authorization import AuthorizationFlow
from idp.web.authorization import next_page
from idp.web.browser import Browser


@dataclass(frozen=True, slots=True)
class AccountDoor:
    """Gives a view its account. Where there is none, the view ends here, and the browser leaves for the sign-in.

    page: the endpoint to which the sign-in leads back. names: what the address of that page tells beside.
    """

    accounts: AccountFlow
    authorization: AuthorizationFlow
    browser: Browser

    def fresh(self, page: str, *, posted: bool = False, **names: Any) -> tuple[Session, Account]:
        """The session of a page, or of a form that was posted, and its account after a fresh sign-in."""
        session = self.browser.posted_session(of_account=True) if posted else self.browser.session()
        return session, self.account(session, page, fresh=True, **names)

    def account(self, session: Session, page: str, *, fresh: bool = False, **names: Any) -> Account:
        """The account of this session. fresh: the sign-in has to be."""
        account = self.accounts.account(session)
        if account is None or (fresh and not self.accounts.is_fresh(session)):
            max_age = int(FRESH.total_seconds()) if fresh else None
            back = url_for(page, **names)
            waiting = self.authorization.begin_for_account_page(session, back, max_age=max_age)
            abort(redirect(next_page(waiting.pending.id), 303))
        return account
