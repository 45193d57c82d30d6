"""``/account/passkeys``: adding, naming and removing passkeys, each after a fresh sign-in."""

from collections.abc import Callable

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from idp.domain.accounts import Account
from idp.domain.passkeys import LONGEST_NAME, PasskeyRefused
from idp.flows.passkeys import PasskeyFlow
from idp.web import forms
from idp.web.account_door import AccountDoor
from idp.web.pages import Pages
from idp.web.passkey_names import keeper_name
from idp.web.passkey_section import NOT_NOW, NOT_NOW_SECONDS, only_section, passkey_line
from idp.web.sentences import field_sentence
from idp.web.ways_in import REMOVED, is_removed


def blueprint(flow: PasskeyFlow, door: AccountDoor, pages: Pages) -> Blueprint:
    views = Blueprint("passkeys", __name__, url_prefix="/account/passkeys")
    browser = pages.browser

    def changed(account: Account, change: Callable[[], None], removed: str | None = None) -> ResponseReturnValue:
        try:
            change()
        except PasskeyRefused as refused:
            return _page(pages, flow, account, problem=refused.problem)
        return redirect(url_for("passkeys.show", removed=removed), 303)

    @views.get("")
    def show() -> ResponseReturnValue:
        _, account = door.fresh("passkeys.show")
        return _page(pages, flow, account)

    @views.post("")
    def add() -> ResponseReturnValue:
        session, account = door.fresh("passkeys.show", posted=True)
        answer, challenge = forms.field("credential"), forms.field("challenge")
        try:
            flow.add(account, session, answer, challenge, keeper_name, forms.field("name"))
        except PasskeyRefused as refused:
            return _page(pages, flow, account, problem=refused.problem)
        browser.forget(NOT_NOW)
        return redirect(url_for("passkeys.show"), 303)

    @views.post("/rename")
    def rename() -> ResponseReturnValue:
        _, account = door.fresh("passkeys.show", posted=True)
        # Several such forms stand on the page, each with a field of its own name.
        name = forms.field(f"name-{forms.field('position')}")
        flow.rename(account, forms.field("passkey"), name)
        return redirect(url_for("passkeys.show"), 303)

    @views.post("/remove")
    def remove() -> ResponseReturnValue:
        _, account = door.fresh("passkeys.show", posted=True)
        return changed(account, lambda: flow.remove(account, forms.field("passkey")), REMOVED)

    @views.post("/only")
    def only() -> ResponseReturnValue:
        """« Seulement mes clés d’accès »."""
        _, account = door.fresh("passkeys.show", posted=True)
        return changed(account, lambda: flow.take_only_passkeys(account))

    @views.post("/any-method")
    def any_method() -> ResponseReturnValue:
        """Password and mailed code lead in again."""
        _, account = door.fresh("passkeys.show", posted=True)
        flow.take_any_method(account.id)
        return redirect(url_for("passkeys.show"), 303)

    @views.post("/not-now")
    def not_now() -> ResponseReturnValue:
        """The person does not want the offer on this device."""
        browser.posted_session(of_account=True)
        browser.remember(NOT_NOW, "1", NOT_NOW_SECONDS)
        return redirect(url_for("account.show"), 303)

    return views


def _page(pages: Pages, flow: PasskeyFlow, account: Account, *, problem: str | None = None) -> Response:
    offer = flow.offer(account, pages.browser.session())
    return pages.render(
        "passkeys.html",
        status=forms.FORM_ERROR if problem else 200,
        passkeys=[passkey_line(passkey) for passkey in flow.of_account(account)],
        action=url_for("passkeys.add"),
        rename_action=url_for("passkeys.rename"),
        remove_action=url_for("passkeys.remove"),
        only=only_section(flow, account),
        is_removed=is_removed(),
        account_url=url_for("account.show"),
        accepted=flow.accepted(account),
        options=offer.options,
        challenge=offer.challenge,
        longest_name=LONGEST_NAME,
        errors={"form": field_sentence(problem)} if problem else {},
    )
