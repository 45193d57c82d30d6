"""The page ``choose-university``, the way to the university and back, and our SAML metadata."""

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from idp.domain.authorization import must_be_proof
from idp.domain.errors import Refusal
from idp.flows.authorization import AuthorizationFlow
from idp.flows.mailbox import MailboxFlow
from idp.flows.university import UniversityFlow
from idp.web import forms
from idp.web.authorization import Journey, next_page
from idp.web.pages import Pages, language
from idp.web.sentences import field_sentence

FORM_ERROR = 422


def blueprint(flow: UniversityFlow, mailbox: MailboxFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    """``/sign-in/<handle>/university``, ``/sign-in/<handle>/leave`` and ``/saml/…``."""
    views = Blueprint("university", __name__)
    browser = pages.browser

    def journey(authorization_id: str, *, posted: bool = False) -> Journey:
        return Journey(authorization, browser, authorization_id, posted=posted)

    def leave_for(here: Journey, entity_id: str) -> Response:
        outgoing = flow.begin(here.pending, here.session, entity_id)
        if not outgoing.fields:
            return make_response(redirect(outgoing.url, 303))
        return pages.render(
            "leave_for_university.html",
            action=outgoing.url,
            fields=outgoing.fields,
            university=flow.provider(entity_id).name(language()),
        )

    @views.post("/sign-in/<authorization_id>/leave")
    def leave(authorization_id: str) -> ResponseReturnValue:
        """« Continuer »: to the one university that the address names, else to the choice."""
        here = journey(authorization_id, posted=True)
        providers = flow.candidates(here.pending, None).providers
        if len(providers) == 1:
            return leave_for(here, providers[0].entity_id)
        return redirect(url_for("university.choice", authorization_id=authorization_id), 303)

    @views.get("/sign-in/<authorization_id>/leave")
    def left(authorization_id: str) -> ResponseReturnValue:
        return redirect(next_page(authorization_id), 303)

    @views.get("/sign-in/<authorization_id>/university")
    def choice(authorization_id: str) -> ResponseReturnValue:
        return _choice_page(pages, flow, journey(authorization_id))

    @views.post("/sign-in/<authorization_id>/university")
    def choose(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        if not request.form.get("entity_id"):
            return _choice_page(pages, flow, here, problem="university.required")
        return leave_for(here, forms.field("entity_id"))

    @views.get("/saml/metadata")
    def metadata() -> ResponseReturnValue:
        return Response(flow.own_metadata(), mimetype="application/samlmetadata+xml")

    @views.post("/saml/acs")
    def assertion_consumer_service() -> ResponseReturnValue:
        proofing = flow.answer(forms.field("SAMLResponse"), browser.known_session())
        return redirect(url_for("university.resume", proofing_id=proofing.id), 303)

    @views.get("/saml/resume/<proofing_id>")
    def resume(proofing_id: str) -> ResponseReturnValue:
        session = browser.known_session()
        if session is None:
            raise Refusal("browser.cookies", "answer of a university without our cookie")
        proofing = flow.resume(proofing_id, session)
        here = journey(proofing.authorization_id)
        mailbox.send_first_mail(proofing, session, locale=language(), application=here.application)
        return redirect(next_page(proofing.authorization_id), 303)

    return views


def _choice_page(pages: Pages, flow: UniversityFlow, here: Journey, *, problem: str | None = None) -> Response:
    query = request.args.get("q")
    candidates = flow.candidates(here.pending, query)
    handle = here.pending.id
    is_required = must_be_proof(here.pending.request)
    nothing = "university.none_found" if query and not candidates.providers else None
    shown = problem or nothing
    return pages.render(
        "choose_university.html",
        status=FORM_ERROR if problem else 200,
        q=(query or "")[:200],
        search_url=url_for("university.choice", authorization_id=handle),
        action=url_for("university.choose", authorization_id=handle),
        # Where nothing but a proof will do, the other ways to sign in lead nowhere.
        back_url=url_for("sign_in.address" if is_required else "sign_in.methods", authorization_id=handle),
        is_required=is_required,
        searched=query is not None,
        from_address=candidates.from_address and bool(candidates.providers),
        results=[
            {"entity_id": provider.entity_id, "name": provider.name(language()), "domain": provider.domain}
            for provider in candidates.providers
        ],
        hidden_fields=(),
        client_name=here.client_name,
        errors={"q": field_sentence(shown)} if shown else {},
    )
