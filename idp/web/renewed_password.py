"""The page ``new-password`` after a code for a forgotten password: choose another one now, or later."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from idp.domain.accounts import Account
from idp.domain.new_passwords import PasswordProblem
from idp.flows.account import AccountFlow
from idp.flows.authorization import AuthorizationFlow, Step
from idp.web import forms
from idp.web.authorization import Journey, journey_at, lead_on
from idp.web.pages import Pages, known_language
from idp.web.password_page import choice_shown
from idp.web.step_urls import step_url
from idp.web.ways_in import not_mine


def blueprint(flow: AccountFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    """``/sign-in/<handle>/password`` and ``/sign-in/<handle>/password/later``."""
    views = Blueprint("renewed_password", __name__, url_prefix="/sign-in/<authorization_id>/password")
    browser = pages.browser

    def asked(authorization_id: str, *, posted: bool = False) -> tuple[Journey, Account | None]:
        return journey_at(Step.RENEWED_PASSWORD, authorization, browser, authorization_id, posted=posted)

    @views.get("")
    def show(authorization_id: str) -> ResponseReturnValue:
        here, account = asked(authorization_id)
        return _page(pages, flow, here, account) if account else lead_on(authorization, pages, authorization_id)

    @views.post("")
    def choose(authorization_id: str) -> ResponseReturnValue:
        here, account = asked(authorization_id, posted=True)
        if account is None:
            return lead_on(authorization, pages, authorization_id)
        outcome = flow.change_password(
            account,
            here.session,
            forms.field("password"),
            browser.device,
            reference=here.pending.reference,
            locale=known_language(),
            not_mine=not_mine(),
            proven=here.pending.address,
        )
        if isinstance(outcome, PasswordProblem):
            return _page(pages, flow, here, account, problem=outcome)
        authorization.keep_password(here.pending, outcome.session)
        browser.signed_in(outcome)
        return lead_on(authorization, pages, authorization_id)

    @views.post("/later")
    def later(authorization_id: str) -> ResponseReturnValue:
        here, _ = asked(authorization_id, posted=True)
        authorization.keep_password(here.pending, here.session)
        return lead_on(authorization, pages, authorization_id)

    return views


def _page(
    pages: Pages, flow: AccountFlow, here: Journey, account: Account, *, problem: PasswordProblem | None = None
) -> Response:
    handle = here.pending.id
    return pages.render(
        "new_password.html",
        status=forms.FORM_ERROR if problem else 200,
        address=here.pending.address or account.address,
        action=step_url("renewed_password.choose", handle),
        later_action=step_url("renewed_password.later", handle),
        client_name=here.client_name,
        reference=here.reference_for(problem),
        **choice_shown(account.attributes, flow.others(account, here.pending.address), flow.minimum_length, problem),
    )
