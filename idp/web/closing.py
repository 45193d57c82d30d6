"""``/account/close``, and the page that opens a closed account again after a sign-in."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.closing import ClosingFlow
from idp.web.account_door import AccountDoor
from idp.web.authorization import Journey, lead_on
from idp.web.pages import Pages
from idp.web.step_urls import step_url


def blueprint(
    flow: ClosingFlow, door: AccountDoor, authorization: AuthorizationFlow, pages: Pages, *, log_days: int
) -> Blueprint:
    """log_days: for how long the security log outlives the account."""
    views = Blueprint("closing", __name__)
    browser = pages.browser

    @views.get("/account/close")
    def ask() -> ResponseReturnValue:
        _, account = door.fresh("closing.ask")
        return pages.render(
            "close_account.html",
            address=account.address,
            days=flow.kept.days,
            log_days=log_days,
            action=url_for("closing.close"),
            export_url=url_for("proofs.export_data"),
            back_url=url_for("account.show"),
        )

    @views.post("/account/close")
    def close() -> ResponseReturnValue:
        session = browser.session_to_end(of_account=True)
        if session is None:
            return redirect(url_for("closing.ask"), 303)
        account = door.account(session, "closing.ask", fresh=True)
        flow.close(account)
        browser.signed_out()
        browser.forget("account")
        return redirect(url_for("closing.closed"), 303)

    @views.get("/account/closed")
    def closed() -> ResponseReturnValue:
        if browser.is_signed_in:
            return redirect(url_for("account.show"), 303)
        return pages.render("account_closed.html", days=flow.kept.days, account_url=url_for("account.show"))

    @views.get("/sign-in/<authorization_id>/reopen")
    def reopen(authorization_id: str) -> ResponseReturnValue:
        here = Journey.waiting(authorization, browser, authorization_id)
        account = flow.closed(here.session)
        if account is None or authorization.next_step(here.pending, here.session) is not Step.REOPEN:
            return lead_on(authorization, pages, authorization_id)
        return pages.render(
            "reopen_account.html",
            address=account.address,
            until=format_date(account.reopens_until, "long"),
            action=step_url("closing.reopened", authorization_id),
            sign_out_action=url_for("account.sign_out"),
            client_name=here.client_name,
        )

    @views.post("/sign-in/<authorization_id>/reopen")
    def reopened(authorization_id: str) -> ResponseReturnValue:
        here = Journey.waiting(authorization, browser, authorization_id, posted=True, of_account=True)
        account = flow.closed(here.session)
        if account is not None:
            flow.reopen(account)
        return lead_on(authorization, pages, authorization_id)

    return views
