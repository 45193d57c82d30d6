"""LemonLDAP::NG as the university: many French ones run it, and Lasso under it is a third implementation of SAML."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from idp.demo.ports import free_port
from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.federation_folder import trusted_by_fingerprint, wait_until_found
from tests.journeys.identity_providers import lemonldap
from tests.journeys.identity_providers.lemonldap import NAME, SCOPE, LemonLdap
from tests.journeys.walker import Form, Page, Walker

PEOPLE = {"apolline": "Apolline Zeste", "come": "Côme d’Écorce", "maelys": "Maëlys Pépin", "zoe": "Zoé Cédrat"}
SHA_512 = {"samlServiceSignatureMethod": "RSA_SHA512"}
SHA_1 = {"samlServiceSignatureMethod": "RSA_SHA1"}


def mail(username: str) -> str:
    return f"{username}@etu.{SCOPE}"


def person(username: str, name: str) -> dict[str, str]:
    eppn = f"{username}@{SCOPE}"
    return {"eppn": eppn, "mail": mail(username), "cn": name, "affiliation": "student; member"}


@pytest.fixture(scope="module")
def university(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LemonLdap]:
    """The running LemonLDAP::NG, each side knowing the other by its published metadata, with the scope added."""
    if problem := lemonldap.missing():
        pytest.skip(problem)
    ours = requests.get(f"{system.provider}/saml/metadata", timeout=20).content
    people = {username: person(username, name) for username, name in PEOPLE.items()}
    with (
        lemonldap.running(tmp_path_factory.mktemp("lemonldap"), free_port(), ours, people) as site,
        trusted_by_fingerprint(system, "lemonldap.xml", site.metadata_with_scope()),
    ):
        wait_until_found(system, mail("apolline"), NAME)
        yield site


def sign_in(page: Page, username: str) -> Form:
    """From LemonLDAP's sign-in page to the form with its answer, not yet posted to us."""
    form = next(form for form in page.forms() if {"user", "password"} <= form.fields.keys())
    page = page.walker.submit(form, user=username, password=username)
    return next(form for form in page.forms() if "SAMLResponse" in form.fields)


def answer(walker: Walker, system: System, username: str) -> Form:
    return sign_in(steps.give_address(walker, system, mail(username)).submit("Continuer"), username)


def xml(form: Form) -> bytes:
    return base64.b64decode(form.fields["SAMLResponse"])


@pytest.mark.parametrize(
    ("username", "options", "settings", "expected"),
    [
        ("apolline", {}, {}, b"rsa-sha256"),
        ("come", {"EncryptionMode": "assertion"}, {}, b"xmlenc#aes128-cbc"),
        ("maelys", {"SignSSOMessage": 0, "NameIDFormat": "persistent"}, SHA_512, b"rsa-sha512"),
    ],
    ids=["as it comes", "encrypted in a signed response", "assertion alone signed, persistent name"],
)
def test_a_student_signs_in_for_the_first_time(
    walker: Walker,
    system: System,
    university: LemonLdap,
    username: str,
    options: dict[str, Any],
    settings: dict[str, Any],
    expected: bytes,
) -> None:
    university.answer_with(options, **settings)
    already = len(system.mails(mail(username)))
    form = answer(walker, system, username)
    assert expected in xml(form)

    page, name = walker.submit(form), PEOPLE[username]
    steps.first_time_after(page, system, mail(username), already, name=name, log=university.log())


@pytest.mark.parametrize(
    ("options", "settings", "used"),
    [
        ({"EncryptionMode": "assertion", "SignSSOMessage": 0}, {}, b"xmlenc#aes128-cbc"),
        ({}, SHA_1, b"xmldsig#rsa-sha1"),
    ],
    ids=["AES-CBC in an unsigned response", "SHA-1"],
)
def test_o_13_its_weak_algorithms_are_refused_and_its_administrators_told(
    walker: Walker,
    system: System,
    university: LemonLdap,
    options: dict[str, Any],
    settings: dict[str, Any],
    used: bytes,
) -> None:
    university.answer_with(options, **settings)
    form = answer(walker, system, "zoe")
    assert used in xml(form)
    page = walker.submit(form)
    assert (page.status, page.step) == (400, "error")
    assert "EncryptedData: AES-GCM, AES-CBC (Response signée / signed Response)" in page.main_text


def test_what_it_sends_unasked_is_refused(walker: Walker, system: System, university: LemonLdap) -> None:
    university.answer_with({"EnableIDPInitiatedURL": 1})
    form = sign_in(walker.get(f"{university.address}/saml/singleSignOn?IDPInitiated=1&spConfKey=us"), "zoe")
    assert form.action == f"{system.provider}/saml/acs"
    assert b"InResponseTo" not in xml(form)
    page = walker.submit(form)
    assert (page.status, page.step) == (400, "error")
    assert "Recommencer" in page.main_text


def test_it_checks_the_signature_of_our_requests(walker: Walker, system: System, university: LemonLdap) -> None:
    university.answer_with({})
    form = steps.give_address(walker, system, mail("zoe")).form("Continuer")
    location = walker.session.post(form.action, form.fields, allow_redirects=False, timeout=20).headers["Location"]
    for sent, accepted in ((location.replace("Signature=", "Signature=AAAA"), False), (location, True)):
        # It looks at the request after its own sign-in.
        page = Walker().get(sent)
        form = next(form for form in page.forms() if {"user", "password"} <= form.fields.keys())
        page = page.walker.submit(form, user="zoe", password="zoe")
        assert any("SAMLResponse" in form.fields for form in page.forms()) is accepted, university.log()
