"""Acts of the console that need more than a reason, each on a page of its own that says what it does first."""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from idp.domain.errors import Refusal
from idp.domain.helpdesk import Act, ConsoleSession, Unfounded
from idp.domain.invitation_list import UnfitInvitee
from idp.flows.helpdesk_acts import HelpdeskActs
from idp.flows.invitations import InvitationFlow
from idp.flows.people import PeopleFlow
from idp.web import forms
from idp.web.helpdesk_act_pages import ActPage, Field, Undone, act_pages
from idp.web.helpdesk_console import Console
from idp.web.sentences import field_sentence

_INVITED = ("address", "given_name", "family_name", "role", "expires")


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
            known, founded = _known(act_pages(people, acts, console.helps, here.account_id), act), _founded(here)
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
        shown, sheet = _known(act_pages(people, acts, console.helps), act), people.show(account_id)
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
            choice=shown.choice,
            choices=shown.choice.of(account_id) if shown.choice else None,
            values=request.form,
            button=shown.title,
            errors=errors or {},
        )

    def invitation_page(errors: dict[str, str] | None = None, done: str = "") -> Response:
        explanation = gettext(
            "Pour qui n’a pas de compte dans une université. "
            "Rien n’est secret : la personne se connecte avec un code envoyé par mail."
        )
        return console.pages.render(
            "helpdesk/act.html",
            status=forms.FORM_ERROR if errors else 200,
            title=gettext("Inviter une personne"),
            explanation=gettext("L’invitation de %(address)s est enregistrée.", address=done) if done else explanation,
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


def _reason() -> Field:
    return "reason", gettext("Motif"), gettext("Il est gardé dans le journal avec votre nom."), True


def _invitation_fields() -> tuple[Field, ...]:
    return (
        ("address", gettext("Adresse mail"), "", True),
        ("given_name", gettext("Prénom (facultatif)"), gettext("Un prénom ou un nom de famille suffit."), False),
        ("family_name", gettext("Nom de famille (facultatif)"), "", False),
        (
            "role",
            gettext("Fonction (facultatif)"),
            gettext("Avec vos mots, par exemple « praticien hospitalier »."),
            False,
        ),
        (
            "expires",
            gettext("Dernier jour"),
            gettext("Trois ans au plus. Sans calendrier ici, écrivez-le ainsi : 2027-08-31."),
            True,
        ),
    )
