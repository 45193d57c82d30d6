"""The page ``passkey-offer`` on the way to an application: a passkey for the next time, now or later.

It is shown once, after a sign-in by password or code, where the browser said that this device can keep passkeys and
nobody else uses it. « Plus tard » keeps it away from this device for half a year; the account page offers it always.
"""

from collections.abc import Callable

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from idp.domain.accounts import Account
from idp.domain.passkeys import PasskeyRefused
from idp.domain.sessions import Session
from idp.flows.account import AccountFlow
from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.passkeys import PasskeyFlow
from idp.web import forms
from idp.web.authorization import Journey, journey_at, lead_on
from idp.web.pages import Pages
from idp.web.passkey_names import keeper_name
from idp.web.passkey_section import NOT_NOW, NOT_NOW_SECONDS
from idp.web.sentences import field_sentence
from idp.web.step_urls import step_url

# What the page's script fills in where the device can keep passkeys.
CAN_KEEP_PASSKEYS = "keeps_passkeys"

OffersPasskey = Callable[[Journey, Session], None]


def offers_passkey(
    flow: PasskeyFlow, accounts: AccountFlow, authorization: AuthorizationFlow, pages: Pages
) -> OffersPasskey:
    """What the pages of a password and of a code call once the person is signed in, with the new session."""

    def offer(here: Journey, session: Session) -> None:
        is_on_the_way = here.pending.request.client_id is not None
        is_possible = forms.optional_field(CAN_KEEP_PASSKEYS) == "yes" and not session.is_shared
        if not is_on_the_way or not is_possible or pages.browser.cookie(NOT_NOW) is not None:
            return
        account = accounts.account(session)
        if account is not None and not flow.of_account(account):
            authorization.offer_passkey(here.pending, session, offers=True)

    return offer


def blueprint(flow: PasskeyFlow, accounts: AccountFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    """``/sign-in/<handle>/passkey-offer`` and ``…/later``."""
    views = Blueprint("passkey_offer", __name__, url_prefix="/sign-in/<authorization_id>/passkey-offer")
    browser = pages.browser

    def asked(authorization_id: str, *, posted: bool = False) -> tuple[Journey, Account | None]:
        """The journey, and the account if this page is its next one and the sign-in is recent enough for it."""
        here, account = journey_at(Step.PASSKEY_OFFER, authorization, browser, authorization_id, posted=posted)
        if account and not accounts.is_fresh(here.session):
            authorization.offer_passkey(here.pending, here.session, offers=False)
            return here, None
        return here, account

    @views.get("")
    def show(authorization_id: str) -> ResponseReturnValue:
        here, account = asked(authorization_id)
        return _page(pages, flow, here, account) if account else lead_on(authorization, pages, authorization_id)

    @views.post("")
    def add(authorization_id: str) -> ResponseReturnValue:
        here, account = asked(authorization_id, posted=True)
        if account is None:
            return lead_on(authorization, pages, authorization_id)
        answer, challenge = forms.field("credential"), forms.field("challenge")
        try:
            flow.add(account, here.session, answer, challenge, keeper_name)
        except PasskeyRefused as refused:
            return _page(pages, flow, here, account, problem=refused.problem)
        authorization.offer_passkey(here.pending, here.session, offers=False)
        return lead_on(authorization, pages, authorization_id)

    @views.post("/later")
    def later(authorization_id: str) -> ResponseReturnValue:
        here, _ = asked(authorization_id, posted=True)
        browser.remember(NOT_NOW, "1", NOT_NOW_SECONDS)
        authorization.offer_passkey(here.pending, here.session, offers=False)
        return lead_on(authorization, pages, authorization_id)

    return views


def _page(pages: Pages, flow: PasskeyFlow, here: Journey, account: Account, *, problem: str | None = None) -> Response:
    offer = flow.offer(account, here.session)
    return pages.render(
        "passkey_offer.html",
        status=forms.FORM_ERROR if problem else 200,
        action=step_url("passkey_offer.add", here.pending.id),
        later_action=step_url("passkey_offer.later", here.pending.id),
        options=offer.options,
        challenge=offer.challenge,
        client_name=here.client_name,
        reference=here.reference_for(problem),
        errors={"form": field_sentence(problem)} if problem else {},
    )
