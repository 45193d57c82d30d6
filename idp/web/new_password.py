"""The page ``new-password``."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from idp.domain.new_passwords import PasswordProblem
from idp.domain.proofing import Proofing
from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.mailbox import MailboxFlow
from idp.flows.new_password import NewPasswordFlow
from idp.web import forms
from idp.web.authorization import Journey, lead_on, signed_in_leads_on
from idp.web.pages import Pages, known_language, language
from idp.web.password_page import choice_shown
from idp.web.step_urls import step_url
from idp.web.ways_in import not_mine


def blueprint(flow: NewPasswordFlow, mailbox: MailboxFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    """``/sign-in/<handle>/new-password``."""
    views = Blueprint("new_password", __name__)
    browser = pages.browser

    def journey(authorization_id: str, *, posted: bool = False) -> Journey:
        return Journey.waiting(authorization, browser, authorization_id, posted=posted)

    @views.get("/sign-in/<authorization_id>/new-password")
    def show(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        proofing = authorization.proofing_at(Step.NEW_PASSWORD, here.pending, here.session)
        if proofing is None:
            return lead_on(authorization, pages, authorization_id)
        return _password_page(pages, flow, mailbox, here, mailbox.own(here.pending, here.session, proofing))

    @views.post("/sign-in/<authorization_id>/new-password")
    def create(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        _, proofing = mailbox.of(here.pending, here.session)
        password, locale = forms.field("password"), known_language()
        outcome = flow.choose_password(
            here.pending, proofing, here.session, password, browser.device, locale=locale, not_mine=not_mine()
        )
        if isinstance(outcome, PasswordProblem):
            return _password_page(pages, flow, mailbox, here, proofing, problem=outcome)
        browser.signed_in(outcome, proofing.address)
        return signed_in_leads_on(authorization_id)

    return views


def _password_page(
    pages: Pages,
    flow: NewPasswordFlow,
    mailbox: MailboxFlow,
    here: Journey,
    proofing: Proofing,
    *,
    problem: PasswordProblem | None = None,
) -> Response:
    has_earlier_account = flow.has_earlier_account(proofing)
    return pages.render(
        "new_password.html",
        status=forms.FORM_ERROR if problem else 200,
        address=proofing.address,
        action=step_url("new_password.create", here.pending.id),
        client_name=here.client_name,
        by_link=proofing.has_link(here.pending.id),
        has_earlier_account=has_earlier_account,
        university=mailbox.university_name(proofing, language()),
        journey_reference=proofing.reference,
        reference=here.reference_for(problem),
        **choice_shown(proofing.attributes, flow.others(proofing), flow.minimum_length, problem),
    )
