"""What the console calls the things that the product knows by a name of its own: in words, never by that name."""

from collections.abc import Iterable

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from idp.domain.claims import INVITED, UNIVERSITY
from idp.domain.helpdesk import INVITATION, LimitInForce
from idp.domain.sessions import AMR_CODE, AMR_HARDWARE_KEY, AMR_PASSWORD, AMR_PRESENCE, AMR_SOFTWARE_KEY

_ACCOUNTS: dict[str, LazyString] = {
    UNIVERSITY: _("compte d’université"),
    INVITED: _("compte sur invitation"),
    INVITATION: _("invitation pas encore acceptée"),
}
_PASSKEY = _("clé d’accès")
# A passkey is told as two authentication method references (RFC 8176), which are one thing to people.
_METHODS: dict[str, LazyString] = {
    AMR_PASSWORD: _("mot de passe"),
    AMR_CODE: _("code reçu par mail"),
    AMR_HARDWARE_KEY: _PASSKEY,
    AMR_SOFTWARE_KEY: _PASSKEY,
    AMR_PRESENCE: _PASSKEY,
}
# SAML Subject Identifier Attributes Profile 1.0; eduPerson 202208.
IDENTIFIERS: dict[str, LazyString] = {
    "subject-id": _("identifiant durable"),
    "pairwise-id": _("identifiant durable réservé à ce service"),
    "eppn": _("identifiant dans l’établissement"),
    "targeted-id": _("ancien identifiant réservé à ce service"),
}
_LIMITS: dict[str, LazyString] = {
    "password": _("essais du mot de passe"),
    "code": _("essais du code"),
    "all": _("essais en tout"),
    "mails": _("messages vers %(address)s"),
    "proof": _("essais du code de confirmation de %(address)s"),
}


def account_name(kind: str) -> str:
    """How an account came about, e.g. « compte d’université »."""
    return str(_ACCOUNTS[kind])


def identifier_name(kind: str) -> str:
    """What a university calls a person by, e.g. « identifiant dans l’établissement »."""
    return str(IDENTIFIERS.get(kind, kind))


def method_names(methods: Iterable[str]) -> str:
    """With what somebody signed in (RFC 8176), e.g. « mot de passe, code reçu par mail »."""
    return ", ".join(dict.fromkeys(str(_METHODS.get(method, method)) for method in methods))


def limit_name(limit: LimitInForce) -> str:
    """What of a person's is used up for the moment, e.g. « essais du mot de passe »."""
    return str(_LIMITS[limit.kind]) % {"address": limit.address}
