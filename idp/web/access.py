"""``/account/applications/…``, ``/account/sessions/…``: who can reach the account, and ending each of it.

Every act asks for a fresh sign-in. Whoever had to sign in first comes back to a page that names what they wanted to
end, with one button; opening that page changes nothing.
"""

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, format_datetime
from flask_babel import gettext as _

from idp.domain.accounts import Account
from idp.domain.passkeys import is_by_passkey
from idp.domain.sessions import AMR_CODE, AMR_PASSWORD, Session
from idp.flows.access import AccessFlow, Application, OpenSession
from idp.flows.account import AccountFlow
from idp.flows.end_session import EndSessionFlow
from idp.web import forms
from idp.web.account_door import AccountDoor
from idp.web.claim_names import claim_names
from idp.web.device_names import device_name
from idp.web.end_session import signed_out_next
from idp.web.pages import Pages, language


def blueprint(
    flow: AccessFlow,
    account_flow: AccountFlow,
    door: AccountDoor,
    end_session: EndSessionFlow,
    pages: Pages,
) -> Blueprint:
    views = Blueprint("access", __name__, url_prefix="/account")
    browser = pages.browser

    @views.get("/applications/withdraw")
    def application() -> ResponseReturnValue:
        client_id = request.args.get("client_id", "")
        _, account = door.fresh("access.application", client_id=client_id)
        found = flow.application(account, client_id, language())
        return _application_page(pages, found) if found else redirect(url_for("account.show"), 303)

    @views.post("/applications/withdraw")
    def withdraw() -> ResponseReturnValue:
        client_id = forms.field("client_id")
        _, account = door.fresh("access.application", posted=True, client_id=client_id)
        flow.withdraw(account, client_id)
        return redirect(url_for("account.show", _anchor="applications"), 303)

    @views.get("/sessions/end")
    def session() -> ResponseReturnValue:
        sid = request.args.get("sid", "")
        here, account = door.fresh("access.session", sid=sid)
        found = next((one for one in flow.sessions_of(account, here) if one.sid == sid), None)
        return _session_page(pages, found) if found else redirect(url_for("account.show"), 303)

    @views.post("/sessions/end")
    def end_other_session() -> ResponseReturnValue:
        sid = forms.field("sid")
        here, account = door.fresh("access.session", posted=True, sid=sid)
        flow.end_session(account, here, sid)
        return redirect(url_for("account.show", _anchor="sessions"), 303)

    @views.get("/sign-out-everywhere")
    def everywhere() -> ResponseReturnValue:
        door.fresh("access.everywhere")
        return _everywhere_page(pages)

    @views.post("/sign-out-everywhere")
    def sign_out_everywhere() -> ResponseReturnValue:
        if browser.session_to_end() is None:
            return redirect(url_for("end_session.signed_out"), 303)
        here, account = door.fresh("access.everywhere", posted=True)
        outcome = end_session.ended(here, account_flow.sign_out_everywhere(account, here))
        browser.signed_out()
        return signed_out_next(pages, outcome)

    return views


def access_section(flow: AccessFlow, account: Account, session: Session) -> dict[str, object]:
    """The context of ``account/_applications.html`` and ``account/_sessions.html``."""
    return {
        "applications": [application_line(one) for one in flow.applications(account, language())],
        "withdraw_action": url_for("access.withdraw"),
        "sessions": [session_line(one) for one in flow.sessions_of(account, session)],
        "end_session_action": url_for("access.end_other_session"),
        "sign_out_everywhere_action": url_for("access.sign_out_everywhere"),
    }


def application_line(application: Application) -> dict[str, object]:
    """One application as pages show it."""
    return {
        "client_id": application.client_id,
        "name": application.name,
        "since": format_date(application.since, "long"),
        "received": claim_names(application.claims),
        "agreed_at": format_date(application.agreed_at, "long") if application.agreed_at else None,
        "reads_until": format_date(application.reads_until, "long") if application.reads_until else None,
    }


def session_line(session: OpenSession) -> dict[str, object]:
    """One open session as pages show it."""
    is_by_code = AMR_CODE in session.methods and AMR_PASSWORD not in session.methods
    return {
        "sid": session.sid,
        "device": device_name(session.kind),
        "since": format_datetime(session.since, "d MMMM yyyy HH:mm"),
        "is_by_code": is_by_code,
        "is_by_passkey": is_by_passkey(session.methods),
        "is_here": session.is_here,
    }


def _application_page(pages: Pages, application: Application) -> Response:
    return _confirm_page(
        pages,
        "application",
        url_for("access.withdraw"),
        _("Retirer l’accès"),
        fields=[("client_id", application.client_id)],
        application=application_line(application),
    )


def _session_page(pages: Pages, session: OpenSession) -> Response:
    return _confirm_page(
        pages,
        "session",
        url_for("access.end_other_session"),
        _("Déconnecter cet appareil"),
        fields=[("sid", session.sid)],
        session=session_line(session),
    )


def _everywhere_page(pages: Pages) -> Response:
    action = url_for("access.sign_out_everywhere")
    return _confirm_page(pages, "everywhere", action, _("Se déconnecter partout"), fields=[])


def _confirm_page(
    pages: Pages, what: str, action: str, button: str, *, fields: list[tuple[str, str]], **shown: Any
) -> Response:
    back_url = url_for("account.show")
    return pages.render(
        "end_access.html", what=what, action=action, button=button, hidden_fields=fields, back_url=back_url, **shown
    )
