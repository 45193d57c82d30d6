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


_WITH_ACCOUNT = "as the account"

REGISTER: dict[str, Processing] = {
    "accounts": Processing(
        "names, mail addresses, identifiers and attributes from the university, hashed password; which claims each "
        "application received, by name, and on what day last; since when nobody used it, and when its person was told",
        "signing in, telling applications who somebody is, and telling people what applications received",
        "as long as the account: until its person closes it, its invitation ends or an administrator erases it, and "
        "[retention] closed_accounts_days after that; where nobody used it for [retention] inactive_days, it is closed "
        "inactive_notice_days after a mail, unless that is 0",
    ),
    "audit": Processing(
        "events of sign-in and administration: the account by its id, a reference; helpers by their address, with the "
        "reason that they wrote and the identifier that they took away",
        "security log, and help for people",
        "[retention] audit_days, whether or not the account is erased",
    ),
    "audit_seals": Processing(
        "numbers and keyed digests of the security log's events, which tell nothing without the secret key",
        "showing that nobody changed the security log",
        "a day longer than the last event that the seal holds",
    ),
    "authorizations": Processing(
        "requests of applications that wait for a sign-in, and the address that was typed",
        "going on after it",
        "2 hours",
    ),
    "clients": Processing(
        "applications that registered themselves, and whom they name as contacts",
        "recognising them",
        "until they are removed",
    ),
    "consents": Processing(
        "what a person agreed to give to which application",
        "not asking twice",
        "until the person withdraws it, or closes the account",
    ),
    "device_authorizations": Processing("devices that wait for their person", "connecting them", "20 minutes"),
    "devices": Processing(
        "hashes of cookies of browsers that signed in, and to which accounts",
        "sparing them limits",
        "365 days after the last sign-in; the accounts until they are closed",
    ),
    "grants": Processing(
        "which application received what in which sign-in",
        "tokens",
        "until the last token and the sign-in have ended, and 10 minutes",
    ),
    "helpdesk_sessions": Processing("operators of the helpdesk at work", "their console", "30 minutes"),
    "initial_tokens": Processing("hashes of tokens for registering applications", "registration", "until they expire"),
    "invitations": Processing(
        "name, address and role of people invited by an administrator",
        "accounts without a university",
        "30 days after they end; with the account where that is earlier",
    ),
    "learned_domains": Processing(
        "mail domains by university, with keyed hashes of up to three accounts",
        "naming the university",
        "730 days after somebody last came from there; with the account where too few others did",
    ),
    "limits": Processing(
        "counters under keyed hashes of addresses, accounts, browsers and networks", "limiting guesses", "an hour"
    ),
    "logout_notices": Processing(
        "applications that were told that a sign-in ended, the sub that each knows, and what they answered",
        "signing out, helping",
        "30 days",
    ),
    "merges": Processing(
        "which two accounts of one person became one, and the address that showed it",
        "undoing it",
        "30 days",
    ),
    "one_time_codes": Processing(
        "identifiers of mailed codes, address", "signing in by mail", "10 minutes, and an hour after that"
    ),
    "outbox": Processing(
        "mails on their way and sent: recipient, kind, and what the mail server answered",
        "sending, helping",
        "30 days; what was sent to an account's addresses goes with it",
    ),
    "passkey_challenges": Processing("challenges for passkeys", "signing in", "15 minutes"),
    "passkeys": Processing(
        "public keys of a person's devices, and their names",
        "signing in",
        "until the person removes them, or closes the account",
    ),
    "proofing_records": Processing(
        "how and when a university vouched for a person; hashes of attributes",
        "evidence of the proof",
        _WITH_ACCOUNT,
    ),
    "proofings": Processing(
        "proofs under way and those of the last day: names, identifiers and attributes from the university, address",
        "the first sign-in",
        "24 hours; with the account where that is earlier",
    ),
    "pushed_requests": Processing("requests of applications", "signing in", "90 seconds"),
    "saml_messages": Processing("identifiers of universities' answers", "refusing replays", "2 days"),
    "schema": Processing("nothing on people: which migrations were done", "upgrades", "for ever"),
    "sessions": Processing(
        "who is signed in in which browser, since when; the kinds of browser and device in two words of closed lists "
        "(« Firefox », « Windows »), never the User-Agent",
        "single sign-on, and people's own list of their sessions",
        "[sessions] lifetime_hours",
    ),
    "sweeps": Processing("sign-ins that are ended once more", "signing out, closing accounts", "a minute"),
    "used_jtis": Processing(
        "identifiers of applications' proofs", "refusing replays", "hours: as long as the proof would count"
    ),
}
