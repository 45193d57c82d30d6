"""O-05, O-06, O-07 (values), O-14 and the status: an answer is for us, to our request, from whom we asked, and now."""

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from idp.domain import claims
from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.proofing import Vouching
from idp.saml.attributes import FRIENDLY_NAMES
from idp.saml.plain_values import moment
from idp.saml.response_checks import Answer, check
from idp.saml.service_provider import ServiceProvider
from tests.saml import identity_provider as university
from tests.saml.conftest import OTHER_ENTITY_ID

Verify = Callable[[university.Element], Vouching]
Reason = Callable[[university.Element], str]

NOW = university.NOW


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"audience": "https://autre.exemple.fr/saml/metadata"}, "saml.audience"),
        ({"audience": None}, "saml.audience"),
        ({"not_on_or_after": NOW - timedelta(minutes=10)}, "saml.expired"),
        ({"not_on_or_after": None}, "saml.expired"),
        ({"not_before": NOW + timedelta(minutes=10)}, "saml.not_yet_valid"),
        ({"recipient": "https://autre.exemple.fr/acs"}, "saml.recipient"),
        ({"recipient": university.ACS_URL + "/"}, "saml.recipient"),
        ({"recipient": university.SP_ENTITY_ID}, "saml.recipient"),
        ({"recipient": None}, "saml.recipient"),
        ({"destination": "https://autre.exemple.fr/acs"}, "saml.destination"),
        ({"destination": None}, "saml.destination"),
        ({"confirmation_not_on_or_after": None}, "saml.expired"),
        ({"confirmation_not_on_or_after": NOW - timedelta(minutes=10)}, "saml.expired"),
        ({"issued": NOW + timedelta(minutes=10)}, "saml.not_yet_valid"),
        ({"issued": NOW - timedelta(hours=3)}, "saml.expired"),
        ({"authn_instant": NOW + timedelta(minutes=10)}, "saml.authn_instant"),
        ({"authn_instant": NOW - timedelta(days=3000)}, "saml.authn_instant"),
    ],
)
@pytest.mark.parametrize("response_signed", [True, False])
def test_o_05_answer_that_is_not_for_us_and_now_is_refused(
    refusal: Reason, key: university.Key, changes: dict[str, Any], reason: str, response_signed: bool
) -> None:
    draft = university.Draft(**changes)
    assert refusal(university.signed(draft, key, response=response_signed)) == reason


@pytest.mark.parametrize("place", [".", "saml:Assertion"])
@pytest.mark.parametrize(
    ("issued", "reason"), [("2026-03-02T10:30:00Z", "not_yet_valid"), ("2026-03-02T07:30:00Z", "expired")]
)
def test_o_05_response_and_assertion_are_each_issued_now(
    refusal: Reason, key: university.Key, place: str, issued: str, reason: str
) -> None:
    root = university.build(university.Draft())
    root.find(place, university.NS).set("IssueInstant", issued)
    university.sign(root, key)
    assert refusal(root) == f"saml.{reason}"


def _signed_without(key: university.Key, path: str) -> university.Element:
    root = university.build(university.Draft())
    element = root.find(f".//{path}", university.NS)
    element.getparent().remove(element)
    university.sign(university.assertion_of(root), key)
    return root


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("saml:Conditions", "saml.conditions"),
        ("saml:SubjectConfirmationData", "saml.subject_confirmation"),
        ("saml:SubjectConfirmation", "saml.subject_confirmation"),
        ("saml:Subject", "saml.subject_confirmation"),
        ("saml:AuthnStatement", "saml.authn_statement"),
    ],
)
def test_o_05_answer_without_its_safeguards_is_refused(
    refusal: Reason, key: university.Key, path: str, reason: str
) -> None:
    assert refusal(_signed_without(key, path)) == reason


def test_o_05_holder_of_key_in_place_of_bearer_is_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    confirmation = root.find(".//saml:SubjectConfirmation", university.NS)
    confirmation.set("Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
    university.sign(university.assertion_of(root), key)
    assert refusal(root) == "saml.subject_confirmation"


def test_o_05_every_audience_restriction_must_name_us(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    conditions = root.find(".//saml:Conditions", university.NS)
    restriction = etree.SubElement(conditions, f"{{{university.SAML}}}AudienceRestriction")
    etree.SubElement(restriction, f"{{{university.SAML}}}Audience").text = "https://autre.exemple.fr"
    university.sign(university.assertion_of(root), key)
    assert refusal(root) == "saml.audience"


def test_o_05_session_that_is_over_is_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    statement = root.find(".//saml:AuthnStatement", university.NS)
    statement.set("SessionNotOnOrAfter", university.when(NOW - timedelta(hours=1)))
    university.sign(university.assertion_of(root), key)
    assert refusal(root) == "saml.expired"


@pytest.mark.parametrize(
    "changes",
    [
        {"in_response_to": "_other"},
        {"in_response_to": None},
        {"confirmation_in_response_to": "_other"},
        {"confirmation_in_response_to": None},
    ],
)
@pytest.mark.parametrize("response_signed", [True, False])
def test_o_06_answer_to_another_request_is_refused(
    refusal: Reason, key: university.Key, changes: dict[str, Any], response_signed: bool
) -> None:
    assert (
        refusal(university.signed(university.Draft(**changes), key, response=response_signed)) == "saml.in_response_to"
    )


def test_o_06_answer_without_any_request_is_refused(
    service_provider: ServiceProvider, provider: IdentityProvider, key: university.Key
) -> None:
    draft = university.Draft(in_response_to=None, confirmation_in_response_to=None)
    with pytest.raises(Refusal) as caught:
        service_provider.verify(university.encode(university.signed(draft, key)), provider, "", now=NOW)
    assert caught.value.reason == "saml.in_response_to"


def test_o_06_another_trusted_identity_provider_may_not_answer(
    service_provider: ServiceProvider,
    provider: IdentityProvider,
    other_provider: IdentityProvider,
    other_key: university.Key,
) -> None:
    response = university.encode(university.signed(university.Draft(issuer=OTHER_ENTITY_ID), other_key, response=True))
    # The positive control: had it been asked, it might have answered so.
    assert service_provider.verify(response, other_provider, university.REQUEST_ID, now=NOW)
    with pytest.raises(Refusal) as caught:
        service_provider.verify(response, provider, university.REQUEST_ID, now=NOW)
    assert caught.value.reason == "saml.signature_invalid"


def test_claimed_request_id_is_read_before_anything_is_verified(service_provider: ServiceProvider) -> None:
    unsigned = university.encode(university.build(university.Draft()))
    assert service_provider.claimed_request_id(unsigned) == university.REQUEST_ID


def test_o_07_every_mail_address_is_handed_over(verify: Verify, key: university.Key) -> None:
    mails = ("camille@univ-exemple.fr", "camille@etu.univ-exemple.fr")
    draft = university.Draft(attributes={"mail": mails, "eppn": ("c@univ-exemple.fr",)})
    assert verify(university.signed(draft, key)).mails == mails


@pytest.mark.parametrize("kind", ["eppn", "subject-id", "pairwise-id"])
def test_o_07_two_identifiers_of_one_kind_are_refused(refusal: Reason, key: university.Key, kind: str) -> None:
    draft = university.Draft(attributes={kind: ("a@univ-exemple.fr", "b@univ-exemple.fr")})
    assert refusal(university.signed(draft, key)) == "proofing.identifier_ambiguous"


def test_o_07_two_identifiers_in_two_attributes_of_one_name_are_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    attribute = root.find(f".//saml:Attribute[@Name='{university.OIDS['eppn']}']", university.NS)
    second = deepcopy(attribute)
    second[0].text = "autre@univ-exemple.fr"
    attribute.addnext(second)
    university.sign(university.assertion_of(root), key)
    assert refusal(root) == "proofing.identifier_ambiguous"


def test_identifiers_come_best_first(verify: Verify, key: university.Key) -> None:
    draft = university.Draft(
        attributes={
            "eppn": ("e@univ-exemple.fr",),
            "pairwise-id": ("P@univ-exemple.fr",),
            "subject-id": ("s@univ-exemple.fr",),
        }
    )
    assert verify(university.signed(draft, key)).identifiers == (
        ("subject-id", "s@univ-exemple.fr"),
        ("pairwise-id", "P@univ-exemple.fr"),
        ("eppn", "e@univ-exemple.fr"),
    )


def test_answer_without_attributes_is_accepted_and_says_nothing(verify: Verify, key: university.Key) -> None:
    vouching = verify(university.signed(university.Draft(attributes={}), key))
    assert (vouching.identifiers, vouching.mails, vouching.attributes) == ((), (), {})


def test_unknown_attributes_are_ignored(verify: Verify, key: university.Key) -> None:
    draft = university.Draft(attributes={"urn:oid:1.2.3.4": ("x",), "supannEtuId": ("12345",), "displayName": ("",)})
    assert verify(university.signed(draft, key)).attributes == {"supannEtuId": ("12345",)}


def test_what_no_application_can_get_is_not_kept(verify: Verify, key: university.Key) -> None:
    """A university may release more than was asked for; enrolment alone may be 4,096 characters (SupAnn 2021)."""
    supann = "urn:oid:1.3.6.1.4.1.7135.1.2.1"
    more = {f"{supann}.4": ("Mme",), f"{supann}.11": ("98765",), f"{supann}.30": ("x" * 4096,)}
    draft = university.Draft(attributes=more | {"eppn": ("cdurand@univ-exemple.fr",), "supannEtuId": ("12345",)})
    assert verify(university.signed(draft, key)).attributes == {"supannEtuId": ("12345",)}


def test_what_is_kept_is_what_claims_are_made_of() -> None:
    """But for ``cn``, which may be the only name there is."""
    used = {*claims._SINGLE.values(), *claims._LISTS.values()}
    assert set(FRIENDLY_NAMES.values()) - {"cn"} == used


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("Camille\n      Durand", "Camille Durand"),
        ("Camille\tDurand", "Camille Durand"),
        # An apostrophe of Windows-1252 that somebody took for Latin-1.
        ("Camille d\x92Exemple", "Camille d Exemple"),
        ("\x85", None),
    ],
)
def test_a_name_is_one_line_whatever_stands_between_its_words(
    verify: Verify, key: university.Key, value: str, read: str | None
) -> None:
    """Nobody is turned away for how their university's directory writes names (SAML2Int 2.0, SDP-SP20)."""
    draft = university.Draft(attributes={"displayName": (value,), "eppn": ("cdurand@univ-exemple.fr",)})
    assert verify(university.signed(draft, key)).attributes == ({"displayName": (read,)} if read else {})


@pytest.mark.parametrize("value", ["x" * 300 + "@univ-exemple.fr", "a\nb@univ-exemple.fr"])
def test_identifier_with_odd_text_is_refused(refusal: Reason, key: university.Key, value: str) -> None:
    draft = university.Draft(attributes={"eppn": (value,)})
    assert refusal(university.signed(draft, key)) == "saml.attribute_values"


@pytest.mark.parametrize("seconds", [20, 119])
def test_o_14_small_clock_skew_is_accepted(verify: Verify, key: university.Key, seconds: int) -> None:
    ahead = NOW + timedelta(seconds=seconds)
    assert verify(university.signed(university.Draft(not_before=ahead, issued=ahead, authn_instant=ahead), key))


def test_o_14_slow_clock_is_accepted(verify: Verify, key: university.Key) -> None:
    ended = NOW - timedelta(seconds=60)
    draft = university.Draft(
        not_before=ended - timedelta(minutes=5), not_on_or_after=ended, confirmation_not_on_or_after=ended
    )
    assert verify(university.signed(draft, key))


@pytest.mark.parametrize("field", ["not_before", "issued", "authn_instant"])
def test_o_14_large_clock_skew_is_refused(refusal: Reason, key: university.Key, field: str) -> None:
    draft = university.Draft().changed(**{field: NOW + timedelta(seconds=600)})
    assert refusal(university.signed(draft, key)) in ("saml.not_yet_valid", "saml.authn_instant")


@pytest.mark.parametrize("signed", [True, False])
def test_error_of_the_university_is_told_with_its_codes(
    service_provider: ServiceProvider, provider: IdentityProvider, key: university.Key, signed: bool
) -> None:
    prefix = "urn:oasis:names:tc:SAML:2.0:status:"
    root = university.build(university.Draft(status=(prefix + "Responder", prefix + "AuthnFailed")))
    if signed:
        university.sign(root, key)
    response = university.encode(root)
    assert service_provider.claimed_request_id(response) == university.REQUEST_ID
    with pytest.raises(Refusal) as caught:
        service_provider.verify(response, provider, university.REQUEST_ID, now=NOW)
    assert (caught.value.reason, caught.value.status) == ("saml.status", 403)
    assert caught.value.detail == "Responder AuthnFailed"


def test_error_status_beside_an_assertion_is_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    root.find(".//samlp:StatusCode", university.NS).set("Value", "urn:oasis:names:tc:SAML:2.0:status:Requester")
    university.sign(root, key)
    assert refusal(root) == "saml.status"


def test_success_without_assertion_is_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    root.remove(university.assertion_of(root))
    university.sign(root, key)
    assert refusal(root) == "saml.structure"


@pytest.mark.parametrize("element", ["Extensions", "Advice"])
def test_extensions_and_advice_are_refused(refusal: Reason, key: university.Key, element: str) -> None:
    root = university.build(university.Draft())
    if element == "Extensions":
        root.insert(1, etree.Element(f"{{{university.SAMLP}}}Extensions"))
    else:
        advice = etree.Element(f"{{{university.SAML}}}Advice")
        root.find(".//saml:Conditions", university.NS).addnext(advice)
    university.sign(root, key)
    assert refusal(root) == "saml.structure"


def test_response_against_the_schema_is_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    university.assertion_of(root).set("Surprise", "1")
    university.sign(root, key)
    assert refusal(root) == "saml.schema"


@pytest.mark.parametrize("place", [".", "saml:Assertion"])
def test_answer_of_another_version_is_refused(refusal: Reason, key: university.Key, place: str) -> None:
    root = university.build(university.Draft())
    root.find(place, university.NS).set("Version", "1.1")
    university.sign(root, key)
    assert refusal(root) == "saml.schema"


# Schema and signatures refuse some of these before: here each rule is asked by itself, and where its limits lie.
SKEW, YEARS = timedelta(seconds=120), timedelta(days=400)
SECOND = timedelta(seconds=1)
LONG_AGO = NOW - timedelta(hours=1) - SKEW


def _answer(root: university.Element, **changes: Any) -> Answer:
    told = {"provider": university.ENTITY_ID, "request_id": university.REQUEST_ID} | changes
    places: dict[str, Any] = {"entity_id": university.SP_ENTITY_ID, "acs_url": university.ACS_URL}
    return Answer(root, university.assertion_of(root), now=NOW, **places, **told)


def _put(path: str, name: str, value: datetime | str | None) -> Callable[[university.Element], None]:
    def change(root: university.Element) -> None:
        element = root.find(path, university.NS)
        if value is None:
            del element.attrib[name]
        elif name == "text":
            element.text = value
        else:
            element.set(name, value if isinstance(value, str) else university.when(value))

    return change


def _condition(tag: str) -> Callable[[university.Element], None]:
    return lambda root: etree.SubElement(root.find(".//saml:Conditions", university.NS), tag)


STATEMENT, DATA = ".//saml:AuthnStatement", ".//saml:SubjectConfirmationData"
SAML = f"{{{university.SAML}}}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_put(".", "Version", "1.1"), "saml.schema"),
        (_put("saml:Assertion", "Version", "1.1"), "saml.schema"),
        (_put("saml:Issuer", "text", OTHER_ENTITY_ID), "saml.issuer"),
        (_put("saml:Assertion/saml:Issuer", "text", OTHER_ENTITY_ID), "saml.issuer"),
        (_put(".", "IssueInstant", None), "saml.not_yet_valid"),
        (_put(".", "IssueInstant", "2026-03-02T09:30:00"), "saml.schema"),
        (_put(".", "IssueInstant", NOW + SKEW), None),
        (_put(".", "IssueInstant", NOW + SKEW + SECOND), "saml.not_yet_valid"),
        (_put("saml:Assertion", "IssueInstant", LONG_AGO), None),
        (_put("saml:Assertion", "IssueInstant", LONG_AGO - SECOND), "saml.expired"),
        (_condition(SAML + "OneTimeUse"), None),
        (_condition(SAML + "ProxyRestriction"), None),
        (_condition(SAML + "Condition"), "saml.conditions"),
        (_put(DATA, "NotOnOrAfter", NOW - SKEW), "saml.expired"),
        (_put(DATA, "NotOnOrAfter", NOW - SKEW + SECOND), None),
        (_put(".//saml:Conditions", "NotBefore", NOW + SKEW), None),
        (_put(".//saml:Conditions", "NotBefore", NOW + SKEW + SECOND), "saml.not_yet_valid"),
        (_put(STATEMENT, "AuthnInstant", None), "saml.authn_instant"),
        (_put(STATEMENT, "AuthnInstant", NOW - YEARS), None),
        (_put(STATEMENT, "AuthnInstant", NOW - YEARS - SECOND), "saml.authn_instant"),
        (_put(STATEMENT, "AuthnInstant", NOW + SKEW), None),
        (_put(STATEMENT, "AuthnInstant", NOW + SKEW + SECOND), "saml.authn_instant"),
        (_put(STATEMENT, "SessionNotOnOrAfter", NOW - SKEW), "saml.expired"),
        (_put(STATEMENT, "SessionNotOnOrAfter", NOW - SKEW + SECOND), None),
    ],
)
def test_o_05_each_rule_by_itself(change: Callable[[university.Element], None], reason: str | None) -> None:
    root = university.build(university.Draft())
    change(root)
    if reason is None:
        check(_answer(root))
        return
    with pytest.raises(Refusal) as caught:
        check(_answer(root))
    assert caught.value.reason == reason


def test_o_06_no_request_is_answered_by_no_response() -> None:
    root = university.build(university.Draft(in_response_to="", confirmation_in_response_to=""))
    with pytest.raises(Refusal, match=r"saml\.in_response_to"):
        check(_answer(root, request_id=""))


@pytest.mark.parametrize(
    "text",
    ["", "2026-03-02", "20260302T093000Z", "2026-03-02T09:30:00", "2026-W10-1T09:30:00Z", "0001-01-01T00:00:00+14:00"],
)
def test_what_is_no_time_with_its_zone_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|out of range"):
        moment(text)


def test_a_time_may_stand_in_any_zone_and_in_white_space() -> None:
    assert moment("\n 2026-03-02T10:30:00.000+01:00 ") == NOW


@pytest.mark.parametrize("changes", [{"response_id": "_" + 1024 * "r"}, {"assertion_id": "_" + 1024 * "a"}])
def test_an_id_that_would_fill_the_database_is_refused(
    refusal: Reason, key: university.Key, changes: dict[str, Any]
) -> None:
    # It is remembered for two days, and the assertion's in the record of the proof for as long as the account.
    assert refusal(university.signed(university.Draft(**changes), key)) == "saml.schema"


def test_a_context_that_would_fill_the_database_is_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    root.find(".//saml:AuthnContextClassRef", university.NS).text = "urn:" + 1024 * "x"
    university.sign(university.assertion_of(root), key)
    assert refusal(root) == "saml.schema"
