"""Back from the university: the pages ``other-person`` and ``give-address``."""

from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from idp.domain.claims import display_name
from idp.domain.errors import Refusal
from idp.domain.proofing import Proofing
from idp.flows.arrival import ArrivalFlow
from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.given_address import GivenAddressFlow
from idp.flows.mailbox import MailboxFlow
from idp.flows.university import UniversityFlow
from idp.web import forms
from idp.web.authorization import STEP_PAGES, Journey, lead_on, led
from idp.web.pages import Pages, known_language, language
from idp.web.sentences import field_sentence
from idp.web.step_urls import step_url
from idp.web.university import leave_for

# More would not be read; the page says that there are others.
SHOWN_DOMAINS = 5


def blueprint(
    flow: ArrivalFlow,
    given: GivenAddressFlow,
    mailbox: MailboxFlow,
    university: UniversityFlow,
    authorization: AuthorizationFlow,
    pages: Pages,
) -> Blueprint:
    """``/saml/resume/<proofing>`` and ``/sign-in/<handle>/person``, ``…/university-address``, ``…/not-me``."""
    views = Blueprint("arrival", __name__)
    browser = pages.browser

    def journey(authorization_id: str, *, posted: bool = False) -> Journey:
        return Journey.waiting(authorization, browser, authorization_id, posted=posted)

    @views.get("/saml/resume/<proofing_id>")
    def resume(proofing_id: str) -> ResponseReturnValue:
        session = browser.known_session()
        if session is None:
            raise Refusal("browser.cookies", "answer of a university without our cookie")
        arrival = flow.resume(proofing_id, session, browser.device)
        here = Journey(authorization, session, arrival.pending)
        if arrival.signed_in is not None:
            browser.signed_in(arrival.signed_in)
        elif arrival.is_expected:
            mailbox.send_first_mail(arrival.proofing, session, locale=known_language(), application=here.application)
        return led(authorization, pages, here.pending)

    @views.get("/sign-in/<authorization_id>/person")
    def other_person(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        proofing = authorization.proofing_at(Step.OTHER_PERSON, here.pending, here.session)
        if proofing is None:
            return lead_on(authorization, pages, authorization_id)
        return _other_person_page(pages, flow, mailbox, here, mailbox.own(here.pending, here.session, proofing))

    @views.post("/sign-in/<authorization_id>/person")
    def go_on(authorization_id: str) -> ResponseReturnValue:
        """« Continuer »: as the person whom the university named."""
        here = journey(authorization_id, posted=True)
        here.pending, proofing = mailbox.of(here.pending, here.session, forms.optional_field("proofing"))
        if proofing.address is not None:
            mailbox.send_first_mail(proofing, here.session, locale=known_language(), application=here.application)
        return led(authorization, pages, here.pending)

    @views.post("/sign-in/<authorization_id>/not-me")
    def turn_back(authorization_id: str) -> ResponseReturnValue:
        """To the choice of another university, or on as the person who is signed in."""
        here = journey(authorization_id, posted=True)
        flow.turn_back(here.pending, here.session)
        if "stay" in request.form:
            return lead_on(authorization, pages, authorization_id)
        return redirect(step_url(STEP_PAGES[Step.UNIVERSITY], authorization_id), 303)

    @views.post("/sign-in/<authorization_id>/not-me/again")
    def deny(authorization_id: str) -> ResponseReturnValue:
        """« Ce n’est pas moi »: to the same university once more, which asks who it is."""
        here = journey(authorization_id, posted=True)
        here.pending, proofing = mailbox.of(here.pending, here.session, forms.optional_field("proofing"))
        flow.deny(here.pending, here.session, proofing)
        return leave_for(university, pages, journey(authorization_id), proofing.entity_id)

    @views.get("/sign-in/<authorization_id>/not-me/again")
    @views.get("/sign-in/<authorization_id>/not-me")
    def turned_back(authorization_id: str) -> ResponseReturnValue:
        return lead_on(authorization, pages, authorization_id)

    @views.get("/sign-in/<authorization_id>/university-address")
    def give_address(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id)
        proofing = authorization.proofing_at(Step.GIVE_ADDRESS, here.pending, here.session)
        if proofing is None:
            return lead_on(authorization, pages, authorization_id)
        mailbox.own(here.pending, here.session, proofing)
        return _give_address_page(pages, flow, given, mailbox, here, proofing, email=here.pending.address or "")

    @views.post("/sign-in/<authorization_id>/university-address")
    def take_address(authorization_id: str) -> ResponseReturnValue:
        here = journey(authorization_id, posted=True)
        here.pending, proofing = mailbox.of(here.pending, here.session, forms.optional_field("proofing"))
        typed = forms.field("email")
        taken = given.take(proofing, typed)
        if isinstance(taken, str):
            return _give_address_page(pages, flow, given, mailbox, here, proofing, email=typed, problem=taken)
        mailbox.send_mail(taken, here.session, locale=known_language(), application=here.application)
        return led(authorization, pages, here.pending)

    return views


def _other_person_page(
    pages: Pages, flow: ArrivalFlow, mailbox: MailboxFlow, here: Journey, proofing: Proofing
) -> Response:
    return pages.render(
        "other_person.html",
        address=proofing.address,
        action=step_url("arrival.go_on", here.pending.id),
        **_person(flow, mailbox, here, proofing),
    )


def _give_address_page(
    pages: Pages,
    flow: ArrivalFlow,
    given: GivenAddressFlow,
    mailbox: MailboxFlow,
    here: Journey,
    proofing: Proofing,
    *,
    email: str,
    problem: str | None = None,
) -> Response:
    domains = given.domains(proofing)
    return pages.render(
        "give_address.html",
        status=forms.FORM_ERROR if problem else 200,
        email=email[:300],
        domains=domains[:SHOWN_DOMAINS],
        has_more_domains=len(domains) > SHOWN_DOMAINS,
        action=step_url("arrival.take_address", here.pending.id),
        reference=here.reference_for(problem),
        errors={"email": field_sentence(problem)} if problem else {},
        **_person(flow, mailbox, here, proofing),
    )


def _person(flow: ArrivalFlow, mailbox: MailboxFlow, here: Journey, proofing: Proofing) -> dict[str, Any]:
    """What both pages say: whom the university named, whom we expected, and the way back."""
    expected = flow.expected(here.pending, proofing, here.session)
    return {
        "university": mailbox.university_name(proofing, language()),
        "person": display_name(proofing.attributes) or None,
        "typed": expected.typed,
        "leads_elsewhere": expected.leads_elsewhere,
        "signed_in_as": expected.signed_in_as,
        "hidden_fields": (("proofing", proofing.id),),
        "not_me_action": step_url("arrival.turn_back", here.pending.id),
        # Whose address leads to another university is not of this one.
        "deny_action": None if expected.leads_elsewhere else step_url("arrival.deny", here.pending.id),
        "client_name": here.client_name,
    }
