"""Every hosted page: what the contract promises, and what keyboards, screen readers and password managers need."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import flask
import pytest
from flask_babel import Babel
from lxml import html

from idp.domain.helpdesk import PersonLine
from idp.flows.device import WaitingDevice
from idp.web.delivery import MailNews
from idp.web.helpdesk_story import StoryLine
from idp.web.information import Statement
from idp.web.sentences import Sentence
from idp.web.university_help import ReadyMessage

WEB = Path(__file__).parents[2] / "idp" / "web"
LANGUAGES = ("fr", "en")
UNIVERSITY = "Université d’Exemple-sur-Vienne"
ADDRESS = "camille.durand@etu.univ-exemple.fr"


@dataclass(frozen=True)
class Choice:
    entity_id: str
    name: str
    domain: str


CHOICES = [
    Choice("https://idp.univ-exemple.fr/shibboleth", UNIVERSITY, "univ-exemple.fr"),
    Choice("https://idp.ecole-exemple.fr/saml", "École d’Exemple <b>Santé</b>", "ecole-exemple.fr"),
    Choice("https://idp.loin.example/saml", "Institut national polytechnique du Grand Exemple et des Îles", ""),
]
MAILBOX = {
    "address": ADDRESS,
    "university": UNIVERSITY,
    "person": "Camille Durand",
    "action": "/confirm",
    "resend_action": "/resend",
    "restart_url": "/restart",
    "resent": False,
}
SIGN_IN = {
    "address": ADDRESS,
    "change_url": "/email",
    "password_action": "/password",
    "code_action": "/code/ask",
    "continue_action": "/university",
    "choose_url": "/choose",
    "university": UNIVERSITY,
    "university_help_url": "https://aide.univ-exemple.fr/",
    "throttled": False,
}
# Asked for on the page of the account: no application waits.
NEW_ADDRESS = {"action": "/account/addresses/new", "email": "", "back_url": "/account", "client_name": None}
NEW_ADDRESS_CODE = {
    "client_name": None,
    "address": "camille@agence-de-sante.example",
    "action": "/account/addresses/code/c",
    "resend_action": "/account/addresses/new",
    "hidden_fields": (("email", "camille@agence-de-sante.example"), ("again", "yes")),
    "back_url": "/account",
    "minutes": 10,
    "is_used_up": False,
    "resent": False,
    "delivery": MailNews("Le message est en route depuis 10:00:05.", True),
}
MERGE = {
    "client_name": None,
    "address": "camille@agence-de-sante.example",
    "own_address": ADDRESS,
    "needs_password": True,
    "days": 30,
    "action": "/account/merge/m",
    "back_url": "/account",
}
CLOSED = {"days": 30, "account_url": "/account", "client_name": None}
CLOSE = {
    "client_name": None,
    "address": ADDRESS,
    "days": 30,
    "log_days": 365,
    "action": "/account/close",
    "export_url": "/account/export.json",
    "back_url": "/account",
}
FOUND = PersonLine("camille", "Camille Durand", ADDRESS, "university", disabled=True)
STORY = [
    StoryLine("24 nov. 2026", "Messagerie", "Message accepté", "K7QM-2XWD", [("Réponse du serveur", "250 2.0.0 Ok")])
]
SHEET = {
    "operator": "alex@exemple.fr",
    "sheet": {"name": "Camille Durand", "addresses": [ADDRESS]},
    "facts": [("Adresses", [ADDRESS])],
    "story": STORY,
    "acts": [("Lever les limites", "/u"), ("Effacer la personne", "/e")],
    "search_url": "/s",
}
ACT = {
    "title": "Retirer un identifiant d’université",
    "explanation": "Cet identifiant ne mène plus à personne.",
    "person": "Camille Durand",
    "action": "/a",
    "back_url": "/p",
    "fields": [("reason", "Motif", "Il est gardé dans le journal.", True)],
    "choice": {"name": "identity", "label": "L’identifiant à retirer"},
    "choices": ("cdurand@univ-exemple.fr", "autre@univ-exemple.fr"),
    "values": {},
    "button": "Retirer",
    "errors": {},
}
CODE = {"address": ADDRESS, "action": "/code", "resend_action": "/code/ask", "back_url": "/sign-in", "minutes": 10}
CHOOSE = {
    "search_url": "/choose",
    "action": "/university",
    "q": "",
    "results": [],
    "searched": False,
    "from_address": False,
    "back_url": "/sign-in",
    "hidden_fields": [("journey", "j1")],
}
CONSENT = {
    "person": ADDRESS,
    "data": [("Nom", ["Camille <b>Durand</b>"]), ("Statut dans l’établissement", ["Étudiant ou étudiante", "Membre"])],
    "is_offline": False,
    "client_uri": "",
    "goes_to": "",
    "allow_action": "/consent",
    "refuse_action": "/cancel",
}
ERROR = {
    "title": "Réponse arrivée trop tard",
    "sentence": "La réponse de votre université n’était déjà plus valable en arrivant ici.",
    "advice": "Recommencez : il suffit en général d’un second essai.",
    "restart_url": "/restart",
    "reference": "7F3K-9Q2M",
    "date": "23 novembre 2026 à 19:05",
}
PERSON = {
    "university": UNIVERSITY,
    "person": "Camille <b>Durand</b>",
    "typed": "camille@autre.fr",
    "leads_elsewhere": True,
    "signed_in_as": None,
    "hidden_fields": [("proofing", "p1")],
    "not_me_action": "/not-me",
    "deny_action": None,
}
GIVE_ADDRESS = PERSON | {
    "email": "",
    "domains": ("univ-exemple.fr", "etu-exemple.fr"),
    "has_more_domains": False,
    "action": "/university-address",
}
ERROR_AT_UNIVERSITY = {
    "university": "Université <b>d’Exemple</b>",
    "university_help_url": "https://aide.univ-exemple.fr/",
    "error_url": "https://www.univ-exemple.fr/erreur?code=OTHER_ERROR&tid=7F3K",
    "methods_url": "/methods",
    "choose_url": "/university",
    "message": ReadyMessage("Attributs SAML", "Bonjour,\nil manque <mail>.\n", "Hello,\n<mail> is missing.\n"),
}
ACCOUNT: dict[str, Any] = {
    "person": "Camille Durand",
    "addresses": [ADDRESS, "camille@exemple.org"],
    "universities": [
        {
            "name": UNIVERSITY,
            "identifiers": ("cdurand@univ-exemple.fr",),
            "proved_at": "2 septembre 2026",
            "affiliations": [
                {"name": "Étudiant ou étudiante", "until": "31 octobre 2027", "counts": True},
                {"name": "Employé ou employée", "until": "2 octobre 2026", "counts": False},
            ],
            "records": [{"title": "2 septembre 2026", "lines": [("Données utilisées", "<b>displayName</b>")]}],
        },
        {"name": "Ailleurs", "identifiers": (), "proved_at": None, "affiliations": [], "records": []},
    ],
    "is_out_of_date": True,
    "confirm_action": "/account/affiliation",
    "export_url": "/account/export.json",
    "password_changed_at": "2 septembre 2026",
    "password_url": "/account/password",
    "passkeys": {
        "list": [
            {
                "id": "k1",
                "name": "Téléphone <b>bleu</b>",
                "since": "2 septembre 2026",
                "used": None,
                "is_synced": True,
                "is_suspected": True,
            }
        ],
        "manage_url": "/account/passkeys",
        "is_offered": True,
        "later_action": "/account/passkeys/not-now",
    },
    "names": {
        "list": [{"label": "Nom affiché", "values": ("Camille <b>Durand</b>",)}],
        "source": "Transmis par Université <b>d’Exemple</b> le 2 septembre 2026.",
    },
    "applications": [
        {
            "client_id": "portail",
            "name": "Portail <b>des études</b>",
            "since": "2 septembre 2026",
            "received": ["Nom", "Adresse mail"],
            "agreed_at": "1 septembre 2026",
            "reads_until": "1 décembre 2026",
        },
        {"client_id": "sondage", "name": "Sondage", "since": "1 septembre 2026", "received": []},
    ],
    "withdraw_action": "/account/withdraw",
    "sessions": [
        {
            "sid": "s1",
            "device": "Firefox sur Windows",
            "since": "2 septembre 2026 19:05",
            "is_by_code": False,
            "is_here": True,
        },
        {
            "sid": "s2",
            "device": "Safari sur iPhone",
            "since": "1 septembre 2026 08:00",
            "is_by_code": True,
            "is_here": False,
        },
    ],
    "end_session_action": "/account/sessions/end",
    "sign_out_action": "/sign-out",
    "sign_out_everywhere_action": "/sign-out/everywhere",
}

END_ACCESS = {"action": "/end", "button": "Fermer", "hidden_fields": [("sid", "s2")], "back_url": "/account"}
PASSKEY = {"action": "/passkey", "options": '{"challenge": "YQ"}', "challenge": "a"}
ONLY = {
    "is_chosen": False,
    "missing": None,
    "has_university": True,
    "only_action": "/passkeys/only",
    "any_method_action": "/passkeys/any-method",
}
PASSKEYS = {
    "passkeys": ACCOUNT["passkeys"]["list"],
    "action": "/passkeys",
    "rename_action": "/rename",
    "remove_action": "/remove",
    "account_url": "/account",
    "options": "{}",
    "accepted": '[{"rpId": "localhost", "userId": "YQ", "allAcceptedCredentialIds": []}]',
    "challenge": "a",
    "longest_name": 60,
    "only": ONLY,
}

# page: (template, context beyond the one that all pages get)
PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "email": ("email.html", {"action": "/email", "email": ""}),
    "email-passkey": ("email.html", {"action": "/email", "email": "", "passkey": PASSKEY}),
    "email-suggestion": (
        "email.html",
        {"action": "/email", "email": "camille@etu.univ-exmeple.fr", "suggestion": "camille@etu.univ-exemple.fr"},
    ),
    "email-suggestion-error": (
        "email.html",
        {
            "action": "/email",
            "email": "camille;durand@etu.univ-exemple.fr",
            "suggestion": "camille.durand@etu.univ-exemple.fr",
            "errors": {"email": "Cette adresse est incomplète ou contient une faute."},
        },
    ),
    "email-error": (
        "email.html",
        {"action": "/email", "email": 'camille"@', "errors": {"email": "Cette adresse est incomplète."}},
    ),
    "email-remembered": (
        "email.html",
        {
            "action": "/email",
            "email": "",
            "remembered": ADDRESS,
            "remembered_action": "/email/remembered",
            "not_me_action": "/email/forget",
        },
    ),
    "sign-in": ("sign_in.html", SIGN_IN),
    "sign-in-shared": ("sign_in.html", SIGN_IN | {"is_shared": True}),
    "email-for-an-application": ("email.html", {"action": "/email", "email": "", "cancel_action": "/cancel"}),
    "sign-in-for-an-application": ("sign_in.html", SIGN_IN | {"cancel_action": "/cancel"}),
    "sign-in-proven-elsewhere": ("sign_in.html", SIGN_IN | {"is_proven_elsewhere": True}),
    "sign-in-unknown-university": ("sign_in.html", SIGN_IN | {"university": None}),
    "sign-in-error": (
        "sign_in.html",
        SIGN_IN | {"throttled": True, "errors": {"password": "Adresse ou mot de passe incorrect."}},
    ),
    "code": ("code.html", CODE | {"waits_until": "19:45"}),
    "code-for-a-new-password": ("code.html", CODE | {"renews_password": True}),
    "code-resent": ("code.html", CODE | {"resent": True}),
    "code-on-its-way": ("code.html", CODE | {"delivery": MailNews("Le message est en route depuis 10:00:05.", True)}),
    "code-accepted": (
        "code.html",
        CODE | {"delivery": MailNews("Le serveur de messagerie a accepté le message à 10:00:07.", False)},
    ),
    "code-error": ("code.html", CODE | {"errors": {"code": "Ce n’est pas le code attendu."}}),
    "choose-university": ("choose_university.html", CHOOSE),
    "choose-university-results": (
        "choose_university.html",
        CHOOSE | {"q": "exemple", "searched": True, "results": CHOICES},
    ),
    "choose-university-cut": (
        "choose_university.html",
        CHOOSE | {"q": "exemple", "searched": True, "is_cut": True, "results": CHOICES},
    ),
    "choose-university-again": (
        "choose_university.html",
        CHOOSE | {"last": CHOICES[1], "forget_action": "/forget", "suggestions_url": "/universities.json?language=fr"},
    ),
    "choose-university-personal": ("choose_university.html", CHOOSE | {"is_personal": True, "help_url": ""}),
    "choose-university-error": (
        "choose_university.html",
        CHOOSE | {"q": "<exmple>", "searched": True, "errors": {"q": "Aucun établissement trouvé."}},
    ),
    "choose-university-from-address": (
        "choose_university.html",
        CHOOSE | {"from_address": True, "results": CHOICES[:2]},
    ),
    "leave-for-university": (
        "leave_for_university.html",
        {
            "action": "https://idp.univ-exemple.fr/sso",
            "fields": [("SAMLRequest", "PHNhbWw+")],
            "university": UNIVERSITY,
        },
    ),
    "form-post": (
        "form_post.html",
        {"action": "https://portail.exemple.fr/callback", "fields": [("code", "abc"), ("state", '"><b>')]},
    ),
    "sent-on": ("sent_on.html", {"action": "/authorize", "fields": [("client_id", "portail"), ("state", '"><b>')]}),
    "consent": ("consent.html", CONSENT),
    "consent-offline": ("consent.html", CONSENT | {"is_offline": True, "client_uri": "https://portail.exemple.fr/"}),
    "consent-own-name": ("consent.html", CONSENT | {"goes_to": "portail.exemple.fr"}),
    "choose-university-required": (
        "choose_university.html",
        CHOOSE | {"from_address": True, "is_required": True, "results": CHOICES[:1]},
    ),
    "helpdesk": ("helpdesk/search.html", {"operator": "alex@exemple.fr", "action": "/s", "invite_url": "/i"}),
    "helpdesk-found": (
        "helpdesk/search.html",
        {
            "operator": "alex@exemple.fr",
            "action": "/s",
            "invite_url": "/i",
            "query": "durand",
            "found": [(FOUND, "compte d’université", "/p")],
            "story": STORY,
        },
    ),
    "helpdesk-person": ("helpdesk/person.html", SHEET),
    "helpdesk-act": ("helpdesk/act.html", ACT),
    "helpdesk-act-error": (
        "helpdesk/act.html",
        ACT | {"errors": {"identity": "Choisissez dans la liste.", "reason": "Indiquez le motif."}},
    ),
    "check-mailbox": ("check_mailbox.html", MAILBOX),
    "check-mailbox-other-address": (
        "check_mailbox.html",
        MAILBOX
        | {"typed": "c.durand@etu.univ-exemple.fr", "choose_url": "/university", "deny_action": "/not-me/again"},
    ),
    "check-mailbox-given-address": ("check_mailbox.html", MAILBOX | {"is_given": True}),
    "other-person": ("other_person.html", PERSON | {"address": ADDRESS, "action": "/person"}),
    "other-person-signed-in": (
        "other_person.html",
        PERSON | {"address": ADDRESS, "action": "/person", "person": None, "typed": None, "signed_in_as": "a@autre.fr"},
    ),
    "other-person-other-name": (
        "other_person.html",
        PERSON | {"address": ADDRESS, "action": "/person", "leads_elsewhere": False, "deny_action": "/not-me/again"},
    ),
    "give-address": ("give_address.html", GIVE_ADDRESS),
    "give-address-error": (
        "give_address.html",
        GIVE_ADDRESS | {"person": None, "has_more_domains": True, "errors": {"email": "Cette adresse est incomplète."}},
    ),
    "check-mailbox-error": (
        "check_mailbox.html",
        MAILBOX | {"person": None, "resent": True, "errors": {"code": "Ce code n’est plus valable."}},
    ),
    "confirm-link": (
        "confirm_link.html",
        {"address": ADDRESS, "university": UNIVERSITY, "person": "Camille Durand", "action": "/link"},
    ),
    "new-password": (
        "new_password.html",
        {"address": ADDRESS, "action": "/password", "minimum_length": 12, "names": ["camille"]},
    ),
    "new-password-earlier-account": (
        "new_password.html",
        {
            "address": ADDRESS,
            "action": "/password",
            "minimum_length": 12,
            "has_earlier_account": True,
            "university": UNIVERSITY,
            "journey_reference": "7F3K-2M9Q",
        },
    ),
    "new-password-error": (
        "new_password.html",
        {
            "address": ADDRESS,
            "action": "/password",
            "minimum_length": 12,
            "client_name": None,
            "errors": {"password": "Ajoutez des caractères.", "form": "Rien n’a été enregistré."},
        },
    ),
    "new-password-or-later": (
        "new_password.html",
        {"address": ADDRESS, "action": "/password", "later_action": "/later", "minimum_length": 12},
    ),
    "new-password-taking-back": (
        "new_password.html",
        {
            "address": ADDRESS,
            "action": "/password",
            "minimum_length": 12,
            "merged_accounts": ("camille@agence.example",),
            "ways_in": [
                {"name": "not-mine-1", "value": "a@exemple.org", "label": "a@exemple.org", "is_ticked": True},
                {
                    "name": "not-mine-2",
                    "value": "id",
                    "label": "Clé d’accès «\u00a0Téléphone\u00a0»",
                    "is_ticked": False,
                },
            ],
        },
    ),
    "account": ("account.html", ACCOUNT),
    "account-removed": ("account.html", ACCOUNT | {"is_removed": True}),
    "account-by-code": ("account.html", ACCOUNT | {"is_by_code": True}),
    "account-new": ("account.html", ACCOUNT | {"universities": [], "password_changed_at": None}),
    "end-access-application": (
        "end_access.html",
        END_ACCESS | {"what": "application", "application": ACCOUNT["applications"][0]},
    ),
    "end-access-session": ("end_access.html", END_ACCESS | {"what": "session", "session": ACCOUNT["sessions"][1]}),
    "end-access-everywhere": ("end_access.html", END_ACCESS | {"what": "everywhere", "hidden_fields": []}),
    "sign-out": ("sign_out.html", {"action": "/sign-out", "hidden_fields": [("state", "s")], "back_url": "/account"}),
    "signed-out": ("signed_out.html", {"client_uri": "https://portail.exemple.fr/"}),
    "new-address": ("new_address.html", NEW_ADDRESS),
    "new-address-error": (
        "new_address.html",
        NEW_ADDRESS | {"email": "camille@agence", "errors": {"email": "Cette adresse n’est pas complète."}},
    ),
    "new-address-code": ("new_address_code.html", NEW_ADDRESS_CODE),
    "new-address-code-resent": ("new_address_code.html", NEW_ADDRESS_CODE | {"resent": True}),
    "new-address-code-not-sent": (
        "new_address_code.html",
        NEW_ADDRESS_CODE | {"errors": {"form": "Plusieurs messages sont déjà partis : patientez une heure."}},
    ),
    "new-address-code-error": (
        "new_address_code.html",
        NEW_ADDRESS_CODE | {"errors": {"code": "Ce n’est pas le code attendu."}},
    ),
    "new-address-code-used-up-error": (
        "new_address_code.html",
        NEW_ADDRESS_CODE | {"is_used_up": True, "errors": {"code": "Trop d’essais avec ce code."}},
    ),
    "new-address-code-used-up": (
        "new_address_code.html",
        NEW_ADDRESS_CODE | {"is_used_up": True, "errors": {"form": "Trop d’essais avec ce code."}},
    ),
    "merge-accounts": ("merge_accounts.html", MERGE),
    "merge-accounts-without-password": ("merge_accounts.html", MERGE | {"needs_password": False}),
    "merge-accounts-error": (
        "merge_accounts.html",
        MERGE | {"errors": {"password": "Ce n’est pas le mot de passe de l’autre compte."}},
    ),
    "merge-accounts-changed": (
        "merge_accounts.html",
        MERGE | {"errors": {"form": "L’un des deux comptes a changé entre-temps."}},
    ),
    "close-account": ("close_account.html", CLOSE),
    "close-account-for-a-day": ("close_account.html", CLOSE | {"days": 1}),
    "close-account-at-once": ("close_account.html", CLOSE | {"days": 0}),
    "account-closed": ("account_closed.html", CLOSED),
    "account-closed-for-a-day": ("account_closed.html", CLOSED | {"days": 1}),
    "account-closed-at-once": ("account_closed.html", CLOSED | {"days": 0}),
    "reopen-account": (
        "reopen_account.html",
        {
            "address": ADDRESS,
            "until": "31 octobre 2026",
            "action": "/reopen",
            "sign_out_action": "/sign-out",
            "waits_until": "19:45",
        },
    ),
    "reopen-account-of-the-account-page": (
        "reopen_account.html",
        {
            "address": ADDRESS,
            "until": "31 octobre 2026",
            "action": "/reopen",
            "sign_out_action": "/sign-out",
            "client_name": None,
        },
    ),
    "passkey": ("passkey.html", {"passkey": PASSKEY, "is_required": True, "add_url": "/add", "cancel_action": "/no"}),
    "passkey-refused": (
        "passkey.html",
        {"passkey": PASSKEY, "address_url": "/address", "errors": {"form": "Cette clé d’accès n’est pas connue ici."}},
    ),
    "confirmation-offer": (
        "confirmation_offer.html",
        {
            "university": UNIVERSITY,
            "since": "31 octobre 2026",
            "put_off_days": 30,
            "action": "/affiliation",
            "later_action": "/affiliation/later",
        },
    ),
    "passkey-offer": (
        "passkey_offer.html",
        {"action": "/offer", "later_action": "/later", "options": "{}", "challenge": "c", "client_name": "Portail"},
    ),
    "passkeys": ("passkeys.html", PASSKEYS),
    "passkeys-alone": ("passkeys.html", PASSKEYS | {"only": ONLY | {"is_chosen": True}}),
    "passkeys-not-alone-yet": (
        "passkeys.html",
        PASSKEYS | {"only": ONLY | {"has_university": False, "missing": "Ajoutez d’abord une seconde clé d’accès."}},
    ),
    "device": ("device.html", {"typed": "", "action": "/device"}),
    "device-error": (
        "device.html",
        {"typed": 'WDJB"', "action": "/device", "errors": {"user_code": "Aucun appareil n’attend avec ce code."}},
    ),
    "device-confirm": (
        "device_confirm.html",
        {
            "device": WaitingDevice("WDJB-MJHT", "Télé du hall", ADDRESS, {}, is_offline=True),
            "data": [("Adresse mail", [ADDRESS])],
            "allow_action": "/device/approve",
            "refuse_action": "/device/deny",
        },
    ),
    "device-done": ("device_done.html", {"is_approved": True}),
    "device-done-refused": ("device_done.html", {"is_approved": False}),
    "signed-out-nowhere": ("signed_out.html", {"client_uri": None, "client_name": None}),
    "signed-out-partly": (
        "signed_out.html",
        {
            "client_uri": None,
            "university": UNIVERSITY,
            "untold": ["Ma bibliothèque", "École d’Exemple <b>Santé</b>"],
            "frames": ["https://portail.exemple.fr/logout?iss=x&sid=y"],
        },
    ),
    "accessibility": (
        "accessibility.html",
        {
            "statement": Statement(
                "partial",
                "Université",
                "Cabinet",
                "12 janvier 2027",
                "accessibilite-numerique@universite-exemple.fr",
                "Le <b>logo</b>.",
            )
        },
    ),
    "error": ("error.html", ERROR),
    "error-at-university": ("error.html", ERROR | ERROR_AT_UNIVERSITY),
    "error-in-both-languages": (
        "error.html",
        ERROR
        | {
            "other_lang": "en",
            "other": Sentence(
                "The time is up", "This sign-in has already ended.", "Start again from your application."
            ),
        },
    ),
    "error-bare": ("error.html", ERROR | {"advice": None, "restart_url": None, "help_url": None}),
}

# data-step: names that its forms post (beside csrf_token) and words on its buttons, as CONTRACT.md has them
CONTRACT = {
    "email": ({"email"}, ["Se connecter"]),
    "sign-in": ({"password"}, ["Se connecter", "Recevoir le code", "Continuer"]),
    "code": ({"code"}, ["Se connecter", "Renvoyer le code"]),
    "choose-university-results": ({"q", "entity_id"}, ["Sélection", "Sélection", "Sélection"]),
    "leave-for-university": (set(), ["Continuer"]),
    "form-post": ({"code", "state"}, ["Continuer"]),
    "consent": (set(), ["Autoriser", "Refuser"]),
    "check-mailbox": ({"code"}, ["Continuer", "Renvoyer le code"]),
    "other-person": ({"proofing"}, ["C’est moi, continuer", "Choisir une autre université"]),
    "give-address": ({"email", "proofing"}, ["Recevoir le code", "Choisir une autre université"]),
    "confirm-link": (set(), ["Confirmer mon adresse"]),
    "new-password": ({"password"}, ["Créer"]),
    "account": (set(), ["Se déconnecter"]),
    "sign-out": (set(), ["Se déconnecter"]),
    "signed-out": (set(), []),
    "error": (set(), []),
}

AUTOCOMPLETE = {
    ("email", "email"): "username webauthn",
    ("sign-in", "password"): "current-password",
    ("new-password", "password"): "new-password",
    ("code", "code"): "one-time-code",
    ("check-mailbox", "code"): "one-time-code",
    ("give-address", "email"): "email",
    ("new-address", "email"): "email",
    ("new-address-code", "code"): "one-time-code",
    ("merge-accounts", "password"): "current-password",
}


def page_app() -> flask.Flask:
    """A bare application that knows nothing but the templates, the static files and the translations."""
    app = flask.Flask(__name__, template_folder=str(WEB / "templates"), static_folder=str(WEB / "static"))
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(WEB.parent / "translations")
    Babel(app, locale_selector=lambda: flask.request.args.get("lang", "fr"), default_locale="fr")
    return app


@cache
def shared_page_app() -> flask.Flask:
    """One for all who only render: each would compile every template anew."""
    return page_app()


def context_for(page: str, language: str) -> tuple[str, dict[str, Any]]:
    """The template of a page and a whole context for it."""
    template, own = PAGES[page]
    common: dict[str, Any] = {
        "lang": language,
        "service_name": "Compte Exemple Santé",
        "csrf_token": "c" * 43,
        "client_name": "Portail des formations",
        "reference": None,
        "help_url": "https://aide.exemple.fr/",
        "privacy_url": "https://www.exemple.fr/donnees-personnelles",
        "errors": {},
        "language_links": [
            (code, label, f"?lang={code}", code == language) for code, label in (("fr", "Français"), ("en", "English"))
        ],
    }
    return template, common | own


def render(page: str, language: str = "fr") -> Any:
    """The page as an lxml tree."""
    template, context = context_for(page, language)
    with shared_page_app().test_request_context(f"/?lang={language}"):
        return html.document_fromstring(flask.render_template(template, **context))


every_page = pytest.mark.parametrize("page", PAGES)
every_language = pytest.mark.parametrize("language", LANGUAGES)


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


@every_language
@every_page
def test_a_page_names_its_language_title_step_and_one_heading(page: str, language: str) -> None:
    tree = render(page, language)
    assert tree.get("lang") == language
    assert len(tree.findall(".//h1")) == 1
    assert words(tree.find(".//h1"))
    assert words(tree.find(".//title")).endswith("– Compte Exemple Santé")
    (main,) = tree.findall(".//main")
    assert page.startswith(main.get("data-step"))


@every_language
@every_page
def test_every_visible_field_has_a_label_and_its_name_as_id(page: str, language: str) -> None:
    tree = render(page, language)
    for field in tree.xpath("//input[not(@type='hidden')][not(@hidden)]|//select|//textarea"):
        assert field.get("id") == field.get("name")
        (label,) = tree.xpath("//label[@for=$id]", id=field.get("id"))
        assert words(label)


def test_every_page_is_tested_here() -> None:
    folder = WEB / "templates"
    pages = {
        str(file.relative_to(folder)) for file in folder.rglob("*.html") if "{% extends" in file.read_text("utf-8")
    }
    lost = pages - {template for template, _ in PAGES.values()}
    assert not lost, f"give these an entry in PAGES: {sorted(lost)}"


def test_no_two_pages_have_the_same_title() -> None:
    titles: dict[str, set[str]] = {}
    for page, (template, _) in PAGES.items():
        titles.setdefault(words(render(page).find(".//title")).removeprefix("Erreur : "), set()).add(template)
    assert {title: pages for title, pages in titles.items() if len(pages) > 1} == {}


@every_page
def test_a_page_has_unique_ids_and_points_only_at_ids_that_exist(page: str) -> None:
    tree = render(page)
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    pointed = [name for names in tree.xpath("//@aria-describedby|//@aria-labelledby") for name in names.split()]
    pointed += [href[1:] for href in tree.xpath("//a/@href") if href.startswith("#")]
    assert set(pointed) <= set(ids) | {"form"}


@every_page
def test_what_a_field_wants_is_said_before_it(page: str) -> None:
    """Who reads from top to bottom, or through a magnifier, comes by it before typing."""
    for field in render(page).xpath("//main//input[@aria-describedby]"):
        for described in field.get("aria-describedby").split():
            assert field.xpath("preceding::*[@id=$id]", id=described), described


@every_page
def test_a_page_satisfies_a_policy_without_inline_script_or_style(page: str) -> None:
    tree = render(page)
    assert not tree.xpath("//@style|//style|//script[not(@src)]")
    assert not [name for element in tree.iter("*") for name in element.attrib if name.startswith("on")]
    for address in tree.xpath("//script/@src|//link/@href|//img/@src"):
        assert address.startswith("/static/")


@every_page
def test_every_form_but_the_one_to_the_university_carries_the_csrf_token(page: str) -> None:
    for form in render(page).xpath("//form[@method='post']"):
        # The authorization endpoint takes what any application posts.
        leaving = form.get("action").startswith("https://") or form.get("action") == "/authorize"
        assert form.xpath("count(.//input[@name='csrf_token'])") == (0 if leaving else 1)


@every_page
def test_a_search_that_stays_in_the_address_bar_carries_no_csrf_token(page: str) -> None:
    assert not render(page).xpath("//form[@method='get']//input[@name='csrf_token']")


@pytest.mark.parametrize("page", CONTRACT)
def test_the_contracts_fields_and_buttons_are_there(page: str) -> None:
    tree = render(page)
    fields, buttons = CONTRACT[page]
    assert fields <= set(tree.xpath("//form//*[self::input or self::button]/@name"))
    shown = [words(button) for button in tree.findall(".//button")]
    assert [button for button in shown if button in buttons] == buttons


@pytest.mark.parametrize("page", ["sign-in", "sign-in-unknown-university"])
def test_the_three_ways_to_sign_in_are_three_forms(page: str) -> None:
    forms = render(page).findall(".//form")
    assert [words(form.find(".//button")) for form in forms] == ["Se connecter", "Recevoir le code", "Continuer"]


@pytest.mark.parametrize(("page", "field"), AUTOCOMPLETE)
def test_fields_tell_password_managers_and_phones_what_they_are(page: str, field: str) -> None:
    (element,) = render(page).xpath("//input[@name=$name]", name=field)
    assert element.get("autocomplete") == AUTOCOMPLETE[page, field]


@pytest.mark.parametrize("page", ["sign-in", "new-password", "merge-accounts"])
def test_a_password_stands_beside_the_name_of_its_account(page: str) -> None:
    (name,) = render(page).xpath("//form[.//input[@type='password']]//input[@autocomplete='username']")
    assert name.get("value") == context_for(page, "fr")[1]["address"]
    assert name.get("name") is None, "it must not be posted"


def test_only_an_address_that_may_be_right_can_be_kept() -> None:
    assert "Si la vôtre était juste" in words(render("email-suggestion"))
    assert "Si la vôtre était juste" not in words(render("email-suggestion-error"))


@pytest.mark.parametrize("page", ["email", "new-address"])
def test_the_address_field_takes_what_people_paste(page: str) -> None:
    (field,) = render(page).xpath("//input[@name='email']")
    assert (field.get("type"), field.get("inputmode")) == ("text", "email")
    assert (field.get("autocapitalize"), field.get("spellcheck")) == ("none", "false")


@pytest.mark.parametrize("page", ["code", "new-address-code"])
def test_the_code_field_is_one_field_for_digits_without_a_length_that_would_cut_a_pasted_one(page: str) -> None:
    (field,) = render(page).xpath("//input[@name='code']")
    assert field.get("inputmode") == "numeric"
    assert field.get("maxlength") is None


@pytest.mark.parametrize("page", ["code", "new-address-code"])
def test_the_focus_does_not_jump_over_what_was_just_done(page: str) -> None:
    """A screen reader begins at the field that has the focus, and reads nothing of what stands above it."""
    assert render(page).xpath("//input[@name='code']/@autofocus")
    assert not render(f"{page}-resent").xpath("//main//@autofocus")


@pytest.mark.parametrize("page", ["close-account", "account-closed"])
@pytest.mark.parametrize(("language", "day", "days"), [("fr", " 1 jour,", " 30 jours,"), ("en", " 1 day", " 30 days")])
def test_a_closed_account_waits_for_a_day_or_for_days(page: str, language: str, day: str, days: str) -> None:
    """``[retention] closed_accounts_days = 1``."""
    told = words(render(f"{page}-for-a-day", language).find(".//main"))
    assert day in told
    assert f"{day}s" not in told
    assert days in words(render(page, language).find(".//main"))


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith("-error")])
def test_an_error_is_announced_summed_up_and_tied_to_its_field(page: str) -> None:
    tree = render(page)
    assert words(tree.find(".//title")).startswith("Erreur :")
    (summary,) = tree.xpath("//main//*[@role='alert']")
    for field in tree.xpath("//input[@aria-invalid='true']"):
        assert summary.xpath(".//a[@href=$target]", target="#" + field.get("id"))
        (error,) = tree.xpath("//*[@id=$id]", id=field.get("id") + "-error")
        assert error.get("id") in field.get("aria-describedby").split()
    assert tree.xpath("//input[@aria-invalid='true']")


def test_the_page_of_a_refusal_shows_its_reference_to_people_and_programs() -> None:
    tree = render("error")
    assert tree.find(".//main").get("data-reference") == "7F3K-9Q2M"
    assert "7F3K-9Q2M" in words(tree.find(".//main"))


def test_a_message_of_two_languages_is_read_out_in_both() -> None:
    (message,) = render("error-at-university", "en").xpath("//pre")
    assert [(part.get("lang"), words(part).split(",")[0]) for part in message] == [("fr", "Bonjour"), ("en", "Hello")]
    assert "mail" not in "".join([message.text or "", *(part.tail or "" for part in message)])


@every_page
def test_a_link_says_by_itself_where_it_goes(page: str) -> None:
    """RGAA 6.1: screen readers list links without the words around them."""
    for link in render(page).xpath("//main//a"):
        assert words(link) not in {"La confirmer", "Ici", "Cliquez ici", "En savoir plus", "Lire la suite"}


def test_each_choice_is_read_out_with_the_university_it_selects() -> None:
    tree = render("choose-university-results")
    for button, choice in zip(tree.xpath("//ul[@class='choices']//button"), CHOICES, strict=True):
        named = " ".join(words(tree.get_element_by_id(name)) for name in button.get("aria-labelledby").split())
        assert named.startswith("Sélection " + choice.name)


def test_o_10_markup_in_names_from_elsewhere_stays_text() -> None:
    assert not render("choose-university-results").xpath("//ul[@class='choices']//b")
    assert render("choose-university-error").xpath("//input[@name='q']/@value") == ["<exmple>"]


def test_the_sign_in_page_never_offers_to_leave_for_a_university_that_is_not_named() -> None:
    assert not render("sign-in-unknown-university").xpath("//a[@href='/choose']")


@every_page
def test_a_page_stays_small_with_its_styles_and_script(page: str) -> None:
    template, context = context_for(page, "fr")
    with shared_page_app().test_request_context("/"):
        document = flask.render_template(template, **context)
    size = len(document.encode()) + sum(path.stat().st_size for path in (WEB / "static").iterdir())
    assert size < 50_000
