"""What the account page shows of access, addresses, merges, recent events and closing: one template for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_babel import format_date

from idp.domain.accounts import Account
from idp.domain.sessions import Session
from idp.flows.access import AccessFlow
from idp.flows.merging import MergingFlow
from idp.flows.recent_events import RecentEvents
from idp.web.access import access_section
from idp.web.recent_events import TOLD, event_lines
from idp.web.sentences import field_sentence
from idp.web.ways_in import is_removed

_PROBLEMS = ("merge.changed", "merge.last_address")


@dataclass(frozen=True, slots=True)
class AccountSections:
    events: RecentEvents
    merging: MergingFlow
    access: AccessFlow

    def __call__(self, account: Account, session: Session) -> Mapping[str, Any]:
        """The context of these sections."""
        problem = request.args.get("problem", "")
        return access_section(self.access, account, session) | {
            "new_address_url": url_for("addresses.new"),
            "primary_action": url_for("addresses.make_primary"),
            "is_removed": is_removed(),
            "remove_address_action": url_for("addresses.remove"),
            "merges": [
                {"id": merge.id, "address": merge.address, "until": format_date(merge.until, "long")}
                for merge in self.merging.undoable(account)
            ],
            "undo_merge_action": url_for("merging.undo"),
            "recent_events": event_lines(self.events.of(account, TOLD)),
            "close_url": url_for("closing.ask"),
            "errors": {"merges": field_sentence(problem)} if problem in _PROBLEMS else {},
        }
