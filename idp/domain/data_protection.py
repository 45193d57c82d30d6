"""What is kept on people, why, and for how long: the register that the report for the data protection officer shows.

Every collection of the database stands here (GDPR article 30); a test compares the two.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Processing:
    """One collection. kept: until when, in words; the settings' names where an administrator decides."""

    data: str
    purpose: str
    kept: str


_MOMENT = "minutes to hours: until it is used or has expired"

REGISTER: dict[str, Processing] = {
    "accounts": Processing(
        "names, mail addresses, identifiers and attributes from the university, hashed password; which claims each "
        "application received, by name, and on what day last",
        "signing in, telling applications who somebody is, and telling people what applications received",
        "as long as the account; erased [retention] closed_accounts_days after it is closed",
    ),
    "audit": Processing(
        "events of sign-in and administration, account, reference",
        "security log, and help for people",
        "[retention] audit_days",
    ),
    "audit_seals": Processing(
        "numbers and keyed digests of the security log's events, which tell nothing without the secret key",
        "showing that nobody changed the security log",
        "for ever",
    ),
    "authorizations": Processing("requests of applications that wait for a sign-in", "going on after it", _MOMENT),
    "clients": Processing("applications that registered themselves", "recognising them", "until they are removed"),
    "consents": Processing("what a person agreed to give to which application", "not asking twice", "as the account"),
    "device_authorizations": Processing("devices that wait for their person", "connecting them", _MOMENT),
    "devices": Processing("hashes of cookies of browsers that signed in", "sparing them limits", "until they expire"),
    "grants": Processing(
        "which application received what in which sign-in", "tokens", "until the last token has ended"
    ),
    "helpdesk_sessions": Processing("operators of the helpdesk at work", "their console", _MOMENT),
    "initial_tokens": Processing("hashes of tokens for registering applications", "registration", "until they expire"),
    "invitations": Processing(
        "name, address and role of people invited by an administrator",
        "accounts without a university",
        "until they expire",
    ),
    "learned_domains": Processing(
        "mail domains by university, with hashes of up to three accounts", "naming the university", "two years"
    ),
    "limits": Processing("counters under keyed hashes of addresses", "limiting guesses", "an hour"),
    "logout_notices": Processing("applications to be told that a sign-in ended", "signing out", _MOMENT),
    "merges": Processing(
        "which two accounts of one person became one", "former_subs, and undoing it", "as the account"
    ),
    "one_time_codes": Processing("identifiers of mailed codes, address", "signing in by mail", _MOMENT),
    "outbox": Processing("mails on their way, and what the mail server answered", "sending, helping", "some days"),
    "passkey_challenges": Processing("challenges for passkeys", "signing in", _MOMENT),
    "passkeys": Processing("public keys of a person's devices, and their names", "signing in", "as the account"),
    "proofing_records": Processing(
        "how and when a university vouched for a person; hashes of attributes",
        "evidence of the proof",
        "as the account",
    ),
    "proofings": Processing("proofs under way", "the first sign-in", "24 hours"),
    "pushed_requests": Processing("requests of applications", "signing in", _MOMENT),
    "saml_messages": Processing("identifiers of universities' answers", "refusing replays", "two days"),
    "schema": Processing("nothing on people: which migrations were done", "upgrades", "for ever"),
    "sessions": Processing(
        "who is signed in in which browser, since when; the kinds of browser and device in two words of closed lists "
        "(« Firefox », « Windows »), never the User-Agent",
        "single sign-on, and people's own list of their sessions",
        "[sessions] lifetime_hours",
    ),
    "sweeps": Processing("sign-ins that are ended once more", "signing out, closing accounts", _MOMENT),
    "used_jtis": Processing("identifiers of applications' proofs", "refusing replays", _MOMENT),
}
