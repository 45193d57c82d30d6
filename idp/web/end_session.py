"""The end session endpoint (RP-Initiated Logout 1.0) and the page after it."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from idp.flows.end_session import AskThePerson, EndSessionFlow, SignedOut
from idp.web import forms
from idp.web.headers import allow_form_target, allow_frame
from idp.web.pages import Pages, language, prefer_languages

PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales")
# Frames have this long to tell the other applications before the browser goes on.
_SECONDS_FOR_FRAMES = 3


def blueprint(flow: EndSessionFlow, pages: Pages) -> Blueprint:
    views = Blueprint("end_session", __name__)
    browser = pages.browser

    def leave(outcome: SignedOut) -> ResponseReturnValue:
        if outcome.location and not outcome.frames:
            return redirect(outcome.location, 303)
        return signed_out_next(pages, outcome)

    @views.route("/end-session", methods=["GET", "POST"])
    def end_session() -> ResponseReturnValue:
        parameters = _parameters()
        if link := browser.as_link(parameters):
            return link
        outcome = flow.begin(forms.pairs(), browser.known_session())
        if isinstance(outcome, AskThePerson):
            allow_form_target(outcome.location or "")
            return pages.render(
                "sign_out.html",
                action=url_for("end_session.confirm"),
                hidden_fields=parameters,
                back_url=url_for("account.show"),
            )
        if browser.is_signed_in:
            browser.signed_out()
        return leave(outcome)

    @views.post("/end-session/confirm")
    def confirm() -> ResponseReturnValue:
        session = browser.session_to_end()
        outcome = flow.confirm(_parameters(), session)
        if session is not None:
            browser.signed_out()
        return leave(outcome)

    @views.get("/end-session/confirm")
    def confirmed() -> ResponseReturnValue:
        return redirect(url_for("end_session.end_session"), 303)

    @views.get("/signed-out")
    def signed_out() -> ResponseReturnValue:
        _parameters()
        if browser.is_signed_in:
            return redirect(url_for("end_session.end_session"), 303)
        return _signed_out_page(pages, SignedOut())

    return views


def signed_out_next(pages: Pages, outcome: SignedOut) -> ResponseReturnValue:
    """What follows a sign-out: the page's own address, so that a reload sends no form again.

    What happened this time alone is told at once: frames and names of applications are in no address, where anybody
    could have them shown. Sent again, that form leads to the page's own address.
    """
    if request.method == "POST" and outcome == SignedOut():
        return redirect(url_for("end_session.signed_out", ui_locales=request.form.get("ui_locales")), 303)
    return _signed_out_page(pages, outcome)


def _signed_out_page(pages: Pages, outcome: SignedOut) -> Response:
    """Its frames let applications end their sessions in this browser, as far as it allows (Front-Channel Logout 1.0
    section 3)."""
    for address in outcome.frames:
        parts = urlsplit(address)
        allow_frame(f"{parts.scheme}://{parts.netloc}")
    client = outcome.client
    response = pages.render_bare(
        "signed_out.html",
        status=200,
        is_lasting=outcome == SignedOut(),
        client_uri=outcome.location or (client.client_uri if client else None),
        client_name=client.display_name(language()) if client else None,
        frames=outcome.frames,
        untold=[other.display_name(language()) for other in outcome.untold],
        university=outcome.university.name(language()) if outcome.university else None,
        reference=None,
    )
    if outcome.location:
        response.headers["Refresh"] = f"{_SECONDS_FOR_FRAMES}; url={outcome.location}"
    return response


def _parameters() -> list[tuple[str, str]]:
    """What the protocol names; the language asked for there holds for the page."""
    parameters = [pair for pair in forms.pairs() if pair[0] in PARAMETERS]
    prefer_languages(tuple(dict(parameters).get("ui_locales", "").split()))
    return parameters
