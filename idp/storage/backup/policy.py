"""Which collections a backup takes, and which are void in the copy."""

from typing import Final

from idp.storage.migrations import ledger

# What makes people and applications who they are, and what refuses to count twice.
KEPT: Final = (
    "accounts",
    "audit",
    "audit_seals",
    "clients",
    "consents",
    "invitations",
    "learned_domains",
    "merges",
    "passkey_challenges",
    "passkeys",
    "proofing_records",
    "saml_messages",
    "used_jtis",
)
# Sign-ins, codes, links and tokens, which nobody shall use in two places; mails and calls, which would go out twice.
VOID: Final = (
    "authorizations",
    "device_authorizations",
    "devices",
    "doctor",
    "grants",
    "helpdesk_sessions",
    "initial_tokens",
    "limits",
    "logout_notices",
    "one_time_codes",
    "outbox",
    "proofings",
    "pushed_requests",
    "sessions",
    "sweeps",
)
# Of this collection a backup has the list of migrations, and not their lock.
SCHEMA: Final = ledger.COLLECTION
