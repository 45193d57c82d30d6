"""SimpleSAMLphp as the university: a second implementation of SAML, none of whose code is ours or pysaml2's."""

import base64
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from idp.demo.ports import free_port
from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.federation_folder import trusted_by_fingerprint, wait_until_found
from tests.journeys.identity_providers import simplesamlphp
from tests.journeys.identity_providers.simplesamlphp import NAME, SCOPE, SimpleSamlPhp
from tests.journeys.walker import Form, Page, Walker

PASSWORD = "bonjour"
SIGNED = {"signed_response": True, "encrypted": False}
ASSERTION_SIGNED = {"signed_response": False, "encrypted": False}
ENCRYPTED = {"signed_response": True, "encrypted": True}


def person(username: str, name: str) -> dict[str, list[str]]:
    return {
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.6": [f"{username}@{SCOPE}"],
        "urn:oid:0.9.2342.19200300.100.1.3": [f"{username}@etu.{SCOPE}"],
        "urn:oid:2.16.840.1.113730.3.1.241": [name],
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.1": ["student", "member"],
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.9": [f"student@{SCOPE}", f"member@{SCOPE}"],
    }


PEOPLE = {"rosalie": "Rosalie Pérouse", "anselme": "Anselme Quai", "violette": "Violette d’Arche"}


@pytest.fixture(scope="module")
def university(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleSamlPhp]:
    """The running SimpleSAMLphp, each side knowing the other by its published metadata."""
    if problem := simplesamlphp.missing():
        pytest.skip(problem)
    folder = tmp_path_factory.mktemp("simplesamlphp")
    ours = requests.get(f"{system.provider}/saml/metadata", timeout=20).content
    people = {f"{username}:{PASSWORD}": person(username, name) for username, name in PEOPLE.items()}
    with (
        simplesamlphp.running(folder, free_port(), ours, people) as site,
        trusted_by_fingerprint(system, "simplesamlphp.xml", site.metadata()),
    ):
        wait_until_found(system, mail("rosalie"), NAME)
        yield site


def mail(username: str) -> str:
    return f"{username}@etu.{SCOPE}"


def at_the_university(walker: Walker, system: System, username: str) -> Page:
    """SimpleSAMLphp's own sign-in page, reached with our signed request."""
    page = steps.give_address(walker, system, mail(username)).submit("Continuer")
    assert page.tree.xpath("//input[@name='password']"), page.text
    return page


def answer(walker: Walker, system: System, username: str) -> Form:
    """The form with its answer, not yet posted to us."""
    page = at_the_university(walker, system, username)
    form = next(form for form in page.forms() if "password" in form.fields)
    page = walker.submit(form, username=username, password=PASSWORD)
    return next(form for form in page.forms() if "SAMLResponse" in form.fields)


@pytest.mark.parametrize(
    ("username", "making"),
    [("rosalie", SIGNED), ("anselme", ENCRYPTED), ("violette", ASSERTION_SIGNED)],
    ids=["signed", "signed and encrypted", "assertion alone signed"],
)
def test_a_student_signs_in_for_the_first_time(
    walker: Walker, system: System, university: SimpleSamlPhp, username: str, making: dict[str, bool]
) -> None:
    university.answer_with(**making)
    already = len(system.mails(mail(username)))
    form = answer(walker, system, username)
    xml = base64.b64decode(form.fields["SAMLResponse"])
    assert (b"EncryptedAssertion" in xml) is making["encrypted"]

    page, name = walker.submit(form), PEOPLE[username]
    steps.first_time_after(page, system, mail(username), already, name=name, log=university.log())


def test_o_13_its_aes_cbc_in_an_unsigned_response_is_refused(
    walker: Walker, system: System, university: SimpleSamlPhp
) -> None:
    university.answer_with(signed_response=False, encrypted=True)
    form = answer(walker, system, "rosalie")
    assert b"xmlenc#aes128-cbc" in base64.b64decode(form.fields["SAMLResponse"])
    page = walker.submit(form)
    assert (page.status, page.step) == (400, "error")
    assert page.reference is not None
    assert page.reference in system.log()


def test_it_checks_the_signature_of_our_requests(walker: Walker, system: System, university: SimpleSamlPhp) -> None:
    university.answer_with(**SIGNED)
    page = steps.give_address(walker, system, mail("rosalie"))
    form = page.form("Continuer")
    location = walker.session.post(form.action, form.fields, allow_redirects=False, timeout=20).headers["Location"]
    assert location.startswith(university.address)
    query = dict(parse_qsl(urlsplit(location).query))
    assert query["SigAlg"].endswith("rsa-sha256")

    unsigned = {name: value for name, value in query.items() if name not in ("SigAlg", "Signature")}
    other_state = query | {"RelayState": "_other"}
    for sent, accepted in ((unsigned, False), (other_state, False), (query, True)):
        shown = Walker().get(f"{location.partition('?')[0]}?{urlencode(sent)}")
        assert bool(shown.tree.xpath("//input[@name='password']")) is accepted, shown.text
