"""The names of a person on their account page, and on whose word they stand there."""

from collections.abc import Sequence

from flask_babel import format_date
from flask_babel import lazy_gettext as _

from idp.domain.accounts import Account
from idp.flows.proofs import VouchingUniversity

_NAMES = {
    "displayName": _("Nom affiché"),
    "givenName": _("Prénom"),
    "sn": _("Nom de famille"),
}


def names_section(account: Account, universities: Sequence[VouchingUniversity]) -> dict[str, object]:
    """Each name with its label, and who said so when; universities: the one that vouched last comes first."""
    return {
        "list": [
            {"label": str(label), "values": account.attributes[name]}
            for name, label in _NAMES.items()
            if account.attributes.get(name)
        ],
        "source": _source(account, universities),
    }


def _source(account: Account, universities: Sequence[VouchingUniversity]) -> str:
    if account.invited:
        return str(_("Indiqués dans votre invitation."))
    if not universities:
        return ""
    name = universities[0].name
    if account.proved_at is None:
        return str(_("Transmis par %(name)s.", name=name))
    return str(_("Transmis par %(name)s le %(at)s.", name=name, at=format_date(account.proved_at, "long")))
