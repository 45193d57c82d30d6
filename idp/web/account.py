"""``/account``: the person's own page."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, format_datetime
from werkzeug.wrappers import Response as Redirect

from idp.domain.accounts import Account
from idp.domain.claims import display_name
from idp.domain.new_passwords import PasswordProblem
from idp.domain.passkeys import is_by_passkey
from idp.domain.sessions import AMR_CODE, AMR_PASSWORD, Session
from idp.flows.access import AccessFlow, OpenSession
from idp.flows.account import FRESH, AccountFlow
from idp.flows.authorization import AuthorizationFlow
from idp.flows.end_session import EndSessionFlow
from idp.flows.passkeys import PasskeyFlow
from idp.flows.proofs import ProofsFlow
from idp.web import forms
from idp.web.authorization import next_page
from idp.web.end_session import signed_out_page
from idp.web.pages import Pages, language
from idp.web.passkey_section import passkey_section
from idp.web.proof_cards import university_card
from idp.web.sentences import field_sentence


def blueprint(
    flow: AccountFlow,
    authorization: AuthorizationFlow,
    access: AccessFlow,
    end_session: EndSessionFlow,
    proofs: ProofsFlow,
    passkeys: PasskeyFlow,
    pages: Pages,
    sections: Callable[[Account], Mapping[str, Any]],
) -> Blueprint:
    """sections: the context of the parts of the page that have modules of their own."""
    views = Blueprint("account", __name__, url_prefix="/account")
    browser = pages.browser

    @views.get("")
    def show() -> ResponseReturnValue:
        session = browser.session()
        account = signed_in(flow, authorization, session, "account.show")
        if not isinstance(account, Account):
            return account
        universities = proofs.universities(account, language())
        return pages.render(
            "account.html",
            person=display_name(account.attributes) or account.address,
            addresses=account.addresses,
            bounces=account.bounces,
            universities=[university_card(one) for one in universities],
            is_out_of_date=any(not one.counts for university in universities for one in university.affiliations),
            confirm_action=url_for("proofs.confirm"),
            export_url=url_for("proofs.export_data"),
            password_changed_at=(
                format_date(account.password_changed_at, "long") if account.password_changed_at else None
            ),
            password_url=url_for("account.password"),
            passkeys=passkey_section(passkeys, account, browser),
            is_by_code=session.sign_in is not None and session.sign_in.methods == (AMR_CODE,),
            applications=[
                {"client_id": one.client_id, "name": one.name, "since": format_date(one.since, "long")}
                for one in access.applications(account, language())
            ],
            withdraw_action=url_for("account.withdraw"),
            sessions=[_session_line(one) for one in access.sessions_of(account, session)],
            end_session_action=url_for("account.end_other_session"),
            sign_out_action=url_for("account.sign_out"),
            sign_out_everywhere_action=url_for("account.sign_out_everywhere"),
            **sections(account),
        )

    @views.get("/password")
    def password() -> ResponseReturnValue:
        account = signed_in(flow, authorization, browser.session(), "account.password", fresh=True)
        return _password_page(pages, flow, account) if isinstance(account, Account) else account

    @views.post("/password")
    def change_password() -> ResponseReturnValue:
        session = browser.posted_session()
        account = signed_in(flow, authorization, session, "account.password", fresh=True)
        if not isinstance(account, Account):
            return account
        outcome = flow.change_password(account, session, forms.field("password"), browser.device)
        if isinstance(outcome, PasswordProblem):
            return _password_page(pages, flow, account, problem=outcome)
        browser.signed_in(outcome)
        return redirect(url_for("account.show"), 303)

    @views.post("/applications/withdraw")
    def withdraw() -> ResponseReturnValue:
        account = flow.account(browser.posted_session())
        if account is not None:
            access.withdraw(account, forms.field("client_id"))
        return redirect(url_for("account.show"), 303)

    @views.post("/sessions/end")
    def end_other_session() -> ResponseReturnValue:
        account = flow.account(browser.posted_session())
        if account is not None:
            access.end_session(account, forms.field("sid"))
        return redirect(url_for("account.show"), 303)

    @views.post("/sign-out")
    def sign_out() -> ResponseReturnValue:
        outcome = end_session.sign_out(browser.posted_session())
        browser.signed_out()
        return signed_out_page(pages, outcome)

    @views.post("/sign-out-everywhere")
    def sign_out_everywhere() -> ResponseReturnValue:
        session = browser.posted_session()
        account = flow.account(session)
        ended = flow.sign_out_everywhere(account) if account is not None else ()
        outcome = end_session.ended(session, ended)
        browser.signed_out()
        return signed_out_page(pages, outcome)

    return views


def signed_in(
    flow: AccountFlow, authorization: AuthorizationFlow, session: Session, page: str, *, fresh: bool = False
) -> Account | Redirect:
    """The account, or the way to sign in and back to this page."""
    account = flow.account(session)
    if account is None or (fresh and not flow.is_fresh(session)):
        max_age = int(FRESH.total_seconds()) if fresh else None
        waiting = authorization.begin_for_account_page(session, url_for(page), max_age=max_age)
        return redirect(next_page(waiting.authorization_id), 303)
    return account


def _session_line(session: OpenSession) -> dict[str, object]:
    """One open session as the page lists it."""
    is_by_code = AMR_CODE in session.methods and AMR_PASSWORD not in session.methods
    return {
        "sid": session.sid,
        "since": format_datetime(session.since, "d MMMM yyyy HH:mm"),
        "is_by_code": is_by_code,
        "is_by_passkey": is_by_passkey(session.methods),
        "is_here": session.is_here,
    }


def _password_page(
    pages: Pages, flow: AccountFlow, account: Account, *, problem: PasswordProblem | None = None
) -> Response:
    return pages.render(
        "new_password.html",
        status=422 if problem else 200,
        address=account.address,
        action=url_for("account.change_password"),
        minimum_length=flow.minimum_length,
        errors={"password": field_sentence(problem.key, **dict(problem.values))} if problem else {},
    )
