"""The passkeys' part of the account page: those that there are, or the offer of a first one."""

from typing import Any

from flask import url_for
from flask_babel import format_date

from idp.domain.accounts import Account
from idp.domain.passkeys import Passkey
from idp.flows.passkeys import PasskeyFlow
from idp.web.browser import Browser
from idp.web.sentences import field_sentence

# How long the offer stays away from a browser in which the person did not want it.
NOT_NOW_SECONDS = 180 * 24 * 3600
NOT_NOW = "no_passkey"


def passkey_section(flow: PasskeyFlow, account: Account, browser: Browser) -> dict[str, Any]:
    """What ``account/_passkeys.html`` and ``account/_passkey_offer.html`` show."""
    found = flow.of_account(account)
    return {
        "list": [passkey_line(passkey) for passkey in found],
        "manage_url": url_for("passkeys.show"),
        "is_offered": not found and browser.cookie(NOT_NOW) is None,
        "later_action": url_for("passkeys.not_now"),
        "are_alone": account.only_passkeys,
    }


def only_section(flow: PasskeyFlow, account: Account) -> dict[str, Any] | None:
    """What ``account/_only_passkeys.html`` shows; None where there is no passkey to rely on."""
    problem = flow.problem_with_only(account)
    if not account.only_passkeys and not flow.of_account(account):
        return None
    return {
        "is_chosen": account.only_passkeys,
        "missing": field_sentence(problem) if problem else None,
        "has_university": bool(account.identities),
        "only_action": url_for("passkeys.only"),
        "any_method_action": url_for("passkeys.any_method"),
    }


def passkey_line(passkey: Passkey) -> dict[str, Any]:
    """One passkey as pages list it."""
    return {
        "id": passkey.id,
        "name": passkey.name,
        "since": format_date(passkey.created_at, "long"),
        "used": format_date(passkey.used_at, "long") if passkey.used_at else None,
        "is_synced": passkey.credential.is_backed_up,
        "is_suspected": passkey.suspected_at is not None,
    }
