"""Accounts as documents of the collection ``accounts``, and back.

Readers take every shape that migrations have not brought up to date yet: fields that came later may be missing.
"""

from dataclasses import asdict
from typing import Any

from idp.domain.accounts import Account, Bounce, FormerSubject, Identity, Invited
from idp.domain.inactivity import ClosingNotice, Inactivity, InactivityState
from idp.domain.releases import Release

ACCOUNTS = "accounts"
# Of the shape of documents; what migrations still have to bring there has an older one, or none.
VERSION = 2


def identity_key(identity: Identity) -> str:
    """The identity as one text, on which a unique index holds."""
    # No entity id or kind holds a space: both are URIs or fixed words, so the key is unambiguous.
    return f"{identity.kind} {identity.entity_id} {identity.value}"


def identity_document(identity: Identity) -> dict[str, str]:
    """One entry of ``identities``."""
    return {
        "key": identity_key(identity),
        "entity_id": identity.entity_id,
        "kind": identity.kind,
        "value": identity.value,
    }


def account_document(account: Account) -> dict[str, Any]:
    """The document of a new account; what begins later (closing, releases, inactivity) is not in it yet."""
    return {
        "_id": account.id,
        "subject": account.subject,
        "created_at": account.created_at,
        "identities": [identity_document(identity) for identity in account.identities],
        "addresses": list(account.addresses),
        "password_hash": account.password_hash,
        "attributes": {name: list(values) for name, values in account.attributes.items()},
        "proved_at": account.proved_at,
        "password_changed_at": account.password_changed_at,
        "locale": account.locale,
        "disabled": account.disabled,
        "bounces": [asdict(bounce) for bounce in account.bounces],
        "expired": account.expired,
        "clients": list(account.clients),
        "only_passkeys": account.only_passkeys,
        "version": VERSION,
        **({"invited": asdict(account.invited)} if account.invited else {}),
    }


def read_account_if_any(document: dict[str, Any] | None) -> Account | None:
    """The same as ``read_account``; None where there is no document."""
    return None if document is None else read_account(document)


def read_account(document: dict[str, Any]) -> Account:
    """The account that a document of the collection holds."""
    return Account(
        id=document["_id"],
        subject=document["subject"],
        created_at=document["created_at"],
        identities=tuple(
            Identity(entry["entity_id"], entry["kind"], entry["value"]) for entry in document["identities"]
        ),
        addresses=tuple(document["addresses"]),
        password_hash=document["password_hash"],
        attributes={name: tuple(values) for name, values in document["attributes"].items()},
        proved_at=document["proved_at"],
        password_changed_at=document["password_changed_at"],
        locale=document["locale"],
        disabled=document["disabled"],
        bounces=tuple(Bounce(**bounce) for bounce in document.get("bounces", ())),
        invited=Invited(**document["invited"]) if document.get("invited") else None,
        expired=document.get("expired", False),
        reopens_until=document.get("reopens_until"),
        clients=tuple(document.get("clients", ())),
        only_passkeys=document.get("only_passkeys", False),
        confirmation_put_off_at=document.get("confirmation_put_off_at"),
        former_subjects=tuple(
            FormerSubject(former["subject"], tuple(former["clients"])) for former in document.get("former_subjects", ())
        ),
        releases=tuple(
            Release(release["client_id"], frozenset(release["claims"]), release["at"])
            for release in document.get("releases", ())
        ),
        inactivity=_inactivity(document.get("inactivity") or {}),
    )


def _inactivity(found: dict[str, Any]) -> Inactivity | None:
    if "since" not in found:  # being looked at for the first time
        return None
    notice = ClosingNotice(**found["notice"]) if found["notice"] else None
    return Inactivity(found["since"], found["look_at"], InactivityState(found["state"]), notice)
