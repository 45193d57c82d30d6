"""The end session endpoint (RP-Initiated Logout 1.0) and the page after it."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from idp.flows.end_session import AskThePerson, EndSessionFlow, SignedOut
from idp.web import forms
from idp.web.pages import Pages

PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales")


def blueprint(flow: EndSessionFlow, pages: Pages) -> Blueprint:
    views = Blueprint("end_session", __name__)
    browser = pages.browser

    def leave(outcome: SignedOut) -> ResponseReturnValue:
        browser.signed_out()
        if outcome.location:
            return redirect(outcome.location, 303)
        return pages.render_bare("signed_out.html", status=200, client_uri=outcome.client_uri, reference=None)

    @views.route("/end-session", methods=["GET", "POST"])
    def end_session() -> ResponseReturnValue:
        outcome = flow.begin(forms.pairs(), browser.known_session())
        if isinstance(outcome, AskThePerson):
            return pages.render(
                "sign_out.html",
                action=url_for("end_session.confirm"),
                hidden_fields=[pair for pair in forms.pairs() if pair[0] in PARAMETERS],
                back_url=url_for("account.show"),
            )
        return leave(outcome)

    @views.post("/end-session/confirm")
    def confirm() -> ResponseReturnValue:
        session = browser.posted_session()
        return leave(flow.confirm([pair for pair in forms.pairs() if pair[0] in PARAMETERS], session))

    @views.get("/end-session/confirm")
    def confirmed() -> ResponseReturnValue:
        return redirect(url_for("end_session.end_session"), 303)

    @views.get("/signed-out")
    def signed_out() -> ResponseReturnValue:
        return pages.render_bare("signed_out.html", status=200, client_uri=None, reference=None)

    return views
