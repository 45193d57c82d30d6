"""Every other time, with a passkey: the answer that the address page posts, and the page for whoever must use one."""

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from idp.domain.guessing import Denied
from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.passkey_sign_in import PasskeySignInFlow, UnknownPasskey
from idp.web import forms
from idp.web.authorization import Journey, signed_in_leads_on
from idp.web.pages import Pages
from idp.web.sentences import field_sentence
from idp.web.step_urls import step_url


def blueprint(flow: PasskeySignInFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    """The page ``passkey`` below ``/sign-in/<handle>/``."""
    views = Blueprint("passkey_sign_in", __name__, url_prefix="/sign-in/<authorization_id>")
    browser = pages.browser

    @views.get("/passkey")
    def show(authorization_id: str) -> ResponseReturnValue:
        here = Journey.waiting(authorization, browser, authorization_id)
        return _page(pages, flow, authorization, here)

    @views.post("/passkey")
    def with_passkey(authorization_id: str) -> ResponseReturnValue:
        here = Journey.waiting(authorization, browser, authorization_id, posted=True)
        here.hear_whether_shared(browser)
        outcome = flow.sign_in(
            here.pending,
            here.session,
            forms.field("credential"),
            forms.field("challenge"),
            device=browser.device,
            network=request.remote_addr or "",
        )
        if isinstance(outcome, Denied):
            return _page(pages, flow, authorization, here, denied=outcome)
        browser.signed_in(outcome.signed_in, outcome.address)
        return signed_in_leads_on(authorization_id)

    return views


def passkey_request(flow: PasskeySignInFlow, here: Journey) -> dict[str, str]:
    """What ``_passkey_sign_in.html`` shows."""
    asked = flow.request(here.session)
    return {
        "action": step_url("passkey_sign_in.with_passkey", here.pending.id),
        "options": asked.options,
        "challenge": asked.challenge,
    }


def _page(
    pages: Pages,
    flow: PasskeySignInFlow,
    authorization: AuthorizationFlow,
    here: Journey,
    *,
    denied: Denied | None = None,
) -> Response:
    is_required = authorization.next_step(here.pending, here.session) is Step.PASSKEY
    waits_for = here.pending.request.client_id
    response = pages.render(
        "passkey.html",
        status=200 if denied is None else forms.FORM_ERROR,
        passkey=passkey_request(flow, here),
        unknown_passkey=denied.signal if isinstance(denied, UnknownPasskey) else None,
        is_required=is_required,
        is_shared=here.session.is_shared,
        address_url=None if is_required else step_url("sign_in.address", here.pending.id),
        add_url=url_for("passkeys.show"),
        client_name=here.client_name,
        cancel_action=step_url("authorization.cancel", here.pending.id) if waits_for else None,
        reference=here.reference_for(denied),
        errors={"form": field_sentence(denied.problem)} if denied else {},
    )
    if denied is not None and denied.retry_after is not None:
        response.status_code = 429
        response.headers["Retry-After"] = str(denied.retry_after)
    return response
