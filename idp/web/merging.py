"""``/account/merge/…``: two accounts of one person become one, and are parted again."""

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from idp.domain.accounts import Account
from idp.domain.merging import UNDO_LIFETIME
from idp.flows.merging import MergeOffer, MergingFlow
from idp.web import forms
from idp.web.account_door import AccountDoor
from idp.web.pages import Pages
from idp.web.sentences import field_sentence

# Refusals that no other password would change: they are said of the form, not of its field.
_WHATEVER_IS_TYPED = ("merge.changed", "merge.only_passkeys")


def blueprint(flow: MergingFlow, door: AccountDoor, pages: Pages) -> Blueprint:
    """Every page and act here asks for a fresh sign-in."""
    views = Blueprint("merging", __name__, url_prefix="/account")

    @views.get("/merge/<merge_id>")
    def show(merge_id: str) -> ResponseReturnValue:
        session, account = door.fresh("account.show")
        offer = flow.offer(account, session, merge_id)
        return _page(pages, account, offer) if offer else redirect(url_for("account.show"), 303)

    @views.post("/merge/<merge_id>")
    def accept(merge_id: str) -> ResponseReturnValue:
        session, account = door.fresh("account.show", posted=True)
        offer = flow.offer(account, session, merge_id)
        if offer is None:
            return redirect(url_for("account.show"), 303)
        problem = flow.accept(account, session, offer, forms.optional_field("password"))
        if problem is not None:
            return _page(pages, account, offer, problem)
        return redirect(url_for("account.show", _anchor="addresses"), 303)

    @views.post("/merges/undo")
    def undo() -> ResponseReturnValue:
        _, account = door.fresh("account.show", posted=True)
        problem = flow.undo(account, forms.field("merge"))
        return redirect(url_for("account.show", problem=problem, _anchor="merges"), 303)

    @views.get("/merges/undo")
    def undone() -> ResponseReturnValue:
        return redirect(url_for("account.show"), 303)

    return views


def _page(pages: Pages, account: Account, offer: MergeOffer, problem: str | None = None) -> Response:
    field = "password" if offer.needs_password and problem not in _WHATEVER_IS_TYPED else "form"
    return pages.render(
        "merge_accounts.html",
        status=forms.FORM_ERROR if problem else 200,
        address=offer.merge.address,
        own_address=account.address,
        needs_password=offer.needs_password,
        days=UNDO_LIFETIME.days,
        action=url_for("merging.accept", merge_id=offer.merge.id),
        back_url=url_for("account.show"),
        errors={field: field_sentence(problem)} if problem else {},
    )
