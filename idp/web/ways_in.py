"""What leads in beside the password, as the pages that choose one list it: a box for each, ticked to remove it."""

from typing import Any

from flask_babel import gettext as _

from idp.domain.ways_in import WaysIn
from idp.web import forms
from idp.web.this_answer import this_request

_PREFIX = "not-mine-"
# In the query of a page: something was just removed there.
REMOVED = "yes"


def not_mine() -> frozenset[str]:
    """What was ticked, by address or passkey id; whether the account has it is for the flow to say."""
    return frozenset(forms.field(name) for name in this_request().form if name.startswith(_PREFIX))


def is_removed() -> bool:
    """Whether this page follows a removal: the person is told how to put out whoever came in by what went."""
    return this_request().args.get("removed") == REMOVED


def ways_in_shown(ways: WaysIn) -> dict[str, Any]:
    """What ``_ways_in.html`` shows; what was ticked stays so on a form that comes back."""
    ticked = not_mine()
    labels = [(address, address) for address in ways.addresses]
    labels += [(passkey.id, _("Clé d’accès « %(name)s »", name=passkey.name)) for passkey in ways.passkeys]
    boxes = [
        {"name": f"{_PREFIX}{number}", "value": value, "label": label, "is_ticked": value in ticked}
        for number, (value, label) in enumerate(labels, 1)
    ]
    return {"ways_in": boxes, "merged_accounts": ways.merged}
