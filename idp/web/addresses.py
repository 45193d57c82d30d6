"""``/account/addresses/…``: the addresses of an account, and merging the account that has one of them."""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from idp.domain import one_time_codes
from idp.domain.merging import Merge
from idp.domain.one_time_codes import OneTimeCode
from idp.flows.addresses import AddressesFlow
from idp.web import forms
from idp.web.account_door import AccountDoor
from idp.web.delivery import asked_again, is_resent, mail_news, why_not_sent
from idp.web.pages import Pages, known_language
from idp.web.sentences import field_sentence
from idp.web.ways_in import REMOVED


def blueprint(flow: AddressesFlow, door: AccountDoor, pages: Pages) -> Blueprint:
    """Every page and act here asks for a fresh sign-in."""
    views = Blueprint("addresses", __name__, url_prefix="/account/addresses")

    @views.get("/new")
    def new() -> ResponseReturnValue:
        door.fresh("addresses.new")
        return _new_page(pages)

    @views.post("/new")
    def ask() -> ResponseReturnValue:
        session, account = door.fresh("addresses.new", posted=True)
        typed, is_again = forms.field("email"), "again" in request.form
        outcome = flow.ask(account, session, typed, locale=known_language(), is_again=is_again)
        if isinstance(outcome, OneTimeCode):
            page = url_for("addresses.code", code_id=outcome.id)
            return redirect(asked_again(page, sent=True) if is_again else page, 303)
        valid = flow.still_valid(account, session, typed) if outcome == "code.too_many_mails" else None
        if valid is not None:
            return redirect(asked_again(url_for("addresses.code", code_id=valid.id), sent=False), 303)
        return _new_page(pages, typed, outcome)

    @views.get("/code/<code_id>")
    def code(code_id: str) -> ResponseReturnValue:
        session, account = door.fresh("addresses.new")
        asked = flow.asked(account, session, code_id)
        if asked is None:
            return redirect(url_for("addresses.new"), 303)
        was_again = is_resent() or why_not_sent() is not None
        return _code_page(pages, flow, asked, is_used_up=was_again and flow.is_used_up(asked, session))

    @views.post("/code/<code_id>")
    def confirm(code_id: str) -> ResponseReturnValue:
        session, account = door.fresh("addresses.new", posted=True)
        asked = flow.asked(account, session, code_id)
        if asked is None:
            return redirect(url_for("addresses.new"), 303)
        outcome = flow.confirm(account, session, asked, forms.field("code"))
        if isinstance(outcome, Merge):
            return redirect(url_for("merging.show", merge_id=outcome.id), 303)
        if outcome is not None:
            return _code_page(pages, flow, asked, problem=outcome, is_used_up=outcome == "code.too_many")
        return redirect(url_for("account.show", _anchor="addresses"), 303)

    @views.post("/primary")
    def make_primary() -> ResponseReturnValue:
        _, account = door.fresh("account.show", posted=True, _anchor="addresses")
        flow.make_primary(account, forms.field("address"))
        return redirect(url_for("account.show", _anchor="addresses"), 303)

    @views.post("/remove")
    def remove() -> ResponseReturnValue:
        _, account = door.fresh("account.show", posted=True, _anchor="addresses")
        removed = REMOVED if flow.remove(account, forms.field("address")) else None
        return redirect(url_for("account.show", removed=removed, _anchor="addresses"), 303)

    @views.get("/primary")
    @views.get("/remove")
    def done() -> ResponseReturnValue:
        return redirect(url_for("account.show"), 303)

    return views


def _new_page(pages: Pages, typed: str = "", problem: str | None = None) -> Response:
    return pages.render(
        "new_address.html",
        status=forms.FORM_ERROR if problem else 200,
        action=url_for("addresses.ask"),
        email=typed[:300],
        back_url=url_for("account.show"),
        errors={"email": field_sentence(problem)} if problem else {},
    )


def _code_page(
    pages: Pages, flow: AddressesFlow, asked: OneTimeCode, *, problem: str | None = None, is_used_up: bool = False
) -> Response:
    shown = problem or ("code.too_many" if is_used_up else why_not_sent())
    return pages.render(
        "new_address_code.html",
        status=forms.FORM_ERROR if problem else 200,
        address=asked.address,
        action=url_for("addresses.confirm", code_id=asked.id),
        resend_action=url_for("addresses.ask"),
        hidden_fields=(("email", asked.address), ("again", "yes")),
        back_url=url_for("account.show"),
        minutes=one_time_codes.MINUTES,
        is_used_up=is_used_up,
        resent=is_resent() and not is_used_up,
        delivery=mail_news(flow.delivery(asked)),
        # What is wrong with the address no other code would change.
        errors={"code" if problem and problem.startswith("code.") else "form": field_sentence(shown)} if shown else {},
    )
