"""``/account``: the person's own page."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from idp.domain.accounts import Account
from idp.domain.claims import display_name
from idp.domain.new_passwords import PasswordProblem
from idp.domain.sessions import AMR_CODE, Session, SignIn
from idp.flows.account import AccountFlow
from idp.flows.end_session import EndSessionFlow
from idp.flows.passkeys import PasskeyFlow
from idp.flows.proofs import ProofsFlow
from idp.web import forms
from idp.web.account_door import AccountDoor
from idp.web.account_names import names_section
from idp.web.end_session import signed_out_next
from idp.web.pages import Pages, known_language, language
from idp.web.passkey_section import passkey_section
from idp.web.password_page import choice_shown
from idp.web.proof_cards import university_card
from idp.web.ways_in import not_mine


def blueprint(
    flow: AccountFlow,
    door: AccountDoor,
    end_session: EndSessionFlow,
    proofs: ProofsFlow,
    passkeys: PasskeyFlow,
    pages: Pages,
    sections: Callable[[Account, Session], Mapping[str, Any]],
) -> Blueprint:
    """sections: the context of the parts of the page that have modules of their own."""
    views = Blueprint("account", __name__, url_prefix="/account")
    browser = pages.browser

    @views.get("")
    def show() -> ResponseReturnValue:
        session = browser.session()
        account = door.account(session, "account.show")
        universities = proofs.universities(account, language())
        return pages.render(
            "account.html",
            names=names_section(account, universities),
            person=display_name(account.attributes) or account.address,
            addresses=account.addresses,
            bounces=account.bounces,
            universities=[university_card(one) for one in universities],
            is_out_of_date=proofs.ended_on(account) is not None,
            confirm_action=url_for("proofs.confirm"),
            export_url=url_for("proofs.export_data"),
            password_changed_at=(
                format_date(account.password_changed_at, "long") if account.password_changed_at else None
            ),
            password_url=url_for("account.password"),
            passkeys=passkey_section(passkeys, account, browser),
            is_by_code=session.sign_in is not None and _may_want_a_password(account, session.sign_in),
            sign_out_action=url_for("account.sign_out"),
            **sections(account, session),
        )

    @views.get("/password")
    def password() -> ResponseReturnValue:
        _, account = door.fresh("account.password")
        return _password_page(pages, flow, account)

    @views.post("/password")
    def change_password() -> ResponseReturnValue:
        session, account = door.fresh("account.password", posted=True)
        password, locale = forms.field("password"), known_language()
        outcome = flow.change_password(account, session, password, browser.device, locale=locale, not_mine=not_mine())
        if isinstance(outcome, PasswordProblem):
            return _password_page(pages, flow, account, problem=outcome)
        browser.signed_in(outcome)
        return redirect(url_for("account.show"), 303)

    @views.post("/sign-out")
    def sign_out() -> ResponseReturnValue:
        session = browser.session_to_end()
        if session is None:
            return redirect(url_for("end_session.signed_out"), 303)
        outcome = end_session.sign_out(session)
        browser.signed_out()
        return signed_out_next(pages, outcome)

    @views.get("/sign-out")
    def left() -> ResponseReturnValue:
        return redirect(url_for("end_session.signed_out"), 303)

    return views


def _may_want_a_password(account: Account, sign_in: SignIn) -> bool:
    """Whether only a mailed code led in, and no password has been chosen since."""
    chosen_at = account.password_changed_at
    return sign_in.methods == (AMR_CODE,) and (chosen_at is None or chosen_at < sign_in.proven_at)


def _password_page(
    pages: Pages, flow: AccountFlow, account: Account, *, problem: PasswordProblem | None = None
) -> Response:
    return pages.render(
        "new_password.html",
        status=forms.FORM_ERROR if problem else 200,
        address=account.address,
        action=url_for("account.change_password"),
        back_url=url_for("account.show"),
        **choice_shown(account.attributes, flow.others(account), flow.minimum_length, problem),
    )
