"""The page ``choose-university``, the search behind it, and the way through an outside discovery service."""

from urllib.parse import quote, unquote

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from idp.domain.authorization import must_be_proof
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.languages import LANGUAGES
from idp.flows.authorization import AuthorizationFlow
from idp.flows.university import UniversityFlow
from idp.flows.university_choice import UniversityChoice
from idp.web import forms
from idp.web.authorization import Journey, lead_on
from idp.web.headers import allow_own_data
from idp.web.pages import Pages, language
from idp.web.sentences import field_sentence
from idp.web.step_urls import step_url
from idp.web.university import leave_for

# As long as a file that was dropped into the federation's folder may take to be in use.
SEARCH_SECONDS = 60
# A list that fits a small screen; the page itself shows more.
SUGGESTIONS = 8
SHOWN = 20
# A cookie with the entity id alone, for the convenience that the person asked for by choosing: it needs no consent.
_REMEMBERED = "university"
_REMEMBERED_SECONDS = 365 * 24 * 3600


def blueprint(
    choice: UniversityChoice, university: UniversityFlow, authorization: AuthorizationFlow, pages: Pages
) -> Blueprint:
    """``/sign-in/<handle>/leave``, ``/sign-in/<handle>/university``, ``/universities.json``, ``/saml/discovery``."""
    views = Blueprint("university_choice", __name__)
    browser = pages.browser

    def journey(authorization_id: str, *, posted: bool = False) -> Journey:
        return Journey.waiting(authorization, browser, authorization_id, posted=posted)

    def leave_and_remember(here: Journey, entity_id: str) -> Response:
        response = leave_for(university, pages, here, entity_id)
        if not here.session.is_shared:
            browser.remember(_REMEMBERED, quote(entity_id, safe=""), _REMEMBERED_SECONDS)
        return response

    def remembered() -> IdentityProvider | None:
        return choice.shown(unquote(browser.cookie(_REMEMBERED) or ""))

    def page(here: Journey, *, problem: str | None = None) -> Response:
        return _page(pages, choice, here, remembered(), problem=problem)

    @views.post("/sign-in/<authorization_id>/leave")
    def leave(authorization_id: str) -> ResponseReturnValue:
        """« Continuer »: to the one university that the address names, else to the choice."""
        here = journey(authorization_id, posted=True)
        here.hear_whether_shared(browser)
        providers = choice.of_address(here.pending)
        if len(providers) == 1:
            return leave_and_remember(here, providers[0].entity_id)
        return redirect(step_url("university_choice.show", authorization_id), 303)

    @views.get("/sign-in/<authorization_id>/leave")
    def left(authorization_id: str) -> ResponseReturnValue:
        return lead_on(authorization, pages, authorization_id)

    @views.get("/sign-in/<authorization_id>/university")
    def show(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        outside = choice.outside_url(here.pending)
        # Who comes back from that service without an answer, or chose to search here, gets our own page.
        if outside is not None and not {"q", "here"} & request.args.keys():
            return redirect(outside, 303)
        return page(here)

    @views.post("/sign-in/<authorization_id>/university")
    def choose(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        if not request.form.get("entity_id"):
            return page(here, problem="university.required")
        return leave_and_remember(here, forms.field("entity_id"))

    @views.post("/sign-in/<authorization_id>/university/forget")
    def forget(authorization_id: str) -> ResponseReturnValue:
        """This browser no longer offers the last choice."""
        journey(authorization_id, posted=True)
        browser.forget(_REMEMBERED)
        return redirect(url_for("university_choice.show", authorization_id=authorization_id, here=1), 303)

    @views.get("/saml/discovery")
    def discovered() -> ResponseReturnValue:
        """Back from the outside discovery service (SAML Identity Provider Discovery Service Protocol)."""
        if not choice.has_outside_service:
            raise Refusal("request.not_found", "no discovery service configured", status=404)
        here = journey(request.args.get("journey", ""))
        chosen = request.args.getlist("entityID")
        if len(chosen) > 1:
            malformed = Refusal("request.malformed", "entityID given several times")
            raise malformed.during(here.pending.reference, here.pending.id)
        if not chosen or not chosen[0]:
            return redirect(url_for("university_choice.show", authorization_id=here.pending.id, here=1), 303)
        return leave_and_remember(here, chosen[0])

    @views.get("/universities.json")
    def search() -> ResponseReturnValue:
        """What the search field suggests while a person types: public, the same for everybody."""
        asked = request.args.get("language", "fr")
        tongue = asked if asked in LANGUAGES else "fr"
        found = choice.search(request.args.get("q", ""), limit=SUGGESTIONS)
        response = jsonify(universities=[_row(provider, tongue) for provider in found])
        response.headers["Cache-Control"] = f"private, max-age={SEARCH_SECONDS}"
        return response

    return views


def _page(
    pages: Pages,
    choice: UniversityChoice,
    here: Journey,
    last: IdentityProvider | None,
    *,
    problem: str | None,
) -> Response:
    query = _query()
    named = choice.of_address(here.pending) if query is None else ()
    # One more than is shown tells whether there are more.
    found = named if query is None else choice.search(query, limit=SHOWN + 1)
    offered = last if query is None and not named else None
    shown = problem or ("university.none_found" if query is not None and not found else None)
    if shown:
        choice.note_refused(here.pending, shown)
    handle = here.pending.id
    is_required = must_be_proof(here.pending.request)
    allow_own_data()
    return pages.render(
        "choose_university.html",
        status=forms.FORM_ERROR if problem else 200,
        q=(query or "")[:200],
        search_url=step_url("university_choice.show", handle),
        suggestions_url=url_for("university_choice.search", language=language()),
        action=step_url("university_choice.choose", handle),
        forget_action=step_url("university_choice.forget", handle),
        # Where nothing but a proof will do, the other ways to sign in lead nowhere.
        back_url=step_url("sign_in.address" if is_required else "sign_in.methods", handle),
        is_required=is_required,
        searched=query is not None,
        from_address=bool(named),
        is_personal=choice.is_personal(here.pending),
        last=_row(offered, language()) if offered else None,
        results=[_row(provider, language()) for provider in (found if query is None else found[:SHOWN])],
        is_cut=query is not None and len(found) > SHOWN,
        hidden_fields=(),
        client_name=here.client_name,
        reference=here.reference_for(shown),
        errors={"q": field_sentence(shown)} if shown else {},
    )


def _query() -> str | None:
    """What is searched for; an empty search is none."""
    asked = request.args.get("q", "")
    return asked if asked.strip() else None


def _row(provider: IdentityProvider, tongue: str) -> dict[str, str]:
    return {"entity_id": provider.entity_id, "name": provider.name(tongue), "domain": provider.domain}
