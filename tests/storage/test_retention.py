"""The register tells the periods that the database keeps to: every collection goes by itself, or the register says who
ends it."""

from datetime import timedelta

from idp import app
from idp.domain import authorization, device_authorization, one_time_codes, proofing, pushed_requests
from idp.domain.data_protection import REGISTER
from idp.domain.merging import UNDO_LIFETIME
from idp.domain.passkeys import CHALLENGE_LIFETIME
from idp.flows import helpdesk_entry, university
from idp.storage import device_authorizations, devices, invitations, learned_domains

# What ends with an act, or with the account.
BY_AN_ACT = {"accounts", "audit_seals", "clients", "consents", "passkeys", "proofing_records", "schema", "sweeps"}
# What goes by the database's own clock, and how long its documents live, by what writes them.
PERIODS = {
    "authorizations": (authorization.LIFETIME, "2 hours"),
    "device_authorizations": (device_authorization.LIFETIME + device_authorizations._MEMORY, "20 minutes"),
    "devices": (devices.LIFETIME, "365 days"),
    "helpdesk_sessions": (helpdesk_entry.LIFETIME, "30 minutes"),
    "invitations": (invitations._MEMORY, "30 days"),
    "learned_domains": (learned_domains.MEMORY, "730 days"),
    "merges": (UNDO_LIFETIME, "30 days"),
    "one_time_codes": (one_time_codes.LIFETIME, "10 minutes"),
    "passkey_challenges": (CHALLENGE_LIFETIME, "15 minutes"),
    "proofings": (proofing.LINK_LIFETIME, "24 hours"),
    "pushed_requests": (pushed_requests.LIFETIME, "90 seconds"),
    "saml_messages": (university.REPLAY_MEMORY, "2 days"),
}
# Whose documents say themselves how long: settings, tokens, windows.
BY_THEIR_DOCUMENTS = {"audit", "grants", "initial_tokens", "limits", "sessions", "used_jtis"}
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def seconds(words: str) -> int:
    number, unit = words.split()
    return int(number) * UNITS[unit]


def ends() -> dict[str, int]:
    """Seconds that the database waits beyond the moment in a document, by collection, where it ends any."""
    return {
        indexes.collection: index.document["expireAfterSeconds"]
        for indexes in app.INDEXES
        for index in indexes.models
        if "expireAfterSeconds" in index.document
    }


def test_everything_goes_by_itself_but_for_what_an_act_ends() -> None:
    assert set(REGISTER) - set(ends()) == BY_AN_ACT


def test_the_register_says_how_long_documents_live() -> None:
    for collection, (lives, words) in PERIODS.items():
        assert lives == timedelta(seconds=seconds(words)), collection
        assert REGISTER[collection].kept.startswith(words), collection


def test_the_register_says_how_long_the_database_waits_beyond_that() -> None:
    waits = {collection: wait for collection, wait in ends().items() if wait}
    assert waits == {"logout_notices": 30 * 86400, "outbox": 30 * 86400, "one_time_codes": 3600}
    assert all(REGISTER[queue].kept.startswith("30 days") for queue in ("logout_notices", "outbox"))
    assert REGISTER["one_time_codes"].kept.endswith("an hour after that")


def test_no_collection_is_forgotten_here() -> None:
    told = BY_AN_ACT | BY_THEIR_DOCUMENTS | PERIODS.keys() | {"logout_notices", "outbox"}
    lost, gone = sorted(set(REGISTER) - told), sorted(told - set(REGISTER))
    assert not lost + gone, f"say above what ends the documents of {lost}; {gone} stand in no register any more"
