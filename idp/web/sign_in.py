"""Every other time, as pages: the address, then the password or a mailed code."""

from collections.abc import Callable

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue

from idp.domain import one_time_codes
from idp.domain.guessing import Denied
from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.passkey_sign_in import PasskeySignInFlow
from idp.flows.sign_in import AddressAnswer, SignInFlow, Visitor
from idp.web import forms
from idp.web.authorization import STEP_PAGES, Journey, lead_on, led, signed_in_leads_on
from idp.web.browser import Browser
from idp.web.delivery import asked_again, is_resent, mail_news, why_not_sent
from idp.web.pages import Pages, known_language, language
from idp.web.passkey_offer import OffersPasskey
from idp.web.passkey_sign_in import passkey_request
from idp.web.sentences import field_sentence
from idp.web.step_urls import step_url

_NOTHING_TYPED = AddressAnswer()


def blueprint(
    flow: SignInFlow,
    passkeys: PasskeySignInFlow,
    authorization: AuthorizationFlow,
    pages: Pages,
    offers_passkey: OffersPasskey,
) -> Blueprint:
    """The pages ``email``, ``sign-in`` and ``code`` below ``/sign-in/<handle>/``."""
    views = Blueprint("sign_in", __name__, url_prefix="/sign-in/<authorization_id>")
    browser = pages.browser

    def journey(authorization_id: str, *, posted: bool = False) -> Journey:
        return Journey.waiting(authorization, browser, authorization_id, posted=posted)

    @views.get("/address")
    def address(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        hint = here.pending.address or here.pending.request.login_hint or ""
        return _address_page(pages, passkeys, here, email=hint)

    @views.post("/address")
    def give_address(authorization_id: str) -> ResponseReturnValue:
        browser.posted_session()
        session, typed = browser.hear_whether_shared(), forms.field("email")
        answer = flow.read_address(typed, sure="suggested" in request.form)
        if answer.address is not None:
            return led(authorization, pages, authorization.take_address(authorization_id, session, answer.address))
        here = journey(authorization_id, posted=True)
        if answer.refused:
            flow.note_refused(here.pending, answer.refused)
        return _address_page(pages, passkeys, here, email=typed, answer=answer)

    @views.post("/address/remembered")
    def take_remembered(authorization_id: str) -> ResponseReturnValue:
        """« Continuer avec … »: the address of the account card."""
        browser.posted_session()
        session, remembered = browser.hear_whether_shared(), browser.remembered_address
        if remembered is None:
            return lead_on(authorization, pages, authorization_id)
        return led(authorization, pages, authorization.take_address(authorization_id, session, remembered))

    @views.post("/address/forget")
    def forget_address(authorization_id: str) -> ResponseReturnValue:
        """« Ce n’est pas moi »: this browser no longer offers the account."""
        authorization.take_address(authorization_id, browser.posted_session(), None)
        browser.forget("account")
        return redirect(step_url("sign_in.address", authorization_id), 303)

    @views.get("/restart")
    def restart(authorization_id: str) -> ResponseReturnValue:
        """Begin again after an error; the address stays, for correcting it."""
        here = journey(authorization_id)
        flow.begin_again(here.pending, here.session)
        return lead_on(authorization, pages, authorization_id)

    @views.get("/methods")
    def methods(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        if here.pending.address is None:
            return redirect(step_url("sign_in.address", authorization_id), 303)
        return _methods_page(pages, flow, authorization, here)

    @views.post("/methods")
    def with_password(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        here.hear_whether_shared(browser)
        outcome = flow.with_password(here.pending, here.session, forms.field("password"), visitor(browser))
        if isinstance(outcome, Denied):
            return _denied(outcome, lambda: _methods_page(pages, flow, authorization, here, denied=outcome))
        browser.signed_in(outcome, here.pending.address)
        offers_passkey(here, outcome.session)
        return signed_in_leads_on(authorization_id)

    @views.get("/code")
    def code(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        if authorization.next_step(here.pending, here.session) is not Step.CODE:
            return lead_on(authorization, pages, authorization_id)
        return _code_page(pages, flow, here)

    @views.post("/code")
    def with_code(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        here.hear_whether_shared(browser)
        outcome = flow.with_code(here.pending, here.session, forms.field("code"), visitor(browser))
        if isinstance(outcome, Denied):
            return _denied(outcome, lambda: _code_page(pages, flow, here, problem=outcome.problem))
        browser.signed_in(outcome, here.pending.address)
        offers_passkey(here, outcome.session)
        return signed_in_leads_on(authorization_id)

    @views.post("/code/send")
    def send_code(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        here.hear_whether_shared(browser)
        is_again = "again" in request.form
        sent = flow.send_code(
            here.pending,
            here.session,
            locale=known_language(),
            application=here.application,
            is_password_forgotten="forgotten" in request.form,
            is_again=is_again,
        )
        page = step_url(STEP_PAGES[Step.CODE], authorization_id)
        return redirect(page if sent and not is_again else asked_again(page, sent=sent), 303)

    @views.get("/code/send")
    def code_sent(authorization_id: str) -> ResponseReturnValue:
        return lead_on(authorization, pages, authorization_id)

    return views


def visitor(browser: Browser) -> Visitor:
    """Who tries to sign in, as far as limits look at it."""
    return Visitor(browser.device, request.remote_addr or "")


def _address_page(
    pages: Pages,
    passkeys: PasskeySignInFlow,
    here: Journey,
    *,
    email: str,
    answer: AddressAnswer = _NOTHING_TYPED,
) -> Response:
    handle, remembered = here.pending.id, pages.browser.remembered_address
    # Whom the application expects comes before whoever was here last.
    is_offered = answer.problem is None and email in ("", remembered)
    return pages.render(
        "email.html",
        status=200 if answer.problem is None else forms.FORM_ERROR,
        remembered=remembered if is_offered else None,
        remembered_action=step_url("sign_in.take_remembered", handle),
        not_me_action=step_url("sign_in.forget_address", handle),
        action=step_url("sign_in.give_address", handle),
        email=email[:300],
        passkey=passkey_request(passkeys, here),
        is_shared=here.session.is_shared,
        suggestion=answer.suggestion,
        client_name=here.client_name,
        cancel_action=_cancel_action(here),
        reference=here.reference_for(answer.refused),
        errors={"email": field_sentence(answer.refused)} if answer.refused else {},
    )


def _methods_page(
    pages: Pages, flow: SignInFlow, authorization: AuthorizationFlow, here: Journey, *, denied: Denied | None = None
) -> Response:
    handle = here.pending.id
    found = flow.universities(here.pending.address or "")
    university = found[0] if len(found) == 1 else None
    return pages.render(
        "sign_in.html",
        status=200 if denied is None else forms.FORM_ERROR,
        address=here.pending.address,
        change_url=step_url("sign_in.address", handle),
        password_action=step_url("sign_in.with_password", handle),
        code_action=step_url("sign_in.send_code", handle),
        continue_action=step_url("university_choice.leave", handle),
        choose_url=step_url("university_choice.show", handle) if found else None,
        university=university.name(language()) if university else None,
        university_help_url=university.help_url if university else "",
        throttled=denied is not None and denied.retry_after is not None,
        is_proven_elsewhere=authorization.is_proven_elsewhere(here.pending),
        is_shared=here.session.is_shared,
        client_name=here.client_name,
        cancel_action=_cancel_action(here),
        reference=here.reference_for(denied),
        errors={"password": field_sentence(denied.problem)} if denied else {},
    )


def _code_page(pages: Pages, flow: SignInFlow, here: Journey, *, problem: str | None = None) -> Response:
    handle = here.pending.id
    not_sent = why_not_sent()
    is_in_vain = (is_resent() or not_sent is not None) and flow.is_used_up(here.pending, here.session)
    shown = problem or ("code.too_many" if is_in_vain else not_sent)
    return pages.render(
        "code.html",
        status=200 if problem is None else forms.FORM_ERROR,
        address=here.pending.address,
        action=step_url("sign_in.with_code", handle),
        resend_action=step_url("sign_in.send_code", handle),
        hidden_fields=(("again", "yes"), ("shared", "yes" if here.session.is_shared else "")),
        back_url=step_url("sign_in.methods", handle),
        is_shared=here.session.is_shared,
        renews_password=here.pending.renews_password,
        minutes=one_time_codes.MINUTES,
        is_used_up=shown == "code.too_many",
        resent=is_resent() and not is_in_vain,
        delivery=mail_news(flow.delivery(here.pending)),
        client_name=here.client_name,
        reference=here.reference_for(problem),
        errors={"code" if problem else "form": field_sentence(shown)} if shown else {},
    )


def _cancel_action(here: Journey) -> str | None:
    """Where the person says that they do not want to sign in; None where no application waits for them."""
    if here.pending.request.client_id is None:
        return None
    return step_url("authorization.cancel", here.pending.id)


def _denied(denied: Denied, page: Callable[[], Response]) -> Response:
    response = make_response(page())
    if denied.retry_after is not None:
        response.status_code = 429
        response.headers["Retry-After"] = str(denied.retry_after)
    return response
