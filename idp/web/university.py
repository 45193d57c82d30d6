"""The way to the university and back, and our SAML metadata."""

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from idp.flows.university import UniversityFlow
from idp.web import forms
from idp.web.authorization import Journey
from idp.web.browser import Browser
from idp.web.pages import Pages, language


def blueprint(flow: UniversityFlow, browser: Browser) -> Blueprint:
    """``/saml/…``."""
    views = Blueprint("university", __name__)

    @views.get("/saml/metadata")
    def metadata() -> ResponseReturnValue:
        signed = request.args.get("signed") == "1"
        return Response(flow.own_metadata(signed=signed), mimetype="application/samlmetadata+xml")

    @views.post("/saml/acs")
    def assertion_consumer_service() -> ResponseReturnValue:
        proofing = flow.answer(forms.field("SAMLResponse"), browser.known_session())
        return redirect(url_for("arrival.resume", proofing_id=proofing.id), 303)

    return views


def leave_for(flow: UniversityFlow, pages: Pages, here: Journey, entity_id: str) -> Response:
    """Send the browser to this university with a request of ours: by a redirect, or by a form that it posts."""
    outgoing = flow.begin(here.pending, here.session, entity_id)
    if not outgoing.fields:
        return make_response(redirect(outgoing.url, 303))
    return pages.render(
        "leave_for_university.html",
        action=outgoing.url,
        fields=outgoing.fields,
        university=flow.provider(entity_id).name(language()),
    )
