"""``/`` and ``/account/``: whoever types the service's bare address means their own page."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue


def blueprint() -> Blueprint:
    """Leads to ``/account``; nothing is looked up on the way."""
    views = Blueprint("front_door", __name__)

    @views.get("/")
    @views.get("/account/")
    def enter() -> ResponseReturnValue:
        return redirect(url_for("account.show"), 303)

    return views
