"""What must be true of a verified answer: it is for us, about our request, from whom we asked, and now.

pysaml2 leaves most of this open (it takes absent Conditions, Audience, Destination or NotOnOrAfter for good, and asks
the wall clock), so the profile is written out here: one function for each rule, in one list.
Web browser SSO profile: SAML profiles 4.1.4.2 and 4.1.4.3; core 2.5.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from idp.domain.clocks import CLOCK_SKEW
from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.plain_values import moment
from idp.saml.safe_xml import Element, whole_text

# An answer is consumed in the moment it was made; the identity provider's own NotOnOrAfter is usually five minutes.
MAX_AGE: Final = timedelta(hours=1)
# Long sessions at a university are its own affair; an instant older than this is a mistake.
MAX_SESSION: Final = timedelta(days=400)

# Ids and contexts are kept, some for as long as the account; the schema leaves them as long as the message may be.
MAX_LENGTH: Final = 256

_KNOWN_CONDITIONS: Final = {
    f"{{{names.SAML}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose signatures were verified, and everything that it is measured against.

    response: the Response; its attributes are signed only where the Response itself is.
    assertion: the verified Assertion, parsed from its own canonical text.
    """

    response: Element
    assertion: Element
    provider: str
    request_id: str
    entity_id: str
    acs_url: str
    now: datetime


def check(answer: Answer) -> None:
    """Every rule, in order. Raises Refusal of the first that does not hold."""
    for rule in CHECKS:
        rule(answer)


def authn_statement(assertion: Element) -> Element:
    """The one AuthnStatement of a checked assertion."""
    statements = assertion.findall("saml:AuthnStatement", names.NS)
    if len(statements) != 1:
        raise Refusal("saml.authn_statement", f"{len(statements)} authentication statements")
    return statements[0]


def instant(element: Element, attribute: str) -> datetime | None:
    """The time in this attribute, or None where there is none (core section 1.3.3). Raises Refusal ``saml.schema``."""
    text = element.get(attribute)
    if text is None:
        return None
    try:
        return moment(text)
    except ValueError:
        raise Refusal("saml.schema", f"{attribute} is not a time with its zone") from None


def _version(answer: Answer) -> None:
    if answer.response.get("Version") != "2.0" or answer.assertion.get("Version") != "2.0":
        raise Refusal("saml.schema", "not SAML 2.0")


def _lengths(answer: Answer) -> None:
    context = authn_statement(answer.assertion).find("saml:AuthnContext/saml:AuthnContextClassRef", names.NS)
    kept = (answer.response.get("ID"), answer.assertion.get("ID"), whole_text(context))
    if any(len(value or "") > MAX_LENGTH for value in kept):
        raise Refusal("saml.schema", f"an id or a context longer than {MAX_LENGTH} characters")


def _issuers(answer: Answer) -> None:
    for element in (answer.response, answer.assertion):
        if whole_text(element.find(names.ISSUER)) != answer.provider:
            raise Refusal("saml.issuer", "not from the identity provider that was asked")


def _destination(answer: Answer) -> None:
    if answer.response.get("Destination") != answer.acs_url:
        raise Refusal("saml.destination", "not sent to our assertion consumer service")


def _in_response_to(answer: Answer) -> None:
    if not answer.request_id or answer.response.get("InResponseTo") != answer.request_id:
        raise Refusal("saml.in_response_to", "the response does not answer our request")


def _issued_now(answer: Answer) -> None:
    for element in (answer.response, answer.assertion):
        issued = instant(element, "IssueInstant")
        if issued is None or issued > answer.now + CLOCK_SKEW:
            raise Refusal("saml.not_yet_valid", "issued in the future")
        if issued < answer.now - MAX_AGE - CLOCK_SKEW:
            raise Refusal("saml.expired", "issued long ago")


def _bearer(answer: Answer) -> None:
    """Exactly one confirmation, of a bearer, made out for us, for this request and for now (profiles 4.1.4.2)."""
    confirmations = answer.assertion.findall("saml:Subject/saml:SubjectConfirmation", names.NS)
    if len(confirmations) != 1 or confirmations[0].get("Method") != names.BEARER:
        raise Refusal("saml.subject_confirmation", "not exactly one bearer confirmation")
    data = confirmations[0].find("saml:SubjectConfirmationData", names.NS)
    if data is None:
        raise Refusal("saml.subject_confirmation", "a bearer confirmation without data")
    if data.get("Recipient") != answer.acs_url:
        raise Refusal("saml.recipient", "the assertion is for another recipient")
    if data.get("InResponseTo") != answer.request_id:
        raise Refusal("saml.in_response_to", "the assertion does not answer our request")
    _within_times(answer, data)


def _conditions(answer: Answer) -> None:
    conditions = answer.assertion.findall("saml:Conditions", names.NS)
    if len(conditions) != 1:
        raise Refusal("saml.conditions", "an assertion without conditions")
    _within_times(answer, conditions[0])
    unknown = [child for child in conditions[0] if child.tag not in _KNOWN_CONDITIONS]
    if unknown:
        raise Refusal("saml.conditions", "a condition that we do not know")


def _audience(answer: Answer) -> None:
    """We are among the audiences of every restriction, and there is at least one (core 2.5.1.4)."""
    restrictions = answer.assertion.findall("saml:Conditions/saml:AudienceRestriction", names.NS)
    for restriction in restrictions:
        audiences = [whole_text(audience) for audience in restriction.findall("saml:Audience", names.NS)]
        if answer.entity_id not in audiences:
            raise Refusal("saml.audience", "the assertion is for another service")
    if not restrictions:
        raise Refusal("saml.audience", "the assertion names no audience")


def _authenticated(answer: Answer) -> None:
    statement = authn_statement(answer.assertion)
    at, until = instant(statement, "AuthnInstant"), instant(statement, "SessionNotOnOrAfter")
    if at is None or not answer.now - MAX_SESSION <= at <= answer.now + CLOCK_SKEW:
        raise Refusal("saml.authn_instant", "no believable time of authentication")
    if until is not None and until <= answer.now - CLOCK_SKEW:
        raise Refusal("saml.expired", "the session at the university is over")


def _within_times(answer: Answer, element: Element) -> None:
    begins, ends = instant(element, "NotBefore"), instant(element, "NotOnOrAfter")
    if ends is None or ends <= answer.now - CLOCK_SKEW:
        raise Refusal("saml.expired", "past its end, or without end")
    if begins is not None and begins > answer.now + CLOCK_SKEW:
        raise Refusal("saml.not_yet_valid", "before its begin")


CHECKS: tuple[Callable[[Answer], None], ...] = (
    _version,
    _issuers,
    _destination,
    _in_response_to,
    _issued_now,
    _bearer,
    _conditions,
    _audience,
    _authenticated,
    _lengths,
)
