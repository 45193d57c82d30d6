"""``/device``: a person types the code that a device shows, sees who asks, and answers (RFC 8628 section 3.3)."""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from idp.flows.authorization import AuthorizationFlow
from idp.flows.device import DeviceFlow, SignInAgain
from idp.web import forms
from idp.web.authorization import next_page
from idp.web.consent import rows
from idp.web.pages import Pages, language
from idp.web.sentences import field_sentence

_LONGEST_CODE = 40


def blueprint(flow: DeviceFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    views = Blueprint("device", __name__, url_prefix="/device")
    browser = pages.browser

    def sign_in(typed: str, max_age: int | None = None) -> ResponseReturnValue:
        """To a sign-in that leads back here. max_age: where there is one that is too old."""
        here = url_for("device.show", user_code=typed[:_LONGEST_CODE] or None)
        waiting = authorization.begin_for_account_page(browser.session(), here, max_age=max_age)
        return redirect(next_page(waiting.pending.id), 303)

    @views.get("")
    def show() -> ResponseReturnValue:
        session, typed = browser.session(), request.args.get("user_code", "")[:_LONGEST_CODE]
        if not flow.is_signed_in(session):
            return sign_in(typed)
        # Opening the address alone looks nothing up: the person compares and sends the code (section 5.4).
        return _code_page(pages, typed)

    @views.post("")
    def look() -> ResponseReturnValue:
        session, typed = browser.posted_session(of_account=True), forms.field("user_code")
        device = flow.look(session, typed, language())
        if isinstance(device, SignInAgain):
            return sign_in(typed, device.max_age)
        if isinstance(device, str):
            return _code_page(pages, typed[:_LONGEST_CODE], problem=device)
        return pages.render(
            "device_confirm.html",
            device=device,
            data=rows(device.data),
            allow_action=url_for("device.approve"),
            refuse_action=url_for("device.deny"),
        )

    @views.post("/approve")
    def approve() -> ResponseReturnValue:
        session, typed = browser.posted_session(of_account=True), forms.field("user_code")
        problem = flow.approve(session, typed)
        if isinstance(problem, SignInAgain):
            return sign_in(typed, problem.max_age)
        if problem:
            return _code_page(pages, typed[:_LONGEST_CODE], problem=problem)
        return redirect(url_for("device.approved"), 303)

    @views.post("/deny")
    def deny() -> ResponseReturnValue:
        session, typed = browser.posted_session(of_account=True), forms.field("user_code")
        problem = flow.deny(session, typed)
        if problem:
            return _code_page(pages, typed[:_LONGEST_CODE], problem=problem)
        return redirect(url_for("device.denied"), 303)

    @views.get("/approved")
    def approved() -> ResponseReturnValue:
        return pages.render("device_done.html", is_approved=True)

    @views.get("/denied")
    def denied() -> ResponseReturnValue:
        return pages.render("device_done.html", is_approved=False)

    return views


def _code_page(pages: Pages, typed: str, *, problem: str | None = None) -> Response:
    status = {None: 200, "user_code.too_many": 429}.get(problem, forms.FORM_ERROR)
    return pages.render(
        "device.html",
        status=status,
        typed=typed,
        action=url_for("device.look"),
        errors={"user_code": field_sentence(problem)} if problem else {},
    )
