"""Journey B as pages: the university, the mailbox, the password; and the SAML endpoints."""

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from idp.domain.authorization import must_be_proof
from idp.domain.errors import Refusal
from idp.domain.passwords import PasswordProblem
from idp.domain.proofing import Proofing
from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.proofing import ProofingFlow, person
from idp.web import forms
from idp.web.authorization import STEP_PAGES, Journey, next_page
from idp.web.pages import Pages, language
from idp.web.sentences import field_sentence

FORM_ERROR = 422


def blueprint(flow: ProofingFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    """The pages ``choose-university``, ``check-mailbox``, ``confirm-link`` and ``new-password``; ``/saml/…``."""
    views = Blueprint("proofing", __name__)
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
        return redirect(url_for("proofing.university", authorization_id=authorization_id), 303)

    @views.get("/sign-in/<authorization_id>/leave")
    def left(authorization_id: str) -> ResponseReturnValue:
        return redirect(next_page(authorization_id), 303)

    @views.get("/sign-in/<authorization_id>/university")
    def university(authorization_id: str) -> ResponseReturnValue:
        return _choice_page(pages, flow, journey(authorization_id))

    @views.post("/sign-in/<authorization_id>/university")
    def choose_university(authorization_id: str) -> ResponseReturnValue:
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
        return redirect(url_for("proofing.resume", proofing_id=proofing.id), 303)

    @views.get("/saml/resume/<proofing_id>")
    def resume(proofing_id: str) -> ResponseReturnValue:
        session = browser.known_session()
        if session is None:
            raise Refusal("browser.cookies", "answer of a university without our cookie")
        proofing = flow.resume(proofing_id, session)
        here = journey(proofing.authorization_id)
        flow.send_first_mail(proofing, session, locale=language(), application=here.application)
        return redirect(next_page(proofing.authorization_id), 303)

    @views.get("/sign-in/<authorization_id>/mailbox")
    def mailbox(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        if authorization.next_step(here.pending, here.session) is not Step.MAILBOX:
            return redirect(next_page(authorization_id), 303)
        return _mailbox_page(pages, flow, here, flow.of(here.pending, here.session))

    @views.post("/sign-in/<authorization_id>/mailbox")
    def confirm_code(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        proofing = flow.of(here.pending, here.session)
        problem = flow.with_code(proofing, here.session, forms.field("code"))
        if problem is not None:
            return _mailbox_page(pages, flow, here, proofing, problem=problem)
        return redirect(next_page(authorization_id), 303)

    @views.post("/sign-in/<authorization_id>/mailbox/send")
    def send_mail(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        proofing = flow.of(here.pending, here.session)
        sent = flow.send_mail(proofing, here.session, locale=language(), application=here.application)
        target = url_for(STEP_PAGES[Step.MAILBOX], authorization_id=authorization_id)
        return redirect(f"{target}?{'again' if sent else 'wait'}=1", 303)

    @views.get("/sign-in/<authorization_id>/mailbox/send")
    def mail_sent(authorization_id: str) -> ResponseReturnValue:
        return redirect(next_page(authorization_id), 303)

    @views.get("/proofing/link/<token>")
    def link(token: str) -> ResponseReturnValue:
        """The mailed link: shows a button and changes nothing (mail scanners open links)."""
        proofing = flow.open_link(token, browser.session())
        return pages.render(
            "confirm_link.html",
            address=proofing.address,
            university=flow.university_name(proofing, language()),
            person=person(proofing) or None,
            action=url_for("proofing.confirm_link", token=token),
        )

    @views.post("/proofing/link/<token>")
    def confirm_link(token: str) -> ResponseReturnValue:
        authorization_id = flow.confirm_link(token, browser.posted_session(), url_for("account.show"))
        return redirect(next_page(authorization_id), 303)

    @views.get("/sign-in/<authorization_id>/new-password")
    def new_password(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        if authorization.next_step(here.pending, here.session) is not Step.NEW_PASSWORD:
            return redirect(next_page(authorization_id), 303)
        return _password_page(pages, flow, here, flow.of(here.pending, here.session))

    @views.post("/sign-in/<authorization_id>/new-password")
    def create_password(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        proofing = flow.of(here.pending, here.session)
        outcome = flow.choose_password(proofing, here.session, forms.field("password"), browser.device)
        if isinstance(outcome, PasswordProblem):
            return _password_page(pages, flow, here, proofing, problem=outcome)
        browser.signed_in(outcome)
        return redirect(next_page(authorization_id), 303)

    return views


def _choice_page(pages: Pages, flow: ProofingFlow, here: Journey, *, problem: str | None = None) -> Response:
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
        search_url=url_for("proofing.university", authorization_id=handle),
        action=url_for("proofing.choose_university", authorization_id=handle),
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


def _mailbox_page(
    pages: Pages, flow: ProofingFlow, here: Journey, proofing: Proofing, *, problem: str | None = None
) -> Response:
    handle = here.pending.id
    waits = "code.too_many_mails" if "wait" in request.args else None
    shown = problem or waits
    return pages.render(
        "check_mailbox.html",
        status=FORM_ERROR if problem else 200,
        address=proofing.address,
        university=flow.university_name(proofing, language()),
        person=person(proofing) or None,
        action=url_for("proofing.confirm_code", authorization_id=handle),
        resend_action=url_for("proofing.send_mail", authorization_id=handle),
        restart_url=url_for("sign_in.restart", authorization_id=handle),
        resent="again" in request.args,
        client_name=here.client_name,
        errors={"code" if problem else "form": field_sentence(shown)} if shown else {},
    )


def _password_page(
    pages: Pages, flow: ProofingFlow, here: Journey, proofing: Proofing, *, problem: PasswordProblem | None = None
) -> Response:
    return pages.render(
        "new_password.html",
        status=FORM_ERROR if problem else 200,
        address=proofing.address,
        action=url_for("proofing.create_password", authorization_id=here.pending.id),
        minimum_length=flow.minimum_length,
        client_name=here.client_name,
        errors={"password": field_sentence(problem.key, **dict(problem.values))} if problem else {},
    )
