"""``/account/export.json`` and ``/account/affiliation``: a person's data to take along, and their status confirmed."""

import json

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from idp.flows.authorization import AuthorizationFlow
from idp.flows.export import ExportFlow
from idp.flows.proofs import ProofsFlow
from idp.flows.university import UniversityFlow
from idp.web.account_door import AccountDoor
from idp.web.authorization import Journey
from idp.web.pages import Pages
from idp.web.step_urls import step_url
from idp.web.university import leave_for


def blueprint(
    door: AccountDoor,
    authorization: AuthorizationFlow,
    proofs: ProofsFlow,
    export: ExportFlow,
    university: UniversityFlow,
    pages: Pages,
) -> Blueprint:
    views = Blueprint("proofs", __name__, url_prefix="/account")
    browser = pages.browser

    @views.get("/export.json")
    def export_data() -> ResponseReturnValue:
        _, account = door.fresh("proofs.export_data")
        answer = Response(json.dumps(export.export(account), ensure_ascii=False, indent=2), mimetype="application/json")
        answer.headers["Content-Disposition"] = 'attachment; filename="export.json"'
        return answer

    @views.post("/affiliation")
    def confirm() -> ResponseReturnValue:
        """Straight to the university that vouched last; whoever it names and is signed in here is back at once."""
        session = browser.posted_session(of_account=True)
        account = door.account(session, "account.show")
        waiting = authorization.begin_proof_for_account_page(session, url_for("account.show"))
        entity_id = proofs.confirming_university(account)
        if entity_id is None:
            choice = step_url("university_choice.show", waiting.pending.id)
            return redirect(choice, 303)
        here = Journey(authorization, session, waiting.pending)
        return leave_for(university, pages, here, entity_id)

    @views.get("/affiliation")
    def confirmed() -> ResponseReturnValue:
        return redirect(url_for("account.show"), 303)

    return views
