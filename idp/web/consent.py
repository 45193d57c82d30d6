"""The page on which a person agrees that an application receives data about them, or does not."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, format_date
from flask_babel import lazy_gettext as _

from idp.flows.authorization import AuthorizationFlow, Step
from idp.flows.consent import ConsentFlow
from idp.web.authorization import Journey, next_page
from idp.web.pages import Pages

_LABELS: dict[str, LazyString] = {
    "name": _("Nom"),
    "given_name": _("Prénom"),
    "family_name": _("Nom de famille"),
    "locale": _("Langue"),
    "email": _("Adresse mail"),
    "eduperson_principal_name": _("Identifiant dans l’établissement"),
    "voperson_external_id": _("Identifiant dans l’établissement"),
    "eduperson_scoped_affiliation": _("Statut dans l’établissement"),
    "eduperson_affiliation": _("Statut dans l’établissement"),
    "eduperson_primary_affiliation": _("Statut dans l’établissement"),
    "voperson_external_affiliation": _("Statut dans l’établissement"),
    "schac_home_organization": _("Établissement"),
    "supann_etu_id": _("Numéro d’étudiant"),
    "schac_personal_unique_code": _("Numéro d’étudiant"),
    "eduperson_orcid": _("Identifiant ORCID"),
    "eduperson_assurance": _("Niveau de vérification de votre identité"),
    "affiliation_checked_at": _("Statut vérifié le"),
    "voperson_id": _("Identifiant de votre compte"),
    "account_type": _("Origine du compte"),
    "invited_role": _("Rôle indiqué à l’invitation"),
    "roles": _("Rôle dans ce service"),
    "verified_claims": _("Vérification de votre identité"),
}
# Told together with what they belong to.
_SILENT = frozenset({"email_verified", "updated_at"})
_DATES = frozenset({"affiliation_checked_at"})


def blueprint(flow: ConsentFlow, authorization: AuthorizationFlow, pages: Pages) -> Blueprint:
    """The page ``consent`` below ``/sign-in/<handle>/``; « Refuser » is the journey's own end."""
    views = Blueprint("consent", __name__, url_prefix="/sign-in/<authorization_id>")

    @views.get("/consent")
    def show(authorization_id: str) -> ResponseReturnValue:
        here = Journey(authorization, pages.browser, authorization_id)
        if authorization.next_step(here.pending, here.session) is not Step.CONSENT:
            return redirect(next_page(authorization_id), 303)
        asked = flow.asked(here.pending, here.session)
        return pages.render(
            "consent.html",
            client_name=here.client_name,
            client_uri=flow.client_uri(here.pending),
            person=asked.person,
            data=rows(asked.data),
            is_offline=asked.is_offline,
            allow_action=url_for("consent.allow", authorization_id=authorization_id),
            refuse_action=url_for("authorization.cancel", authorization_id=authorization_id),
        )

    @views.post("/consent")
    def allow(authorization_id: str) -> ResponseReturnValue:
        here = Journey(authorization, pages.browser, authorization_id, posted=True)
        if authorization.next_step(here.pending, here.session) is Step.CONSENT:
            flow.allow(here.pending, here.session)
        return redirect(next_page(authorization_id), 303)

    return views


def rows(data: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Labels with their values, each once; a claim without a label is shown under its own name, never hidden."""
    found: dict[str, dict[str, None]] = {}
    for claim, value in data.items():
        if claim not in _SILENT:
            label = str(_LABELS.get(claim, claim))
            found.setdefault(label, {}).update(dict.fromkeys(_texts(claim, value)))
    return [(label, list(values)) for label, values in found.items()]


def _texts(claim: str, value: Any) -> list[str]:
    if claim == "verified_claims":
        return [str(_("université, date et moyens"))]
    if claim in _DATES:
        return [format_date(datetime.fromtimestamp(value, UTC), "long")]
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
