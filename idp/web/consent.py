"""The page on which a person agrees that an application receives data about them, or does not."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import lazy_gettext as _

from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.consent import ConsentFlow
from idp.web.authorization import Journey, lead_on
from idp.web.claim_names import LABELS, SILENT, claim_value
from idp.web.pages import Pages
from idp.web.step_urls import step_url

_DATES = frozenset({"affiliation_checked_at"})


def blueprint(flow: ConsentFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    """The page ``consent`` below ``/sign-in/<handle>/``; « Refuser » is the journey's own end."""
    views = Blueprint("consent", __name__, url_prefix="/sign-in/<authorization_id>")

    @views.get("/consent")
    def show(authorization_id: str) -> ResponseReturnValue:
        here = Journey.waiting(authorization, pages.browser, authorization_id)
        if authorization.next_step(here.pending, here.session) is not Step.CONSENT:
            return lead_on(authorization, pages, authorization_id)
        asked = flow.asked(here.pending, here.session)
        return pages.render(
            "consent.html",
            client_name=here.client_name,
            client_uri=flow.client_uri(here.pending),
            goes_to=flow.goes_to(here.pending),
            person=asked.person,
            data=rows(asked.data),
            is_offline=asked.is_offline,
            allow_action=step_url("consent.allow", authorization_id),
            refuse_action=step_url("authorization.cancel", authorization_id),
        )

    @views.post("/consent")
    def allow(authorization_id: str) -> ResponseReturnValue:
        here = Journey.waiting(authorization, pages.browser, authorization_id, posted=True, of_account=True)
        if authorization.next_step(here.pending, here.session) is Step.CONSENT:
            flow.allow(here.pending, here.session)
        return lead_on(authorization, pages, authorization_id)

    return views


def rows(data: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Labels with their values, each once; a claim without a label is shown under its own name, never hidden."""
    found: dict[str, dict[str, None]] = {}
    for claim, value in data.items():
        if claim not in SILENT:
            label = str(LABELS.get(claim, claim))
            found.setdefault(label, {}).update(dict.fromkeys(_texts(claim, value)))
    return [(label, _each_once(values)) for label, values in found.items()]


def _each_once(values: Collection[str]) -> list[str]:
    """« Étudiant » is not told where « Étudiant (univ-exemple.fr) » is: two claims say the same of the person."""
    return [value for value in values if not any(other.startswith(f"{value} (") for other in values)]


def _texts(claim: str, value: Any) -> list[str]:
    if claim == "verified_claims":
        return [str(_("université, date et moyens"))]
    if claim in _DATES:
        return [format_date(datetime.fromtimestamp(value, UTC), "long")]
    return [claim_value(claim, str(one)) for one in (value if isinstance(value, list) else [value])]
