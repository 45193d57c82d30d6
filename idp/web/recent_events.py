"""The audit trail's events as plain sentences for the person whom they are about."""

from collections.abc import Iterable

from flask_babel import LazyString, format_datetime
from flask_babel import lazy_gettext as _

from idp.flows.recent_events import Happening

SENTENCES: dict[str, LazyString] = {
    "sign_in.succeeded": _("Connexion"),
    "sign_in.failed": _("Connexion refusée"),
    "account.password_changed": _("Nouveau mot de passe"),
    "account.signed_out_everywhere": _("Déconnexion de tous les appareils"),
    "session.ended": _("Autre appareil déconnecté"),
    "account.application_withdrawn": _("Accès retiré à une application"),
    "account.address_added": _("Adresse mail ajoutée"),
    "account.address_primary": _("Autre adresse mail principale"),
    "account.address_removed": _("Adresse mail retirée"),
    "account.exported": _("Téléchargement de vos données"),
    "account.closed": _("Compte fermé"),
    "account.reopened": _("Compte rouvert"),
    "account.inactive": _("Compte inutilisé : fermeture annoncée par mail"),
    "account.inactive_over": _("Fermeture pour inutilisation abandonnée"),
    "account.merged": _("Réunion avec un autre compte"),
    "account.parted": _("Séparation d’avec un autre compte"),
    "account.merge_refused": _("Réunion avec un autre compte refusée : mot de passe incorrect"),
    "proofing.completed": _("Identité confirmée par votre université"),
    "proofing.renewed": _("Appartenance confirmée par votre université"),
    "device.approved": _("Appareil autorisé"),
    "device.denied": _("Appareil refusé"),
    "account.passkey_added": _("Clé d’accès ajoutée"),
    "account.passkey_removed": _("Clé d’accès retirée"),
    "account.only_passkeys": _("Connexion par clé d’accès seulement"),
    "account.any_method": _("Connexion par mot de passe et par code de nouveau acceptée"),
    "helpdesk.password_allowed": _("Connexion par mot de passe et par code rendue par l’assistance"),
    "helpdesk.given_back": _("Compte rendu à son adresse par l’assistance"),
    "sign_in.passkey": _("Connexion par clé d’accès"),
    "helpdesk.unlinked": _("Identifiant d’université retiré par l’assistance"),
    "helpdesk.unlocked": _("Essais de connexion rendus par l’assistance"),
}
_METHODS: dict[str, LazyString] = {
    "password": _("Connexion par mot de passe"),
    "code": _("Connexion par un code reçu par mail"),
}
TOLD = frozenset(SENTENCES)


def event_lines(events: Iterable[Happening]) -> list[dict[str, str]]:
    """One line for each event: when, and what."""
    return [{"at": format_datetime(event.at, "d MMMM yyyy HH:mm"), "what": _sentence(event)} for event in events]


def _sentence(event: Happening) -> str:
    by_method = _METHODS.get(event.method) if event.name == "sign_in.succeeded" else None
    return str(by_method or SENTENCES[event.name])
