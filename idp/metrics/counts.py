"""Counters: the one place that says which event counts as what.

Most events are those of the audit trail, which tells them on after keeping them; the rest (tokens, mails, sign-outs
told to applications, sign-ins that were there already) are told by the flow in which they happen.
"""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter

from idp.metrics.labels import NONE, OTHER, FirstComers, key

Fields = Mapping[str, str]

# More than France's federation holds; of eduGAIN's thousands, those whose students come first.
_UNIVERSITIES = 500
_OK = "ok"
_MISSED_AT_UNIVERSITY = ("saml.", "proofing.")
_GRANTS = {
    "authorization_code": "authorization_code",
    "refresh_token": "refresh_token",
    "client_credentials": "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code": "device_code",
}


class Counts:
    """Counts events as they are told; shared by all threads of a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, tells: str, *labels: str) -> Counter:
            return Counter(name, tells, labels, registry=registry)

        self._events = counter("idp_events", "Events of the security log and those beside it, by name", "event")
        self._sign_ins = counter(
            "idp_sign_ins", "Sign-ins by method, and ok or why not (session: one that was there)", "method", "outcome"
        )
        self._proofings = counter(
            "idp_proofings",
            "Steps and refusals of proofs at universities, by entity id (none: not known, other: one of the rest)",
            "university",
            "outcome",
        )
        self._tokens = counter("idp_tokens_issued", "Tokens given at the token endpoint", "grant", "kind")
        self._token_errors = counter("idp_token_errors", "Refusals of the token endpoint", "grant", "error")
        self._mails = counter(
            "idp_mails", "Tries to send, by the mail server's answer, and what came back", "kind", "outcome"
        )
        self._logout_calls = counter("idp_logout_calls", "Back-channel calls to applications, by answer", "outcome")
        self._university = FirstComers(_UNIVERSITIES)
        self._counted: dict[str, Callable[[Fields], None]] = self._of_people() | self._of_programs()

    def __call__(self, event: str, fields: Fields) -> None:
        self._events.labels(key(event)).inc()
        if counted := self._counted.get(event):
            counted(fields)

    def _of_people(self) -> dict[str, Callable[[Fields], None]]:
        def proofing(outcome: str) -> Callable[[Fields], None]:
            return lambda fields: self._proofing(fields, outcome)

        return {
            "sign_in.succeeded": lambda fields: self._sign_in(fields.get("method"), _OK),
            "sign_in.failed": self._failed,
            "sign_in.mail_limit": lambda _: self._sign_in("code", "code.mail_limit"),
            "sign_in.passkey": lambda _: self._sign_in("passkey", _OK),
            "sign_in.passkey_refused": lambda fields: self._sign_in("passkey", fields.get("problem")),
            "authorization.session_sufficed": lambda _: self._sign_in("session", _OK),
            "authorization.session_missed": lambda fields: self._sign_in("session", fields.get("problem")),
            "proofing.started": proofing("started"),
            "proofing.vouched": proofing("vouched"),
            "proofing.confirmed": proofing("confirmed"),
            "proofing.completed": self._proved,
            "proofing.renewed": self._proved,
            "request.refused": self._refused,
        }

    def _of_programs(self) -> dict[str, Callable[[Fields], None]]:
        def mail(outcome: str) -> Callable[[Fields], None]:
            return lambda fields: self._mails.labels(key(fields.get("kind")), outcome).inc(_how_many(fields))

        def call(outcome: str) -> Callable[[Fields], None]:
            return lambda fields: self._logout_calls.labels(outcome).inc(_how_many(fields))

        mails = ("accepted", "deferred", "refused", "expired", "returned", "delayed")
        return {
            "token.issued": self._issued,
            "token.refused": lambda fields: self._token_errors.labels(_grant(fields), key(fields.get("error"))).inc(),
            **{f"mail.{outcome}": mail(outcome) for outcome in mails},
            **{f"logout.{outcome}": call(outcome) for outcome in ("told", "deferred", "refused", "expired")},
        }

    def _sign_in(self, method: str | None, outcome: str | None) -> None:
        self._sign_ins.labels(key(method), key(outcome)).inc()

    def _failed(self, fields: Fields) -> None:
        # ``password.wrong`` and ``code.expired`` name the method that failed.
        problem = fields.get("problem", "")
        self._sign_in(problem.partition(".")[0], problem)

    def _proofing(self, fields: Fields, outcome: str) -> None:
        self._proofings.labels(self._university(fields.get("entity_id")), key(outcome)).inc()

    def _proved(self, fields: Fields) -> None:
        self._proofing(fields, "completed")
        self._sign_in("university", _OK)

    def _refused(self, fields: Fields) -> None:
        reason = fields.get("reason", "")
        if "entity_id" in fields or reason.startswith(_MISSED_AT_UNIVERSITY):
            self._proofing(fields, reason)
            self._sign_in("university", reason)

    def _issued(self, fields: Fields) -> None:
        for kind in fields.get("kinds", "").split():
            self._tokens.labels(_grant(fields), key(kind)).inc()


def _grant(fields: Fields) -> str:
    """What a client sent, only where we know it."""
    given = fields.get("grant", "")
    return _GRANTS.get(given, OTHER) if given else NONE


def _how_many(fields: Fields) -> int:
    return int(fields.get("count", "1"))
