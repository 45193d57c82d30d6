"""Acts of the console that need more than a reason, each on a page of its own that says what it does first."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from idp.domain.errors import Refusal
from idp.domain.helpdesk import Act, ConsoleSession, Unfounded
from idp.domain.invitation_list import UnfitInvitee
from idp.flows.helpdesk_acts import HelpdeskActs
from idp.flows.invitations import InvitationFlow
from idp.flows.people import LONGEST_QUERY, PeopleFlow
from idp.web import forms
from idp.web.helpdesk_console import Console
from idp.web.sentences import field_sentence

_INVITED = ("address", "given_name", "family_name", "role", "expires")

Field = tuple[str, str, str, bool]


class Undone(Exception):
    """Nothing was changed. errors: sentences by field."""

    def __init__(self, **errors: str) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class ActPage:
    """What the page of an act says and asks. choices: what one of is chosen; None where nothing is."""

    title: str
    explanation: str
    do: Callable[[str, Act], bool]
    fields: tuple[Field, ...] = ()
    choice_name: str = ""
    choice_label: str = ""
    choices: Callable[[str], tuple[str, ...]] | None = None


def act_names(*, is_disabled: bool = False, only_passkeys: bool = False) -> dict[str, str]:
    """The acts and how they are called, in the order in which they are offered."""
    allow = {"allow-password": gettext("Accepter de nouveau mot de passe et code")} if only_passkeys else {}
    state = {"enable": gettext("Réactiver le compte")} if is_disabled else {"disable": gettext("Désactiver le compte")}
    return {
        "unlock": gettext("Lever les limites"),
        **allow,
        **state,
        "merge": gettext("Fusionner avec un autre compte"),
        "unmerge": gettext("Séparer un compte fusionné"),
        "unlink": gettext("Retirer un identifiant d’université"),
        "erase": gettext("Effacer la personne"),
    }


def blueprint(console: Console, people: PeopleFlow, acts: HelpdeskActs, invitations: InvitationFlow) -> Blueprint:
    """``/helpdesk/people/<account>/acts/<act>`` and ``/helpdesk/invitation``."""
    views = Blueprint("helpdesk_acts", __name__, url_prefix="/helpdesk")

    @views.get("/people/<account_id>/acts/<act>")
    def ask(account_id: str, act: str) -> ResponseReturnValue:
        here = console.operator()
        if here is None:
            return redirect(url_for("helpdesk.show"), 303)
        shown = page(account_id, act)
        # It shows the person's name, identifiers and merged addresses.
        people.look("helpdesk.viewed", account_id, operator=here.operator)
        return shown

    @views.post("/people/<account_id>/acts/<act>")
    def do(account_id: str, act: str) -> ResponseReturnValue:
        here = console.posting_operator()
        try:
            known, founded = _known(_pages(people, acts, console.helps, here.account_id), act), _founded(here)
            if account_id == here.account_id:
                raise Undone(reason=field_sentence("helpdesk.own_account"))
            if not known.do(account_id, founded):
                raise _not_found()
        except Undone as undone:
            return page(account_id, act, undone.errors)
        return redirect(url_for("helpdesk.person", account_id=account_id), 303)

    @views.get("/invitation")
    def ask_for_invitation() -> ResponseReturnValue:
        if console.operator() is None:
            return redirect(url_for("helpdesk.show"), 303)
        return invitation_page()

    @views.post("/invitation")
    def invite() -> ResponseReturnValue:
        here = console.posting_operator()
        address, given_name, family_name, role, expires = (forms.optional_field(name).strip() for name in _INVITED)
        try:
            act, by_mail = _founded(here), "mail" in request.form
            made = invitations.invite(
                address, given_name, family_name, role, expires, act, by_mail=by_mail, own=here.account_id
            )
        except UnfitInvitee as fault:
            return invitation_page({fault.field: field_sentence(fault.key)})
        except Undone as undone:
            return invitation_page(undone.errors)
        return invitation_page(done=made.invitee.address)

    def page(account_id: str, act: str, errors: dict[str, str] | None = None) -> Response:
        shown, sheet = _known(_pages(people, acts, console.helps), act), people.show(account_id)
        if sheet is None:
            raise _not_found()
        return console.pages.render(
            "helpdesk/act.html",
            status=forms.FORM_ERROR if errors else 200,
            title=shown.title,
            explanation=shown.explanation,
            person=sheet.name or next(iter(sheet.addresses), ""),
            action=url_for("helpdesk_acts.do", account_id=account_id, act=act),
            back_url=url_for("helpdesk.person", account_id=account_id),
            fields=(*shown.fields, _reason()),
            choice_name=shown.choice_name,
            choice_label=shown.choice_label,
            choices=shown.choices(account_id) if shown.choices else None,
            values=request.form,
            button=shown.title,
            errors=errors or {},
        )

    def invitation_page(errors: dict[str, str] | None = None, done: str = "") -> Response:
        explanation = gettext(
            "Pour qui n’a pas de compte à une université. "
            "Rien n’est secret : la personne se connecte avec un code envoyé par mail."
        )
        return console.pages.render(
            "helpdesk/act.html",
            status=forms.FORM_ERROR if errors else 200,
            title=gettext("Inviter une personne"),
            explanation=gettext("%(address)s est invité.", address=done) if done else explanation,
            person="",
            action=url_for("helpdesk_acts.invite"),
            back_url=url_for("helpdesk.show"),
            fields=(*_invitation_fields(), _reason()),
            choices=None,
            by_mail=True,
            values={} if done else request.form,
            button=gettext("Inviter"),
            errors=errors or {},
        )

    return views


def _pages(people: PeopleFlow, acts: HelpdeskActs, helps: Callable[[str], bool], own: str = "") -> dict[str, ActPage]:
    """The acts by name. helps: whether the person of this account does; the role, which goes with an address, is
    nobody's here to give away. own: the account of whoever acts, into which they merge nobody's."""
    names = act_names(only_passkeys=True) | act_names(is_disabled=True)

    def merge(account_id: str, act: Act) -> bool:
        into = _one(people, forms.field("into"))
        if into == own:
            raise Undone(into=field_sentence("helpdesk.own_account"))
        if helps(account_id):
            raise Undone(into=field_sentence("helpdesk.operator_account"))
        if not acts.merge(account_id, into, act):
            raise Undone(into=field_sentence("helpdesk.not_mergeable"))
        return True

    def enable(account_id: str, act: Act) -> bool:
        if not acts.reopen(account_id, act):
            raise Undone(reason=field_sentence("helpdesk.not_reopened"))
        return True

    def unmerge(account_id: str, act: Act) -> bool:
        problem = acts.unmerge(account_id, _chosen("address"), act)
        if problem is not None:
            raise Undone(address=field_sentence(problem))
        return True

    def unlink(account_id: str, act: Act) -> bool:
        if not people.unlink(account_id, _chosen("identity"), act):
            raise Undone(identity=field_sentence("helpdesk.choose"))
        return True

    def identities(account_id: str) -> tuple[str, ...]:
        account = people.account(account_id)
        return tuple(identity.value for identity in account.identities) if account else ()

    return {
        "unlock": ActPage(
            names["unlock"],
            gettext(
                "Les essais et les mails comptés jusqu’ici ne comptent plus : la personne peut essayer de nouveau."
            ),
            people.unlock,
        ),
        "allow-password": ActPage(
            names["allow-password"],
            gettext(
                "La personne avait choisi de ne se connecter que par clé d’accès : le mot de passe et le code par mail "
                "l’ouvrent de nouveau. Assurez-vous d’abord que c’est bien elle qui le demande ; elle est prévenue."
            ),
            acts.allow_password,
        ),
        "disable": ActPage(
            names["disable"],
            gettext("La personne est déconnectée partout et ne peut plus se connecter, jusqu’à la réactivation."),
            acts.close,
        ),
        "enable": ActPage(names["enable"], gettext("La personne peut se connecter de nouveau."), enable),
        "merge": ActPage(
            names["merge"],
            gettext(
                "Ce compte est absorbé par l’autre : il ne permet plus de se connecter, et ses adresses, ses "
                "identifiants et ses clés d’accès passent à l’autre. Les deux sont prévenus ; ils peuvent être séparés "
                "pendant 30 jours."
            ),
            merge,
            (("into", gettext("Le compte qui reste : adresse, identifiant ou référence"), "", True),),
        ),
        "unmerge": ActPage(
            names["unmerge"],
            gettext(
                "Les deux comptes redeviennent ce qu’ils étaient, personne n’y reste connecté ; les deux sont prévenus."
            ),
            unmerge,
            (),
            "address",
            gettext("Le compte à séparer"),
            lambda account_id: tuple(merge.address for merge in acts.undoable(account_id)),
        ),
        "unlink": ActPage(
            names["unlink"],
            gettext("Cet identifiant ne mène plus à personne, jusqu’à ce que quelqu’un le prouve de nouveau."),
            unlink,
            (),
            "identity",
            gettext("L’identifiant à retirer"),
            identities,
        ),
        "erase": ActPage(
            names["erase"],
            gettext(
                "Le compte est fermé tout de suite et tout ce qui concerne la personne est effacé en quelques "
                "secondes. Personne ne peut revenir là-dessus ; seul le journal de sécurité reste, pour sa durée."
            ),
            acts.erase,
        ),
    }


def _known(pages: dict[str, ActPage], act: str) -> ActPage:
    if act not in pages:
        raise Refusal("request.not_found", "no such act", status=404)
    return pages[act]


def _not_found() -> Refusal:
    return Refusal("request.not_found", "no such person", status=404)


def _founded(here: ConsoleSession) -> Act:
    try:
        return Act(here.operator, forms.optional_field("reason"))
    except Unfounded as fault:
        raise Undone(reason=field_sentence(fault.key)) from None


def _chosen(name: str) -> str:
    chosen = forms.optional_field(name)
    if not chosen:
        raise Undone(**{name: field_sentence("helpdesk.choose")})
    return chosen


def _one(people: PeopleFlow, who: str) -> str:
    """The id of the one account that is meant; a name is not enough to give somebody another one's account."""
    lines = people.find(who.strip()[:LONGEST_QUERY], by_name=False)
    found = [line.account_id for line in lines if line.account_id]
    if len(found) != 1:
        raise Undone(into=field_sentence("helpdesk.several" if found else "helpdesk.nobody"))
    return found[0]


def _reason() -> Field:
    return "reason", gettext("Motif"), gettext("Il est gardé dans le journal avec votre nom."), True


def _invitation_fields() -> tuple[Field, ...]:
    return (
        ("address", gettext("Adresse mail"), "", True),
        ("given_name", gettext("Prénom"), "", False),
        ("family_name", gettext("Nom de famille"), "", False),
        ("role", gettext("Fonction"), gettext("Avec vos mots, par exemple « praticien hospitalier »."), False),
        ("expires", gettext("Dernier jour"), gettext("Écrit ainsi : 2027-08-31. Trois ans au plus."), True),
    )
