"""Who sits at the console: asked on each of its pages."""

from dataclasses import dataclass

from idp.domain.errors import Refusal
from idp.domain.helpdesk import HELPDESK_ROLE, ConsoleSession
from idp.flows.helpdesk_entry import HelpdeskEntry
from idp.web.pages import Pages

COOKIE = "helpdesk"


@dataclass(frozen=True, slots=True)
class Console:
    entry: HelpdeskEntry
    pages: Pages

    def operator(self) -> ConsoleSession | None:
        """Whoever opened the console in this browser and may still be there."""
        browser = self.pages.browser
        return self.entry.operator(browser.cookie(COOKIE), browser.known_session())

    def expected_operator(self) -> ConsoleSession:
        """The same; refuses whom the console does not know (any more)."""
        here = self.operator()
        if here is None:
            raise Refusal("helpdesk.not_signed_in", "console closed meanwhile", status=403)
        return here

    def posting_operator(self) -> ConsoleSession:
        """The same, for a form, which has to carry our token."""
        self.pages.browser.posted_session(of_account=True)
        return self.expected_operator()

    def helps(self, account_id: str) -> bool:
        """Whether the person of this account has the role at this moment."""
        return HELPDESK_ROLE in self.entry.roles(account_id)
