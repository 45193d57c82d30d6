"""The timeline of a journey or a person as the console tells it: what happened, and its details, in words.

What others said stands there as they said it: mail servers, and the reasons of whoever helped.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import LazyString, format_date, format_datetime
from flask_babel import lazy_gettext as _

from idp.domain.claims import claims_of_scopes
from idp.domain.helpdesk import TimelineEntry
from idp.web.claim_names import LABELS, claim_names
from idp.web.helpdesk_words import IDENTIFIERS, identifier_name
from idp.web.proof_cards import CONFIRMED_BY
from idp.web.recent_events import SENTENCES
from idp.web.sentences import field_sentence, sentence_for, sentence_key

_PARTS: dict[str, LazyString] = {
    "sign-in": _("Connexion"),
    "saml": _("Université"),
    "mail": _("Messagerie"),
    "oidc": _("Application"),
    "account": _("Compte"),
    "page": _("Pages"),
}
_EVENTS: dict[str, LazyString] = SENTENCES | {
    "account.address_moved": _("Adresse mail passée d’un autre compte à celui-ci"),
    "account.erased": _("Compte effacé"),
    "account.expired": _("Compte fermé à la fin de l’invitation"),
    "account.exported": _("Téléchargement de ses données"),
    "account.inactive_untold": _("Compte inutilisé : aucun message n’a pu partir, il reste ouvert"),
    "account.merge_offered": _("Réunion avec un autre compte proposée"),
    "authorization.answered": _("Retour à l’application, connexion réussie"),
    "authorization.cancelled": _("Connexion abandonnée par la personne"),
    # Of releases before December 2026, whose events are kept as long as all others.
    "authorization.waiting": _("Arrivée d’une application, connexion demandée"),
    "backup.made": _("Sauvegarde faite"),
    "backup.restored": _("Sauvegarde restaurée"),
    "consent.given": _("Accord donné à une application"),
    "federation.changed": _("Métadonnées de la fédération modifiées"),
    "federation.domain_refused": _("Domaine d’adresses appris, retiré à une université"),
    "grant.exchanged": _("L’application a pris ses jetons"),
    "grant.issued": _("Autorisation donnée à l’application"),
    "helpdesk.entered": _("Console ouverte"),
    "helpdesk.erased": _("Effacement demandé par l’assistance"),
    "helpdesk.exported": _("Copie de ses données faite par l’assistance"),
    "helpdesk.merged": _("Comptes réunis par l’assistance"),
    "helpdesk.searched": _("Recherche dans la console"),
    "helpdesk.unmerged": _("Comptes séparés par l’assistance"),
    "helpdesk.viewed": _("Fiche consultée dans la console"),
    "invitation.accepted": _("Invitation acceptée"),
    "invitation.changed": _("Invitation modifiée"),
    "invitation.made": _("Invitation faite"),
    "invitation.withdrawn": _("Invitation retirée"),
    "mail.accepted": _("Message accepté par le serveur de messagerie"),
    "mail.deferred": _("Message retardé par un serveur de messagerie"),
    "mail.expired": _("Message abandonné : trop tard pour servir"),
    "mail.queued": _("Message à envoyer"),
    "mail.refused": _("Message refusé par un serveur de messagerie"),
    "proofing.address_given": _("Adresse indiquée par la personne"),
    "proofing.code_wrong": _("Code de confirmation erroné"),
    "proofing.completed": _("Identité prouvée"),
    "proofing.confirmed": _("Adresse mail confirmée"),
    "proofing.denied": _("« Ce n’est pas moi » : preuve abandonnée"),
    "proofing.identity_conflict": _("L’identité annoncée ne correspond pas à ce qui était connu"),
    "proofing.link_followed": _("Lien du message ouvert"),
    "proofing.mail_limit": _("Aucun message de plus : cinq sont partis dans l’heure"),
    "proofing.no_university": _("Aucune université trouvée ou choisie"),
    "proofing.recorded": _("Preuve d’identité enregistrée"),
    "proofing.renewed": _("Identité prouvée de nouveau"),
    "proofing.started": _("Départ vers l’université"),
    "proofing.vouched": _("L’université a confirmé l’identité"),
    "request.refused": _("Refus"),
    "sign_in.address_refused": _("Adresse saisie refusée"),
    "sign_in.mail_limit": _("Aucun message de plus : cinq sont partis dans l’heure"),
    "sign_in.passkey_refused": _("Clé d’accès refusée"),
}
_LABELS: dict[str, LazyString] = {
    "aaguid": _("Modèle de clé d’accès"),
    "address": _("Adresse"),
    "by": _("Par"),
    "client_id": _("Application"),
    "confirmed_by": _("Adresse prouvée"),
    "detail": _("Détail technique"),
    "entity_id": _("Établissement (entityID)"),
    "found": _("Comptes trouvés"),
    "identifier": _("Identifiant"),
    "invitation": _("Invitation"),
    "kind": _("Objet"),
    "lines": _("Changements"),
    "contents": _("Contenu"),
    "made_at": _("Sauvegarde du"),
    "mailbox": _("Adresse"),
    "message": _("Identifiant du message"),
    "method": _("Moyen"),
    "name": _("Nom"),
    "operator": _("Par"),
    "other": _("Autre compte"),
    "owner": _("Autre compte"),
    "previous_account": _("Autre compte"),
    "problem": _("Lu par la personne"),
    "query": _("Recherche"),
    "reason": _("Motif"),
    "received": _("Attributs reçus"),
    "reply": _("Réponse du serveur"),
    "role": _("Fonction"),
    "scope": _("Données demandées"),
    "summary": _("Résumé"),
    "to": _("Destinataire"),
    "university": _("Université"),
    "until": _("Jusqu’au"),
}
_MAILS: dict[str, LazyString] = {
    "access_ended": _("déconnexion à distance"),
    "account_closed": _("compte fermé ou rouvert"),
    "account_unused": _("fermeture annoncée d’un compte inutilisé"),
    "accounts_merged": _("comptes réunis ou séparés"),
    "addresses_changed": _("adresses modifiées"),
    "any_method": _("mot de passe et code de nouveau acceptés"),
    "earlier_account": _("compte plus ancien à la même adresse"),
    "given_address": _("code pour l’adresse indiquée"),
    "invitation": _("invitation"),
    "new_address": _("code pour une nouvelle adresse"),
    "only_passkeys": _("clés d’accès seulement"),
    "passkey_added": _("clé d’accès ajoutée"),
    "passkey_needed": _("clé d’accès nécessaire"),
    "passkey_removed": _("clé d’accès retirée"),
    "passkey_suspected": _("clé d’accès copiée"),
    "password_changed": _("nouveau mot de passe"),
    "proofing": _("confirmation de l’adresse"),
    "sign_in_code": _("code de connexion"),
    "unknown_account": _("aucun compte à cette adresse"),
}
_VALUES: dict[str, dict[str, LazyString]] = {
    "by": {"person": _("la personne elle-même"), "inactivity": _("la règle des comptes inutilisés")},
    "client_id": {"own page": _("page du compte")},
    "confirmed_by": CONFIRMED_BY,
    "identifier": IDENTIFIERS,
    "kind": _MAILS | IDENTIFIERS | {"address": _("adresse mail")},
    "method": {"password": _("mot de passe"), "code": _("code reçu par mail"), "passkey": _("clé d’accès")},
}


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One thing that happened, in words. details: label and text."""

    at: str
    part: str
    what: str
    reference: str
    details: list[tuple[str, str]]


def story(entries: Iterable[TimelineEntry]) -> list[StoryLine]:
    """The timeline in the language of the page."""
    return [
        StoryLine(moment(entry.at), part_name(entry.part), event_name(entry.event), entry.reference, _details(entry))
        for entry in entries
    ]


def moment(at: datetime | None) -> str:
    """To the second, as it stands in the log of a mail server."""
    return str(format_datetime(at, "d MMM yyyy HH:mm:ss")) if at else "—"


def last_day(until: datetime) -> str:
    """The day that is over at this moment: what was said when somebody was invited."""
    return str(format_date(until - timedelta(seconds=1), "long"))


def part_name(part: str) -> str:
    """Where in the product something happened."""
    return str(_PARTS[part])


def event_name(event: str) -> str:
    """What happened; an event of another release stands there under its own name, never hidden."""
    return str(_EVENTS.get(event, event))


def _details(entry: TimelineEntry) -> list[tuple[str, str]]:
    told = [(str(_LABELS.get(name, name)), _value(entry, name, text)) for name, text in entry.details.items()]
    return [(label, text) for label, text in told if text]


def _value(entry: TimelineEntry, name: str, text: str) -> str:
    if name == "reason" and entry.event == "request.refused":
        return sentence_for(sentence_key(text, entry.details.get("detail", ""))).title
    if name == "problem":
        return _read_beside_the_field(text)
    if name == "until" and entry.event.startswith("invitation."):
        return last_day(datetime.fromisoformat(text))
    if name == "until":
        return moment(datetime.fromisoformat(text))
    if name == "scope":
        return _claims_in(text)
    if name == "received":
        return ", ".join(map(identifier_name, text.split()))
    return str(_VALUES.get(name, {}).get(text, text))


def _read_beside_the_field(problem: str) -> str:
    try:
        return field_sentence(problem)
    except KeyError:
        return problem


def _claims_in(scope: str) -> str:
    """What these scopes hold (OpenID Connect Core section 5.4), as far as it means something to people."""
    return ", ".join(claim_names(claims_of_scopes(scope.split()) & LABELS.keys()))
