"""Attacks on the assertion consumer service of the running provider: answers that are well signed, yet not for us, not
for this request or not true (O-05 to O-07, O-09, O-14), and what comes beside them (O-10, O-15).

Forged signatures and XML: ``test_forged_saml_answers``; bombs: ``test_saml_bombs``. The last two points of « consume
only what was verified » are these cases and those that bear the point's number.
"""

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests
from lxml import etree

from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.federation_folder import trusted_by_fingerprint, wait_until_found
from tests.journeys.forged_answers import (
    EXEMPLE,
    RIVEMARINE,
    Asked,
    ask,
    assert_accepted,
    assert_refused,
    key_of,
)
from tests.journeys.walker import Form, Page, Walker
from tests.saml import identity_provider as university

CAMILLE = "camille.exemple@etu.univ-exemple.fr"
ELISE = "elise.lavague@etu.univ-rivemarine.fr"
LATER, SOONER = timedelta(minutes=10), timedelta(minutes=-10)


@pytest.fixture
def asked(system: System) -> Asked:
    return ask(system)


def answer_form(walker: Walker, system: System, mail: str = CAMILLE) -> Form:
    page = steps.saml_response(walker, system, mail)
    return next(form for form in page.forms() if "SAMLResponse" in form.fields)


def refused(page: Page, system: System) -> bool:
    return (
        400 <= page.status < 500
        and page.step == "error"
        and page.reference is not None
        and page.reference in system.log()
        and not steps.is_signed_in(page.walker, system)
    )


def changed(form: Form, change: str, to: str) -> dict[str, str]:
    xml = base64.b64decode(form.fields["SAMLResponse"]).decode()
    assert re.search(change, xml), xml[:2000]
    return form.fields | {"SAMLResponse": base64.b64encode(re.sub(change, to, xml, count=1).encode()).decode()}


def test_o_02_a_tampered_answer_is_refused_and_the_same_browser_can_start_again(system: System) -> None:
    walker = Walker()
    form = answer_form(walker, system)
    page = walker.post(form.action, changed(form, "Camille", "Claudine"))
    assert refused(page, system)
    restart = page.tree.xpath("//main//a[contains(@href, '/restart')]/@href")
    again = walker.get(system.provider + restart[0])
    assert again.step == "sign-in"
    assert steps.prove(walker, system, CAMILLE).step == "check-mailbox"


def test_o_02_the_browser_of_a_refused_answer_can_sign_in_afterwards(system: System, asked: Asked) -> None:
    assert_refused(asked, university.build(asked.draft), "saml.signature_missing")
    again = ask(system, walker=asked.walker)
    page = steps.confirm_by_code(again.post(again.right()), system, again.mail, 0)
    assert page.submit("Créer", password=steps.PASSWORD).step == "portal-signed-in"
    assert steps.is_signed_in(asked.walker, system)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"audience": "https://autre.exemple.fr/saml/metadata"}, "saml.audience"),
        ({"audience": None}, "saml.audience"),
        ({"not_on_or_after": SOONER}, "saml.expired"),
        ({"not_on_or_after": None}, "saml.expired"),
        ({"not_before": LATER}, "saml.not_yet_valid"),
        ({"recipient": "https://autre.exemple.fr/saml/acs"}, "saml.recipient"),
        ({"recipient": None}, "saml.recipient"),
        ({"destination": "https://autre.exemple.fr/saml/acs"}, "saml.destination"),
        ({"destination": None}, "saml.destination"),
        ({"confirmation_not_on_or_after": SOONER}, "saml.expired"),
        ({"confirmation_not_on_or_after": None}, "saml.expired"),
        ({"issued": LATER}, "saml.not_yet_valid"),
        ({"authn_instant": LATER}, "saml.authn_instant"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_o_05_an_answer_that_is_not_for_us_and_now_is_refused(
    asked: Asked, changes: dict[str, Any], reason: str
) -> None:
    now = asked.draft.issued
    moved = {name: now + value if isinstance(value, timedelta) else value for name, value in changes.items()}
    assert_refused(asked, asked.right(**moved), reason)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Conditions", "saml.conditions"),
        ("SubjectConfirmationData", "saml.subject_confirmation"),
        ("SubjectConfirmation", "saml.subject_confirmation"),
    ],
)
def test_o_05_an_answer_without_its_safeguards_is_refused(asked: Asked, name: str, reason: str) -> None:
    root = university.build(asked.draft)
    element = root.find(f".//saml:{name}", university.NS)
    element.getparent().remove(element)
    university.sign(university.assertion_of(root), asked.key)
    assert_refused(asked, root, reason)


def test_o_06_an_answer_in_another_browser_is_refused_and_mails_nobody(system: System) -> None:
    form = answer_form(Walker(), system)
    already = len(system.mails(CAMILLE))
    other = Walker()
    other.get(f"{system.provider}/account")
    assert refused(other.post(form.action, form.fields), system)
    nobody = Walker()
    assert refused(nobody.post(form.action, form.fields), system)
    assert len(system.mails(CAMILLE)) == already


@pytest.mark.parametrize(
    "changes",
    [
        {"in_response_to": "_unknown", "confirmation_in_response_to": "_unknown"},
        {"in_response_to": None, "confirmation_in_response_to": None},
        {"confirmation_in_response_to": "_unknown"},
        {"confirmation_in_response_to": None},
        {"in_response_to": None},
    ],
    ids=["unknown", "absent", "unknown in the assertion", "on the response alone", "on the assertion alone"],
)
def test_o_06_an_answer_to_no_request_of_ours_is_refused(asked: Asked, changes: dict[str, str | None]) -> None:
    assert_refused(asked, asked.right(**changes), "saml.in_response_to")


def test_o_06_an_answer_to_the_request_of_another_browser_is_refused(system: System, asked: Asked) -> None:
    theirs = ask(system)
    assert_refused(asked, theirs.right(), "browser.other")
    assert_accepted(theirs)


@pytest.mark.parametrize("response_signed", [True, False])
def test_o_06_another_trusted_university_may_not_answer(asked: Asked, response_signed: bool) -> None:
    other = asked.draft.changed(
        issuer=asked.draft.issuer.replace(EXEMPLE, RIVEMARINE),
        attributes={"mail": ("a@univ-rivemarine.fr",), "eppn": ("a@univ-rivemarine.fr",)},
    )
    root = university.signed(other, key_of(asked.system, RIVEMARINE), response=response_signed)
    assert_refused(asked, root, "saml.")


@pytest.mark.parametrize("scope", ["univ-rivemarine.fr", "evil-univ-exemple.fr", "univ-exemple.fr.evil.example"])
@pytest.mark.parametrize("name", ["eppn", "subject-id", "mail"])
def test_o_07_what_lies_outside_the_scope_is_refused(asked: Asked, name: str, scope: str) -> None:
    reason = "proofing.mail_" if name == "mail" else "proofing.identifier_out_of_scope"
    assert_refused(asked, asked.right(attributes={**asked.draft.attributes, name: (f"camille@{scope}",)}), reason)


def test_o_07_two_mails_are_refused(asked: Asked) -> None:
    mails = (asked.mail, f"other.{asked.mail}")
    assert_refused(asked, asked.right(attributes={**asked.draft.attributes, "mail": mails}), "proofing.mail_")


def test_o_07_a_mail_outside_the_scope_is_explained_and_mails_nobody(system: System) -> None:
    person = next(person for person in system.people() if (person["mail"] or "").endswith("perso.example"))
    walker = Walker()
    form = answer_form(walker, system, person["mail"])
    page = walker.submit(form)
    assert page.status == 403
    assert page.step == "error"
    assert system.mails(person["mail"]) == []


def test_o_07_verified_7_an_affiliation_of_another_university_is_not_kept(system: System, asked: Asked) -> None:
    affiliations = (*asked.draft.attributes["affiliation"], "faculty@univ-rivemarine.fr", "staff@evil-univ-exemple.fr")
    root = asked.right(attributes={**asked.draft.attributes, "affiliation": affiliations})
    assert_accepted(asked, root)
    kept = system.stored.collection("proofings").find_one({"address": asked.mail})
    assert kept is not None
    assert kept["attributes"]["eduPersonScopedAffiliation"] == ["student@univ-exemple.fr"]


def test_o_09_the_same_answer_twice_is_accepted_once(asked: Asked) -> None:
    root = asked.right()
    assert_accepted(asked, root)
    assert_refused(asked, root, "saml.replayed")


def test_o_09_two_answers_to_one_request_are_accepted_once(asked: Asked) -> None:
    assert_accepted(asked)
    assert_refused(asked, asked.right(response_id="_another-response", assertion_id="_another"), "saml.replayed")


@pytest.mark.parametrize("name", ["response_id", "assertion_id"])
def test_o_09_verified_6_a_message_id_seen_before_is_refused(system: System, asked: Asked, name: str) -> None:
    assert_accepted(asked)
    next_request = ask(system, walker=asked.walker)
    assert_refused(next_request, next_request.right(**{name: getattr(asked.draft, name)}), "saml.replayed")


@pytest.mark.parametrize("differ", [False, True], ids=["the same", "different ones"])
def test_o_09_of_eight_answers_at_once_one_is_accepted(asked: Asked, differ: bool) -> None:
    cookies = asked.walker.session.cookies.get_dict()
    ids = [f"{asked.draft.response_id}-{number if differ else 0}" for number in range(8)]
    answers = [university.encode(asked.right(response_id=identifier)) for identifier in ids]

    def post(answer: str) -> int:
        form = {"SAMLResponse": answer}
        return requests.post(asked.acs_url, form, cookies=cookies, allow_redirects=False, timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(post, answers))
    assert sorted(statuses) == [303] + [400] * 7


def test_verified_6_a_request_is_used_up_by_whatever_comes_as_its_answer(asked: Asked) -> None:
    assert asked.post(university.build(asked.draft)).step == "error"
    assert_refused(asked, asked.right(), "saml.replayed")


def test_a_cross_site_post_without_our_cookie_goes_on_in_the_browser_that_asked(system: System) -> None:
    """What browsers do with SameSite=Lax: the POST comes without the cookie, the redirect's GET with it."""
    walker = Walker()
    form = answer_form(walker, system)
    bare = requests.post(form.action, form.fields, allow_redirects=False, timeout=20)
    assert bare.status_code == 303
    assert walker.get(system.provider + bare.headers["Location"]).step == "check-mailbox"


def test_an_encrypted_answer_is_accepted(system: System) -> None:
    walker = Walker()
    form = answer_form(walker, system, ELISE)
    assert b"EncryptedAssertion" in base64.b64decode(form.fields["SAMLResponse"])
    assert walker.submit(form).step == "check-mailbox"


def test_o_10_a_university_s_name_and_pictures_are_never_markup(system: System) -> None:
    metadata = university.entity_descriptor(
        "https://idp.piege.example/idp",
        (university.new_key("idp.piege.example"),),
        scopes=("piege.example",),
        names={"fr": "Piège &lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img src=x&gt; \u202eevil"},
    )
    logos = b'<mdui:Logo height="16" width="16">javascript:alert(1)</mdui:Logo>'
    logos += b'<mdui:Logo height="16" width="16">data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;</mdui:Logo>'
    metadata = metadata.replace(b"</mdui:UIInfo>", logos + b"</mdui:UIInfo>")
    metadata = metadata.replace(b"<md:IDPSSODescriptor ", b'<md:IDPSSODescriptor errorURL="javascript:alert(1)" ')
    walker = Walker()
    with trusted_by_fingerprint(system, "piege.xml", metadata):
        wait_until_found(system, "a@piege.example", "Piège")
        named = steps.give_address(walker, system, "a@piege.example")
        search = walker.get(f"{named.url.removesuffix('/methods')}/university?q=piege")
    for page in (named, search):
        assert "Piège" in page.main_text
        assert page.tree.xpath("//script[not(@src)] | //main//img | //*[starts-with(@href, 'javascript')]") == []
        assert not re.search("javascript:|data:text|<script>alert|\u202e", page.text)


@pytest.mark.parametrize("seconds", [20, 100])
def test_o_14_a_clock_that_is_a_little_fast_is_accepted(asked: Asked, seconds: int) -> None:
    assert_accepted(asked, asked.right(not_before=asked.draft.issued + timedelta(seconds=seconds)))


def test_o_14_a_clock_that_is_ten_minutes_fast_is_refused(asked: Asked) -> None:
    late = asked.draft.issued + timedelta(seconds=600)
    assert_refused(asked, asked.right(not_before=late), "saml.not_yet_valid")


@pytest.mark.parametrize(
    "relay_state", ["https://evil.example/", "//evil.example", "/account\r\nX-Evil: 1", "x" * 100_000]
)
def test_o_15_relay_state_is_never_a_target(asked: Asked, relay_state: str) -> None:
    form = {"SAMLResponse": university.encode(asked.right()), "RelayState": relay_state}
    page = asked.walker.post(asked.acs_url, form)
    assert page.step == "check-mailbox"
    for response in (*page.response.history, page.response):
        assert response.url.startswith(asked.system.provider)
        assert "evil" not in str(response.headers).lower()


def test_o_50_the_university_s_status_message_is_never_markup(asked: Asked) -> None:
    root = university.build(asked.draft.changed(status=("urn:oasis:names:tc:SAML:2.0:status:Responder",)))
    status = root.find("samlp:Status", university.NS)
    message = etree.SubElement(status, f"{{{university.SAMLP}}}StatusMessage")
    message.text = "<script>alert(1)</script>"
    university.sign(root, asked.key)
    page = assert_refused(asked, root, "saml.status")
    assert "alert(1)" not in page.text
