"""Journey A at the front: the authorization endpoint, and the address to which every page returns."""

from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from idp.domain.authorization import PendingAuthorization
from idp.domain.sessions import Session
from idp.flows.authorization import AuthorizationFlow, Finished, Step
from idp.web import forms
from idp.web.browser import Browser
from idp.web.headers import allow_form_target
from idp.web.pages import Pages, announce_end, language, prefer_languages

STEP_PAGES = {
    Step.ADDRESS: "sign_in.address",
    Step.SIGN_IN: "sign_in.methods",
    Step.PASSKEY: "passkey_sign_in.show",
    Step.CODE: "sign_in.code",
    Step.MAILBOX: "mailbox.show",
    Step.NEW_PASSWORD: "new_password.show",
    Step.RENEWED_PASSWORD: "renewed_password.show",
    Step.PASSKEY_OFFER: "passkey_offer.show",
    Step.UNIVERSITY: "university_choice.show",
    Step.OTHER_PERSON: "arrival.other_person",
    Step.GIVE_ADDRESS: "arrival.give_address",
    Step.CONSENT: "consent.show",
    Step.REOPEN: "closing.reopen",
    Step.FINISH: "authorization.dispatch",
}


def blueprint(flow: AuthorizationFlow, pages: Pages, address_page: Callable[["Journey"], Response]) -> Blueprint:
    """``/authorize`` (OpenID Connect Core 3.1.2) and ``/sign-in/<handle>``.

    address_page: the page that nearly every sign-in begins with.
    """
    views = Blueprint("authorization", __name__)
    browser = pages.browser

    @views.route("/authorize", methods=["GET", "POST"])
    def authorize() -> ResponseReturnValue:
        session = browser.session()
        outcome = flow.begin(forms.pairs(), session)
        if isinstance(outcome, Finished):
            return carry(outcome, pages)
        step = flow.next_step(outcome.pending, session)
        if step is Step.ADDRESS and _may_be_asked_again():
            return address_page(Journey(flow, session, outcome.pending))
        return _to_page(step, outcome.pending)

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
    allow_form_target(_origin(finished.location))
    return pages.render_bare("form_post.html", status=200, action=finished.location, fields=finished.fields)


def next_page(authorization_id: str) -> str:
    """The address that leads to whatever comes next in this journey."""
    return url_for("authorization.dispatch", authorization_id=authorization_id)


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
    what = flow.go_on(pending, pages.browser.session(), may_finish=request.method == "GET")
    return carry(what, pages) if isinstance(what, Finished) else _to_page(what, pending)


def _to_page(step: Step, pending: PendingAuthorization) -> Response:
    return make_response(redirect(url_for(STEP_PAGES[step], authorization_id=pending.id), 303))


def _may_be_asked_again() -> bool:
    """Whether this address may show a page: reloaded, or come back to, it begins the same journey anew.

    Otherwise the page has an address of its own: who pushed a request may use it once (RFC 9126 section 4).
    """
    return request.method == "GET" and "request_uri" not in request.args


class Journey:
    """What the pages of one waiting request share: the request, its application, the language asked for."""

    def __init__(self, flow: AuthorizationFlow, session: Session, pending: PendingAuthorization) -> None:
        self.session = session
        self.pending = pending
        prefer_languages(self.pending.request.ui_locales)
        announce_end(self.pending.expires_at)
        self.client_name = flow.client_name(self.pending, language())
        allow_form_target(_origin(self.pending.request.redirect_uri))

    @classmethod
    def of(cls, flow: AuthorizationFlow, browser: Browser, authorization_id: str, *, posted: bool = False) -> Self:
        """The journey with this handle; posted: for a form that was sent."""
        session = browser.posted_session() if posted else browser.session()
        return cls(flow, session, flow.pending(authorization_id, session))

    def hear_whether_shared(self, browser: Browser) -> None:
        """Follow the box « shared computer » of the form that was sent."""
        self.session = browser.share(is_shared="shared" in request.form or "shared_now" in request.form)

    def reference_for(self, problem: object) -> str | None:
        """The journey's reference, for a page that refuses something; None where it refuses nothing."""
        return self.pending.reference if problem else None

    @property
    def application(self) -> str:
        return self.client_name or ""


def _origin(redirect_uri: str) -> str:
    """What a form's policy must name beyond https: the origin of a loopback redirect_uri, a native one's scheme."""
    parts = urlsplit(redirect_uri)
    if parts.scheme == "http":
        return f"http://{parts.netloc}"
    return "" if parts.scheme in ("", "https") else f"{parts.scheme}:"
