"""Documents as the first release wrote them."""

from datetime import UTC, datetime, timedelta

from idp.storage.database import Document

NOW = datetime(2050, 9, 1, 12, tzinfo=UTC)


def old_grant(name: str, account_id: str = "ines", client_id: str = "moodle") -> Document:
    signed_in = {"account_id": account_id, "sid": f"sid-{name}", "at": NOW, "methods": ["pwd"], "acr": "basic"}
    return {
        "_id": name,
        "account_id": account_id,
        "client_id": client_id,
        "subject": "s",
        "scope": ["openid"],
        "redirect_uri": "https://client.example/cb",
        "sign_in": signed_in,
        "code_hash": f"code-{name}",
        "code_expires_at": NOW,
        "code_used_at": NOW,
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=90),
        "nonce": None,
        "code_challenge": None,
        "claims": "{}",
        "purge_at": NOW + timedelta(days=30),
        "access": [],
        "refresh": {"hash": f"refresh-{name}", "scope": ["openid"], "expires_at": NOW + timedelta(days=30)},
    }


def old_account(name: str) -> Document:
    return {
        "_id": name,
        "subject": f"subject-{name}",
        "created_at": NOW,
        "identities": [],
        "addresses": [f"{name}@univ.example"],
        "password_hash": None,
        "attributes": {},
        "proved_at": NOW,
        "password_changed_at": None,
        "locale": "fr",
        "disabled": False,
    }


def old_event(account_id: str, **fields: str) -> Document:
    return {"event": "authorization.granted", "at": NOW, "reference": "R", "account_id": account_id, "fields": fields}


def old_mail(name: str, state: str, *outcomes: str) -> Document:
    return {
        "_id": name,
        "kind": "sign_in_code",
        "to": "ines@univ.example",
        "locale": "fr",
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=10),
        "reference": "R",
        "record_id": "c",
        "fields": {},
        "state": state,
        "urgency": 1,
        "due_at": NOW,
        "worker": None,
        "tries": len(outcomes),
        "attempts": [{"at": NOW, "outcome": outcome, "reply": "250 ok"} for outcome in outcomes],
    }
