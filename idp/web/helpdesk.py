"""``/helpdesk``: the console of those who help people; it shows and does what ``idp user`` does."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from idp.domain.accounts import Bounce
from idp.domain.errors import Refusal
from idp.domain.inactivity import Inactivity, InactivityState
from idp.flows.helpdesk_entry import LIFETIME, HelpdeskEntry
from idp.flows.people import LONGEST_QUERY, PeopleFlow, PersonSheet
from idp.flows.timeline import TimelineFlow
from idp.web import forms
from idp.web.helpdesk_act_pages import act_names
from idp.web.helpdesk_console import COOKIE, Console
from idp.web.helpdesk_story import last_day, moment, story
from idp.web.helpdesk_words import account_name, identifier_name, limit_name, method_names
from idp.web.pages import Pages


def blueprint(entry: HelpdeskEntry, people: PeopleFlow, timeline: TimelineFlow, pages: Pages) -> Blueprint:
    """Every page needs the role, and every look at a person is logged."""
    views = Blueprint("helpdesk", __name__, url_prefix="/helpdesk")
    browser = pages.browser
    console = Console(entry, pages)
    operator, posting_operator = console.operator, console.posting_operator

    @views.get("")
    def show() -> ResponseReturnValue:
        here = operator()
        if here is None:
            return redirect(url_for("authorization.authorize", **entry.begin(browser.session())), 303)
        return pages.render(
            "helpdesk/search.html",
            operator=here.operator,
            action=url_for("helpdesk.search"),
            invite_url=url_for("helpdesk_acts.ask_for_invitation"),
        )

    @views.get("/callback")
    def callback() -> ResponseReturnValue:
        session = browser.known_session()
        if session is None:
            raise Refusal("browser.other", "answer in a browser without session")
        browser.remember(COOKIE, entry.finish(request.args, session), int(LIFETIME.total_seconds()))
        return redirect(url_for("helpdesk.show"), 303)

    @views.post("/search")
    def search() -> ResponseReturnValue:
        """By POST, so that no address stands in an address."""
        here = posting_operator()
        query = forms.field("query").strip()[:LONGEST_QUERY]
        found = people.find(query)
        # Whose data is about to be seen, by their ids: a name or address would stay in the audit trail after the
        # account.
        seen = " ".join(line.account_id or "-" for line in found)
        people.look("helpdesk.searched", None, operator=here.operator, found=seen)
        return pages.render(
            "helpdesk/search.html",
            operator=here.operator,
            action=url_for("helpdesk.search"),
            invite_url=url_for("helpdesk_acts.ask_for_invitation"),
            query=query,
            found=[
                (line, account_name(line.type), url_for("helpdesk.person", account_id=line.account_id or "-"))
                for line in found
            ],
            story=story(timeline.of(query)),
        )

    @views.get("/search")
    def search_again() -> ResponseReturnValue:
        """Where the link to the other language leads, reloading and Back: the query stands in no address."""
        return redirect(url_for("helpdesk.show"), 303)

    @views.get("/people/<account_id>")
    def person(account_id: str) -> ResponseReturnValue:
        here = operator()
        if here is None:
            return redirect(url_for("helpdesk.show"), 303)
        sheet = people.show(account_id)
        if sheet is None:
            raise Refusal("request.not_found", "no such person", status=404)
        people.look("helpdesk.viewed", account_id, operator=here.operator)
        return pages.render(
            "helpdesk/person.html",
            operator=here.operator,
            sheet=sheet,
            facts=_facts(sheet),
            story=story(timeline.of_account(account_id)),
            acts=[
                (label, url_for("helpdesk_acts.ask", account_id=account_id, act=name))
                for name, label in act_names(is_disabled=sheet.disabled, only_passkeys=sheet.only_passkeys).items()
            ],
            search_url=url_for("helpdesk.show"),
        )

    return views


def _facts(sheet: PersonSheet) -> list[tuple[str, list[str]]]:
    """What is known, by label; what there is none of is left out."""
    bounced = {bounce.address: bounce for bounce in sheet.bounces}
    universities = {one.entity_id: one.provider_name for one in sheet.proofings}
    state = gettext("désactivé") if sheet.disabled else gettext("ouvert")
    facts = [
        (gettext("État"), [f"{state} ({account_name(sheet.type)})"]),
        (gettext("Adresses"), [_address(address, bounced.get(address)) for address in sheet.addresses]),
        (gettext("Identifiant (sub)"), [sheet.subject]),
        (gettext("Invitation"), _invitation(sheet)),
        (
            gettext("Identités"),
            [
                f"{one.value} — {identifier_name(one.kind)}, {universities.get(one.entity_id, one.entity_id)}"
                for one in sheet.identities
            ],
        ),
        (gettext("Preuves"), [f"{moment(one.completed_at)} {one.provider_name}" for one in sheet.proofings]),
        (gettext("Mot de passe"), [moment(sheet.password_changed_at)] if sheet.has_password else []),
        (gettext("Connexion"), [gettext("par clé d’accès seulement")] if sheet.only_passkeys else []),
        (gettext("Inutilisé"), _unused(sheet.inactivity)),
        (gettext("Sessions"), [f"{moment(one.at)} — {method_names(one.methods)}" for one in sheet.sessions]),
        (gettext("Applications"), [f"{moment(one.since)} {one.name}" for one in sheet.applications]),
        (gettext("Limites en vigueur"), [limit_name(one) for one in sheet.limits]),
    ]
    return [(label, values) for label, values in facts if values]


def _unused(inactivity: Inactivity | None) -> list[str]:
    """Since when, and what is done about it."""
    if inactivity is None or not inactivity.state:
        return []
    lines = [gettext("depuis le %(day)s", day=moment(inactivity.since))]
    notice = inactivity.notice
    if notice is not None:
        sent = moment(notice.handed_over_at) if notice.handed_over_at else gettext("en route")
        lines.append(gettext("message à la personne : %(sent)s", sent=sent))
        lines.append(gettext("fermeture : %(day)s", day=moment(notice.closes_at)))
    elif inactivity.state is InactivityState.UNTOLD:
        lines.append(gettext("aucun message n’a pu partir ; nouvel essai plus tard"))
    return lines


def _invitation(sheet: PersonSheet) -> list[str]:
    if sheet.invited_until is None:
        return []
    until = last_day(sheet.invited_until)
    if sheet.invited_role:
        return [gettext("%(role)s, jusqu’au %(day)s", role=sheet.invited_role, day=until)]
    return [gettext("jusqu’au %(until)s", until=until)]


def _address(address: str, bounce: Bounce | None) -> str:
    return f"{address} — {gettext('des messages reviennent')}" if bounce else address
