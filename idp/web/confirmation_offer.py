"""The page ``confirmation-offer`` on the way to an application: a status that ended is confirmed now, or later.

It comes right after a sign-in, and nothing depends on it. « Plus tard » keeps it away from this account for 30 days;
the account page offers it always.
"""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from idp.domain.accounts import Account
from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.proofs import PUT_OFF, ProofsFlow
from idp.flows.university import UniversityFlow
from idp.web.authorization import Journey, journey_at, lead_on
from idp.web.pages import Pages, language
from idp.web.step_urls import step_url
from idp.web.university import leave_for


def blueprint(
    proofs: ProofsFlow,
    university: UniversityFlow,
    authorization: AuthorizationFlow,
    pages: Pages,
) -> Blueprint:
    """``/sign-in/<handle>/affiliation`` and ``…/later``."""
    views = Blueprint("confirmation_offer", __name__, url_prefix="/sign-in/<authorization_id>/affiliation")

    def asked(authorization_id: str, *, posted: bool = False) -> tuple[Journey, Account | None, str]:
        """The journey; and the account with the university that can confirm, if this page is its next one."""
        step, browser = Step.CONFIRMATION_OFFER, pages.browser
        here, account = journey_at(step, authorization, browser, authorization_id, posted=posted)
        entity_id = proofs.confirming_university(account) if account else None
        return here, account if entity_id else None, entity_id or ""

    @views.get("")
    def show(authorization_id: str) -> ResponseReturnValue:
        here, account, entity_id = asked(authorization_id)
        if account is None:
            return lead_on(authorization, pages, authorization_id)
        return pages.render(
            "confirmation_offer.html",
            university=university.provider(entity_id).name(language()),
            since=format_date(proofs.ended_on(account), "long"),
            put_off_days=PUT_OFF.days,
            action=step_url("confirmation_offer.confirm", here.pending.id),
            later_action=step_url("confirmation_offer.later", here.pending.id),
            client_name=here.client_name,
        )

    @views.post("")
    def confirm(authorization_id: str) -> ResponseReturnValue:
        """To the university, which names who is signed in here; the journey goes on when it did, and if it does not."""
        here, account, entity_id = asked(authorization_id, posted=True)
        if account is None:
            return lead_on(authorization, pages, authorization_id)
        authorization.offer_passkey(here.pending, here.session, offers=False)
        return leave_for(university, pages, here, entity_id)

    @views.post("/later")
    def later(authorization_id: str) -> ResponseReturnValue:
        here, account, _ = asked(authorization_id, posted=True)
        if account is not None:
            authorization.put_off_confirmation(here.pending, here.session)
        return lead_on(authorization, pages, authorization_id)

    @views.get("/later")
    def put_off(authorization_id: str) -> ResponseReturnValue:
        return lead_on(authorization, pages, authorization_id)

    return views
