"""The pages ``check-mailbox`` and ``confirm-link``."""

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from idp.domain.claims import display_name
from idp.domain.proofing import Proofing
from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.mailbox import MailboxFlow
from idp.web import forms
from idp.web.authorization import STEP_PAGES, Journey, lead_on, led
from idp.web.delivery import asked_again, is_resent, mail_news, why_not_sent
from idp.web.pages import Pages, known_language, language
from idp.web.sentences import field_sentence
from idp.web.step_urls import step_url


def blueprint(flow: MailboxFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    """``/sign-in/<handle>/mailbox`` and ``/proofing/link/<token>``."""
    views = Blueprint("mailbox", __name__)
    browser = pages.browser

    def journey(authorization_id: str, *, posted: bool = False) -> Journey:
        return Journey.waiting(authorization, browser, authorization_id, posted=posted)

    @views.get("/sign-in/<authorization_id>/mailbox")
    def show(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        proofing = authorization.proofing_at(Step.MAILBOX, here.pending, here.session)
        if proofing is None:
            return lead_on(authorization, pages, authorization_id)
        return _mailbox_page(pages, flow, here, flow.own(here.pending, here.session, proofing))

    @views.post("/sign-in/<authorization_id>/mailbox")
    def confirm_code(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        here.pending, proofing = flow.of(here.pending, here.session, forms.optional_field("proofing"))
        problem = flow.with_code(proofing, here.session, forms.field("code"))
        if problem is not None:
            return _mailbox_page(pages, flow, here, proofing, problem=problem)
        return led(authorization, pages, here.pending)

    @views.post("/sign-in/<authorization_id>/mailbox/send")
    def send_mail(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        here.pending, proofing = flow.of(here.pending, here.session, forms.optional_field("proofing"))
        sent = flow.send_mail(proofing, here.session, locale=known_language(), application=here.application)
        return redirect(asked_again(step_url(STEP_PAGES[Step.MAILBOX], authorization_id), sent=sent), 303)

    @views.get("/sign-in/<authorization_id>/mailbox/send")
    def mail_sent(authorization_id: str) -> ResponseReturnValue:
        return lead_on(authorization, pages, authorization_id)

    @views.get("/proofing/link/<token>")
    def link(token: str) -> ResponseReturnValue:
        """The mailed link: shows a button and changes nothing (mail scanners open links)."""
        proofing = flow.open_link(token, browser.session())
        return pages.render(
            "confirm_link.html",
            address=proofing.address,
            university=flow.university_name(proofing, language()),
            person=display_name(proofing.attributes) or None,
            action=url_for("mailbox.follow_link", token=token),
        )

    @views.post("/proofing/link/<token>")
    def follow_link(token: str) -> ResponseReturnValue:
        authorization_id = flow.follow_link(token, browser.posted_session(), url_for("account.show"))
        return lead_on(authorization, pages, authorization_id)

    return views


def _mailbox_page(
    pages: Pages, flow: MailboxFlow, here: Journey, proofing: Proofing, *, problem: str | None = None
) -> Response:
    handle = here.pending.id
    delivery = flow.delivery(proofing)
    shown = problem or ("mailbox.held" if delivery is None else why_not_sent())
    return pages.render(
        "check_mailbox.html",
        status=forms.FORM_ERROR if problem else 200,
        address=proofing.address,
        university=flow.university_name(proofing, language()),
        person=display_name(proofing.attributes) or None,
        hidden_fields=(("proofing", proofing.id),),
        is_given=proofing.address_given,
        typed=flow.expects_other(here.pending, proofing),
        choose_url=step_url(STEP_PAGES[Step.UNIVERSITY], handle),
        deny_action=step_url("arrival.deny", handle),
        action=step_url("mailbox.confirm_code", handle),
        resend_action=step_url("mailbox.send_mail", handle),
        restart_url=step_url("sign_in.restart", handle),
        resent=is_resent(),
        delivery=mail_news(delivery),
        client_name=here.client_name,
        reference=here.reference_for(problem),
        errors={"code" if problem else "form": field_sentence(shown)} if shown else {},
    )
