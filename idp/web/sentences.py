"""What a person reads when something was refused: one sentence for each stable reason.

The reasons are those of ``idp.domain.errors.Refusal``. Each text says in plain words what happened and what to do next;
none says whether an account exists, none repeats what was sent.
"""

from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Sentence:
    """An error page's words in the language of the request: its title, what happened, what to do (may be empty)."""

    title: str
    sentence: str
    advice: str = ""


_Texts = tuple[LazyString | str, LazyString | str, LazyString | str]

_RESTART = _("Recommencez depuis l’application où vous vouliez aller.")
_ASK_UNIVERSITY = _(
    "Transmettez cette page au service informatique de votre université : lui seul peut corriger cela. "
    "La référence ci-dessous nous permet de l’aider."
)
_LINK_AGAIN = _("Recommencez avec votre adresse : un nouveau message partira aussitôt.")
_APPLICATION_FAULT = _(
    "Prévenez les responsables de l’application d’où vous venez. La référence ci-dessous les aidera à corriger."
)

_PAGES: dict[str, _Texts] = {
    "request": (
        _("Demande incomprise"),
        _("La page demandée n’a pas pu être préparée à partir de ce que le navigateur a envoyé."),
        _RESTART,
    ),
    "request.csrf": (
        _("Cette page a trop attendu"),
        _("Par sécurité, un formulaire resté ouvert longtemps n’est plus accepté. Rien n’a été modifié."),
        _("Revenez en arrière, rechargez la page, puis validez de nouveau."),
    ),
    "request.host": (
        _("Adresse du site inattendue"),
        _("Ce service ne répond pas sous le nom affiché par votre navigateur."),
        _("Repartez du lien de votre application plutôt que d’une adresse copiée."),
    ),
    "request.too_large": (
        _("Envoi trop volumineux"),
        _("Ce qui a été envoyé dépasse ce que cette page peut recevoir."),
        _("Revenez en arrière et raccourcissez ce que vous avez saisi."),
    ),
    "request.not_found": (
        _("Page introuvable"),
        _("Il n’y a rien à cette adresse."),
        _("Si vous l’avez recopiée, vérifiez qu’elle est complète. Sinon, repartez de votre application."),
    ),
    "request.method": (
        _("Page à ouvrir autrement"),
        _("Cette adresse ne s’ouvre pas directement dans le navigateur."),
        _RESTART,
    ),
    "browser": (
        _("Navigateur différent"),
        _("Cette étape a été commencée dans un autre navigateur ou sur un autre appareil."),
        _("Continuez là où vous aviez commencé, ou recommencez ici."),
    ),
    "browser.cookies": (
        _("Les cookies sont nécessaires"),
        _("Votre navigateur n’a pas gardé le cookie qui relie les étapes de la connexion."),
        _(
            "Autorisez les cookies pour ce site, puis recommencez. Nous n’en utilisons aucun pour vous suivre. "
            "Si cette page était restée ouverte longtemps, recommencer suffit."
        ),
    ),
    "authorization": (
        _("Connexion interrompue"),
        _("La connexion en cours n’a pas pu être retrouvée."),
        _RESTART,
    ),
    "authorization.expired": (
        _("Le temps est écoulé"),
        _("Cette connexion est déjà terminée, peut-être dans un autre onglet, ou elle a attendu trop longtemps."),
        _("Recommencez depuis votre application : cela ne prend qu’un instant."),
    ),
    "authorization.passed": (
        _("Étape déjà passée"),
        _("Cette étape est déjà faite : rien n’est perdu, et rien n’a été fait deux fois."),
        _("Continuez là où vous en êtes."),
    ),
    "authorization.done": (
        _("La connexion est déjà faite"),
        _("Cette page appartient à une connexion qui a abouti."),
        _("Retournez à votre application, ou ouvrez la page de votre compte."),
    ),
    "oauth": (
        _("Demande de connexion incorrecte"),
        _("L’application d’où vous venez a envoyé une demande que nous ne pouvons pas accepter."),
        _APPLICATION_FAULT,
    ),
    "oauth.unknown_client": (
        _("Application inconnue"),
        _("L’application d’où vous venez n’est pas enregistrée auprès de ce service."),
        _APPLICATION_FAULT,
    ),
    "oauth.invalid_redirect_uri": (
        _("Adresse de retour non enregistrée"),
        _("L’application demande un retour vers une adresse qu’elle n’a pas déclarée. Nous ne vous y envoyons pas."),
        _APPLICATION_FAULT,
    ),
    "oauth.invalid_request_uri": (
        _("Demande de connexion périmée"),
        _("Cette demande de connexion a déjà servi, ou elle a été faite il y a trop longtemps."),
        _("Recommencez depuis votre application : cela ne prend qu’un instant."),
    ),
    "saml": (
        _("Réponse de l’université refusée"),
        _("La réponse reçue de votre université n’a pas pu être vérifiée. Par sécurité, elle n’est pas utilisée."),
        _("Recommencez. Si cela se reproduit, donnez la référence ci-dessous à l’assistance."),
    ),
    "saml.status": (
        _("L’université n’a pas confirmé"),
        _("Votre université a répondu sans confirmer votre identité : identification annulée ou accès non ouvert."),
        _("Recommencez. Si vous n’aviez rien annulé, demandez au service informatique de votre université."),
    ),
    "saml.status.cancelled": (
        _("Identification annulée"),
        _("L’identification a été annulée sur la page de votre université. Rien n’a été modifié."),
        _("Réessayez, ou choisissez un autre chemin ci-dessous."),
    ),
    "saml.status.authn_failed": (
        _("Identification non aboutie"),
        _("Votre université n’a pas pu vous identifier : mot de passe erroné, ou identification abandonnée."),
        _("Nous ne connaissons pas le mot de passe de votre université : elle seule peut vous aider à le retrouver."),
    ),
    "saml.status.no_passive": (
        _("Votre université doit vous demander votre mot de passe"),
        _("Votre université n’a pas pu vous reconnaître sans vous poser de question."),
        _("Réessayez, et identifiez-vous sur sa page."),
    ),
    "saml.status.request_denied": (
        _("Demande refusée par l’université"),
        _("Votre université a refusé la demande : l’accès à ce service n’est peut-être pas ouvert à votre compte."),
        _("Demandez au service informatique de votre université, ou choisissez un autre chemin ci-dessous."),
    ),
    "saml.unknown_provider": (
        _("Université non reconnue"),
        _("La réponse vient d’un établissement qui ne fait pas partie de ceux que nous connaissons."),
        _("Recommencez et choisissez votre université dans la liste."),
    ),
    "saml.expired": (
        _("Réponse arrivée trop tard"),
        _("La réponse de votre université n’était déjà plus valable en arrivant ici."),
        _("Recommencez : il suffit en général d’un second essai."),
    ),
    "saml.in_response_to": (
        _("Réponse à une ancienne demande"),
        _("Cette réponse de l’université ne correspond pas à la connexion en cours (retour arrière, second onglet)."),
        _("Recommencez, dans un seul onglet."),
    ),
    "saml.replayed": (
        _("Réponse déjà utilisée"),
        _("Cette réponse de l’université a déjà servi, et ne sert qu’une fois."),
        _("Si vous avez rechargé la page, recommencez simplement."),
    ),
    "proofing": (
        _("Confirmation impossible"),
        _("Votre identité n’a pas pu être confirmée cette fois-ci."),
        _("Recommencez. Si cela se reproduit, donnez la référence ci-dessous à l’assistance."),
    ),
    "proofing.identifier_missing": (
        _("Il manque votre identifiant"),
        _(
            "L’identification a réussi, mais votre université ne nous a pas transmis d’identifiant durable "
            "(subject-id, pairwise-id ou eduPersonPrincipalName). Sans lui, nous ne pourrions pas vous retrouver."
        ),
        _ASK_UNIVERSITY,
    ),
    "proofing.identifier_out_of_scope": (
        _("Identifiant d’un autre établissement"),
        _("L’identifiant transmis par votre université n’appartient pas à ses domaines déclarés."),
        _ASK_UNIVERSITY,
    ),
    "proofing.identifier_ambiguous": (
        _("Plusieurs identifiants"),
        _("Votre université nous a transmis plusieurs identifiants pour vous : nous ne savons pas lequel prendre."),
        _ASK_UNIVERSITY,
    ),
    "proofing.mail_missing": (
        _("Il manque votre adresse mail"),
        _(
            "L’identification a réussi, mais votre université ne nous a pas transmis votre adresse mail "
            "(attribut mail). Nous en avons besoin pour vous écrire et vous connecter."
        ),
        _ASK_UNIVERSITY,
    ),
    "proofing.mail_out_of_scope": (
        _("Adresse d’un autre domaine"),
        _("L’adresse mail transmise par votre université n’appartient pas à ses domaines déclarés."),
        _ASK_UNIVERSITY,
    ),
    "proofing.mail_ambiguous": (
        _("Plusieurs adresses mail"),
        _("Votre université nous a transmis plusieurs adresses mail pour vous : nous ne savons pas laquelle prendre."),
        _ASK_UNIVERSITY,
    ),
    "proofing.identity_conflict": (
        _("Compte à vérifier"),
        _("Ce que transmet votre université ne correspond pas à ce que nous savions déjà. Rien n’a été modifié."),
        _(
            "Si vous avez déjà un compte, il reste utilisable par mot de passe ou par code. "
            "Sinon, donnez la référence ci-dessous à l’assistance : elle vérifiera avec vous."
        ),
    ),
    "proofing.link_invalid": (
        _("Lien sans effet"),
        _("Ce lien n’est plus valable : il a été remplacé, ou il est incomplet."),
        _(
            "Si votre adresse est déjà confirmée, connectez-vous. Sinon, copiez le lien du dernier message en entier, "
            "ou saisissez le code sur la page où vous aviez commencé."
        ),
    ),
    "proofing.link_followed": (
        _("Lien déjà ouvert"),
        _("Le bouton de ce lien a déjà servi, ici ou sur un autre appareil."),
        _("Continuez là où il a servi, ou saisissez le code du message sur la page où vous aviez commencé."),
    ),
    "proofing.link_used": (
        _("Lien déjà utilisé"),
        _("Ce lien a déjà servi : votre adresse est confirmée."),
        _("Connectez-vous avec votre adresse et votre mot de passe, ou recevez un code par mail."),
    ),
    "proofing.link_expired": (_("Lien expiré"), _("Ce lien n’est valable que 24 heures."), _LINK_AGAIN),
    "proofing.other_person": (
        _("Ce lien est pour quelqu’un d’autre"),
        _("Une autre personne est connectée dans ce navigateur. Pour ne pas mélanger deux comptes, rien n’a été fait."),
        _("Déconnectez-vous ici puis rouvrez le lien, ou ouvrez-le dans un autre navigateur."),
    ),
    "proofing.university_unavailable": (
        _("Université momentanément injoignable"),
        _("Les informations techniques de votre université sont en cours de chargement."),
        _("Réessayez dans une minute."),
    ),
    "sign_in": (
        _("Connexion interrompue"),
        _("La connexion n’a pas pu aller à son terme."),
        _RESTART,
    ),
    "sign_in.too_many_tries": (
        _("Une pause est nécessaire"),
        _("De nombreux essais ont eu lieu en peu de temps. Pour protéger les comptes, nous attendons un peu."),
        _("Réessayez dans quelques minutes. Votre compte n’est pas bloqué."),
    ),
    "sign_in.code_expired": (
        _("Code expiré"),
        _("Le code n’est plus valable."),
        _("Recommencez avec votre adresse et demandez un nouveau code."),
    ),
    "account": (_("Compte indisponible"), _("Ce compte ne peut pas être utilisé pour le moment."), ""),
    "account.disabled": (
        _("Compte désactivé"),
        _("Ce compte a été désactivé par l’administration du service."),
        _("Donnez la référence ci-dessous à l’assistance pour en connaître la raison."),
    ),
    "helpdesk": (
        _("Console d’assistance"),
        _("Cette page est réservée aux personnes chargées de l’assistance."),
        _("Si vous en faites partie, donnez la référence ci-dessous à l’administration du service."),
    ),
    "helpdesk.not_signed_in": (
        _("Connexion à la console interrompue"),
        _("La console demande une connexion récente, du type exigé par l’administration du service."),
        _("Rouvrez la console : vous pourrez vous connecter de nouveau."),
    ),
    "service": (
        _("Service momentanément indisponible"),
        _("Une partie du service ne répond pas. Ce n’est pas dû à ce que vous avez saisi, et rien n’est perdu."),
        _("Réessayez dans quelques instants."),
    ),
    "internal": (
        _("Une erreur est survenue de notre côté"),
        _("L’incident est enregistré. Ce n’est pas dû à ce que vous avez saisi."),
        _("Réessayez. Si cela se reproduit, donnez la référence ci-dessous à l’assistance."),
    ),
}

# Words looked for in a SAML status code, in lower case, the most telling first. No standard code says « cancelled ».
_STATUS_CODES = {
    "cancel": "cancelled",
    "abort": "cancelled",
    "nopassive": "no_passive",
    "requestdenied": "request_denied",
    "authnfailed": "authn_failed",
}

_FIELDS: dict[str, LazyString] = {
    "email.empty": _("Saisissez votre adresse mail."),
    "email.malformed": _(
        "Cette adresse est incomplète ou contient une faute. Elle doit ressembler à prenom.nom@univ-exemple.fr."
    ),
    "email.several": _("Saisissez une seule adresse à la fois."),
    "email.characters": _("Cette adresse contient un caractère qui n’existe pas dans une adresse mail."),
    "email.other_domain": _(
        "Cette adresse n’est pas dans un domaine de votre université. Indiquez celle qu’elle vous a donnée."
    ),
    "email.too_many_given": _("Plusieurs adresses ont déjà été indiquées : patientez une heure avant la suivante."),
    "email.too_long": _("Cette adresse est trop longue : vérifiez qu’elle a été copiée seule."),
    "password.wrong": _("Adresse ou mot de passe incorrect. Réessayez, ou recevez un code par mail."),
    "password.throttled": _("Trop d’essais en peu de temps. Recevez plutôt un code par mail."),
    "password.empty": _("Saisissez votre mot de passe."),
    "password.too_short": _("Ajoutez des caractères : il en faut au moins %(minimum)s."),
    "password.too_long": _("Ce mot de passe est trop long : raccourcissez-le."),
    "password.too_simple": _("Ce mot de passe se devine trop facilement. Essayez une phrase de quatre ou cinq mots."),
    "password.too_uniform": _("Ajoutez d’autres sortes de caractères (lettres, chiffres, symboles) ou quelques mots."),
    "password.contains_address": _("Choisissez un mot de passe qui ne contient pas votre nom ou votre adresse."),
    "code.empty": _("Saisissez le code à 6 chiffres du message."),
    "code.malformed": _("Le code se compose de 6 chiffres. Il se trouve au début de l’objet du message."),
    "code.wrong": _("Ce n’est pas le code attendu. Vérifiez que c’est celui du message le plus récent."),
    "code.expired": _("Ce code n’est plus valable. Demandez-en un nouveau ci-dessous."),
    "code.too_many": _("Trop d’essais avec ce code. Patientez quelques minutes, puis demandez-en un nouveau."),
    "mailbox.held": _(
        "Aucun nouveau message n’est parti : cinq au plus partent en une heure vers une même adresse. "
        "Patientez, puis demandez un nouvel envoi."
    ),
    "code.too_many_mails": _(
        "Plusieurs messages sont déjà partis : utilisez le dernier reçu, dans le navigateur où vous l’avez demandé, ou "
        "patientez une heure."
    ),
    "passkey.expired": _("La page avait trop attendu. Recommencez : il suffit en général d’un second essai."),
    "passkey.unknown": _("Cette clé d’accès n’est pas connue ici. Connectez-vous autrement avec votre adresse."),
    "passkey.invalid": _("Cette clé d’accès n’a pas pu être vérifiée. Recommencez, ou connectez-vous autrement."),
    "passkey.suspected": _(
        "Cette clé d’accès n’est plus acceptée : une copie semble en exister. Connectez-vous autrement, puis "
        "remplacez-la depuis la page de votre compte."
    ),
    "passkey.exists": _("Cette clé d’accès est déjà enregistrée."),
    "passkey.too_many": _("Vous avez déjà beaucoup de clés d’accès : retirez-en une avant d’en ajouter une autre."),
    "passkey.untried": _(
        "Connectez-vous d’abord une fois avec une clé d’accès : vous saurez ainsi qu’elle fonctionne."
    ),
    "passkey.only_one": _(
        "Ajoutez d’abord une seconde clé d’accès, sur un autre appareil : la vôtre n’existe que sur un seul, qui peut "
        "se perdre."
    ),
    "passkey.needed": _(
        "Cette clé d’accès est nécessaire pour vous connecter. Ajoutez-en d’abord une autre, ou acceptez de nouveau le "
        "mot de passe et le code par mail."
    ),
    "user_code.empty": _("Saisissez le code affiché par l’appareil."),
    "user_code.unknown": _("Aucun appareil n’attend avec ce code. Vérifiez-le, ou obtenez-en un autre sur l’appareil."),
    "user_code.too_many": _("Trop de codes erronés. Patientez une heure avant d’en essayer un autre."),
    "email.yours_already": _("Cette adresse est déjà celle de votre compte."),
    "email.enough": _("Vous avez déjà beaucoup d’adresses : retirez-en une avant d’en ajouter une autre."),
    "email.of_closed_account": _("Cette adresse appartient à un compte fermé : rouvrez-le d’abord, ou attendez."),
    "merge.password_wrong": _("Ce n’est pas le mot de passe de l’autre compte. Réessayez, ou ne changez rien."),
    "merge.throttled": _("Trop d’essais en peu de temps. Patientez une heure avant de réunir les deux comptes."),
    "merge.changed": _("L’un des deux comptes a changé entre-temps : rien n’a été fait. Recommencez."),
    "merge.only_passkeys": _(
        "L’autre compte n’accepte que ses clés d’accès : connectez-vous à lui, acceptez-y de nouveau le mot de passe "
        "et le code par mail, puis recommencez."
    ),
    "merge.last_address": _(
        "Toutes vos adresses viennent de l’autre compte : ajoutez-en une avant de séparer les deux comptes."
    ),
    "helpdesk.address_taken": _("Rien n’a changé : cette adresse est celle d’un autre compte."),
    "helpdesk.choose": _("Choisissez dans la liste."),
    "helpdesk.own_account": _(
        "Rien n’a changé : pour votre propre compte, demandez à une autre personne de l’assistance."
    ),
    "helpdesk.operator_account": _(
        "Rien n’a changé : l’un de ces comptes est celui d’une personne de l’assistance, et ce qui mène à l’autre "
        "aurait le même rôle. Demandez à l’administration du service."
    ),
    "helpdesk.nobody": _("Personne ne correspond."),
    "helpdesk.several": _("Plusieurs personnes correspondent : donnez une adresse ou un identifiant exact."),
    "helpdesk.not_reopened": _(
        "Rien n’a changé : ce compte est en train d’être effacé, ou il est absorbé par un autre, dont il faut d’abord "
        "le séparer."
    ),
    "helpdesk.not_mergeable": _("Rien n’a changé : il faut deux comptes différents, ouverts tous les deux."),
    "invitee.known": _("Cette personne a déjà un compte : elle se connecte avec cette adresse."),
    "invitee.name": _("Indiquez un prénom ou un nom de famille."),
    "invitee.text": _("Écrivez moins de 200 caractères, sur une seule ligne."),
    "invitee.day": _("Écrivez le dernier jour ainsi : 2027-08-31."),
    "invitee.over": _("Ce jour est déjà passé."),
    "invitee.too_long": _("Choisissez un jour dans les trois ans."),
    "reason.empty": _("Indiquez le motif : il est gardé dans le journal."),
    "reason.too_long": _("Raccourcissez le motif."),
    "university.none_found": _("Aucun établissement trouvé. Essayez la ville, le sigle ou la fin de votre adresse."),
    "university.required": _("Choisissez votre université dans la liste."),
    "university.unknown": _("Cet établissement n’est pas dans la liste. Cherchez le vôtre par son nom ou sa ville."),
}


def sentence_for(reason: str) -> Sentence:
    """The words for a reason such as ``saml.expired``: its own, else its family's (``saml``), else general ones."""
    texts = _PAGES.get(reason) or _PAGES.get(reason.partition(".")[0]) or _PAGES["request"]
    return Sentence(*(str(text) for text in texts))


def sentence_key(reason: str, detail: str) -> str:
    """The key for ``sentence_for``: for a university's error status one of its own for each code that people meet.

    detail: for ``saml.status`` the status codes, the last part of each (SAML Core section 3.2.2.2).
    """
    if reason != "saml.status":
        return reason
    words = detail.lower()
    return next((f"{reason}.{key}" for code, key in _STATUS_CODES.items() if code in words), reason)


def field_sentence(key: str, **values: object) -> str:
    """The words beside a field, e.g. ``field_sentence("password.too_short", minimum=12)``; KeyError if unknown."""
    return str(_FIELDS[key]) % values if values else str(_FIELDS[key])
