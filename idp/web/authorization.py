"""Journey A at the front: the authorization endpoint, and the address to which every page returns."""

from flask import Blueprint, Response, make_response, redirect, url_for
from flask.typing import ResponseReturnValue

from idp.domain.accounts import Account
from idp.domain.authorization import PendingAuthorization
from idp.domain.sessions import Session
from idp.flows.authorization import AuthorizationFlow, Finished, Step
from idp.web import forms
from idp.web.browser import Browser
from idp.web.headers import allow_form_target
from idp.web.pages import Pages, announce_end, language, prefer_languages
from idp.web.step_urls import step_url
from idp.web.this_answer import this_request

STEP_PAGES = {
    Step.ADDRESS: "sign_in.address",
    Step.SIGN_IN: "sign_in.methods",
    Step.PASSKEY: "passkey_sign_in.show",
    Step.CODE: "sign_in.code",
    Step.MAILBOX: "mailbox.show",
    Step.NEW_PASSWORD: "new_password.show",
    Step.RENEWED_PASSWORD: "renewed_password.show",
    Step.CONFIRMATION_OFFER: "confirmation_offer.show",
    Step.PASSKEY_OFFER: "passkey_offer.show",
    Step.UNIVERSITY: "university_choice.show",
    Step.OTHER_PERSON: "arrival.other_person",
    Step.GIVE_ADDRESS: "arrival.give_address",
    Step.CONSENT: "consent.show",
    Step.REOPEN: "closing.reopen",
    Step.FINISH: "authorization.dispatch",
}


def blueprint(flow: AuthorizationFlow, pages: Pages) -> Blueprint:
    """``/authorize`` (OpenID Connect Core 3.1.2) and ``/sign-in/<handle>``."""
    views = Blueprint("authorization", __name__)
    browser = pages.browser

    @views.route("/authorize", methods=["GET", "POST"])
    def authorize() -> ResponseReturnValue:
        parameters = forms.pairs()
        if link := browser.as_link(parameters):
            return link
        if browser.was_kept_back:
            # Too long for a link: posted once more by a page of ours it comes with the cookie.
            here = url_for("authorization.authorize")
            return pages.render_bare("sent_on.html", status=200, action=here, fields=parameters)
        outcome = flow.begin(parameters, browser.session())
        if isinstance(outcome, Finished):
            return carry(outcome, pages)
        return led(flow, pages, outcome.pending)

    @views.get("/sign-in/<authorization_id>")
    def dispatch(authorization_id: str) -> ResponseReturnValue:
        return lead_on(flow, pages, authorization_id)

    @views.post("/sign-in/<authorization_id>/cancel")
    def cancel(authorization_id: str) -> ResponseReturnValue:
        session = browser.posted_session()
        return carry(flow.cancel(flow.pending(authorization_id, session), session), pages)

    return views


def carry(finished: Finished, pages: Pages) -> Response:
    """Send the browser away with the answer: by a redirect, or by a form that it posts (response mode form_post).

    The page reads no database: an error travels also while there is none.
    """
    if not finished.fields:
        return make_response(redirect(finished.location, 303))
    allow_form_target(finished.location)
    return pages.render_bare("form_post.html", status=200, action=finished.location, fields=finished.fields)


def next_page(authorization_id: str) -> str:
    """The address that leads to whatever comes next in this journey."""
    return step_url("authorization.dispatch", authorization_id)


def signed_in_leads_on(authorization_id: str) -> Response:
    """Who has just signed in has nearly always arrived: that address decides, and ends the journey at once."""
    return make_response(redirect(next_page(authorization_id), 303))


def lead_on(flow: AuthorizationFlow, pages: Pages, authorization_id: str) -> Response:
    """To whatever comes next in this journey, which may be its end; without another request to find it out."""
    return led(flow, pages, flow.pending(authorization_id, pages.browser.session()))


def led(flow: AuthorizationFlow, pages: Pages, pending: PendingAuthorization) -> Response:
    """The same, where the waiting request was just read.

    A form that is sent twice shows the answer to the second one: the end waits for the request that follows.
    """
    what = flow.go_on(pending, pages.browser.session(), may_finish=this_request().method == "GET")
    if isinstance(what, Finished):
        return carry(what, pages)
    return make_response(redirect(step_url(STEP_PAGES[what], pending.id), 303))


def journey_at(
    step: Step, flow: AuthorizationFlow, browser: Browser, authorization_id: str, *, posted: bool = False
) -> tuple["Journey", Account | None]:
    """The journey; and the account that is signed in, if this step is the next one of the journey."""
    here = Journey.waiting(flow, browser, authorization_id, posted=posted, of_account=True)
    return here, flow.account_at(step, here.pending, here.session)


class Journey:
    """What the pages of one waiting request share: the request, its application, the language asked for."""

    def __init__(self, flow: AuthorizationFlow, session: Session, pending: PendingAuthorization) -> None:
        self.session, self.pending = session, pending
        prefer_languages(self.pending.request.ui_locales)
        announce_end(self.pending.expires_at)
        self.client_name = flow.client_name(self.pending, language())
        allow_form_target(self.pending.request.redirect_uri)

    @classmethod
    def waiting(
        cls,
        flow: AuthorizationFlow,
        browser: Browser,
        authorization_id: str,
        *,
        posted: bool = False,
        of_account: bool = False,
    ) -> "Journey":
        """The one with this handle, in this browser. of_account: see ``Browser.posted_session``."""
        session = browser.posted_session(of_account=of_account) if posted else browser.session()
        return cls(flow, session, flow.pending(authorization_id, session))

    def hear_whether_shared(self, browser: Browser) -> None:
        """Follow the box « shared computer » of the form that was sent."""
        self.session = browser.hear_whether_shared()

    def reference_for(self, problem: object) -> str | None:
        """The journey's reference, for a page that refuses something; None where it refuses nothing."""
        return self.pending.reference if problem else None

    @property
    def application(self) -> str:
        return self.client_name or ""
