"""Attacks on the assertion consumer service over HTTP (O-03 to O-15); forged XML in detail is tests/saml's."""

import base64
import re
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.walker import Form, Page, Walker

CAMILLE = "camille.exemple@etu.univ-exemple.fr"
ELISE = "elise.lavague@etu.univ-rivemarine.fr"


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


def test_o_06_an_answer_in_another_browser_is_refused_and_mails_nobody(system: System) -> None:
    already = len(system.mails(CAMILLE))
    form = answer_form(Walker(), system)
    other = Walker()
    other.get(f"{system.provider}/account")
    assert refused(other.post(form.action, form.fields), system)
    nobody = Walker()
    assert refused(nobody.post(form.action, form.fields), system)
    time.sleep(1)
    assert len(system.mails(CAMILLE)) == already


def test_o_06_an_unsolicited_answer_is_refused(system: System) -> None:
    walker = Walker()
    form = answer_form(walker, system)
    page = walker.post(form.action, changed(form, r'InResponseTo="[^"]+"', 'InResponseTo="_unknown"'))
    assert refused(page, system)
    page = walker.post(form.action, changed(form, r' InResponseTo="[^"]+"', ""))
    assert refused(page, system)


def test_o_09_the_same_answer_twice_is_accepted_once(system: System) -> None:
    walker = Walker()
    form = answer_form(walker, system)
    assert walker.submit(form).step == "check-mailbox"
    again = walker.submit(form)
    assert again.status == 400
    assert again.step == "error"


def test_o_09_of_eight_at_once_one_is_accepted(system: System) -> None:
    walker = Walker()
    form = answer_form(walker, system)
    cookies = walker.session.cookies.get_dict()

    def post(_: int) -> int:
        return requests.post(form.action, form.fields, cookies=cookies, allow_redirects=False, timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(post, range(8)))
    assert sorted(statuses) == [303] + [400] * 7


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


def bombs() -> dict[str, str]:
    laughs = "<!DOCTYPE a [<!ENTITY a 'ha'>" + "".join(
        f"<!ENTITY {chr(98 + n)} '{'&' + chr(97 + n) + ';' * 10}'>" for n in range(9)
    )
    xxe = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><a>&x;</a>"
    deflated = zlib.compress(b" " * 20_000_000)[2:-4]
    return {
        "doctype": "<!DOCTYPE a><a/>",
        "xxe": xxe,
        "laughs": laughs + "]><a>&j;</a>",
        "nested": "<a>" * 50_000 + "</a>" * 50_000,
        "not xml": "bonjour",
        "empty": "",
        "comment": "<!-- x --><a/>",
        "deflate bomb": base64.b64encode(deflated).decode(),
    }


@pytest.mark.parametrize("name", list(bombs()))
def test_o_12_bombs_are_refused(system: System, name: str) -> None:
    page = Walker().post(
        f"{system.provider}/saml/acs", {"SAMLResponse": base64.b64encode(bombs()[name].encode()).decode()}
    )
    assert refused(page, system)


def test_o_12_ten_megabytes_are_too_large_and_memory_stays(system: System) -> None:
    before = _workers_memory(system)
    for _ in range(4):
        page = Walker().post(f"{system.provider}/saml/acs", {"SAMLResponse": "A" * 10_000_000})
        assert page.status == 413
    assert _workers_memory(system) - before < 50_000


def _workers_memory(system: System) -> int:
    """Resident kilobytes of the provider's processes."""
    marker = f"IDP_ISSUER={system.provider}\0"
    folders = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    total = sum(_resident(folder) for folder in folders if marker in _read(folder / "environ"))
    assert total
    return total


def _resident(folder: Path) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", _read(folder / "status"))
    return int(found[1]) if found and "gunicorn" in _read(folder / "cmdline") else 0


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


@pytest.mark.parametrize(
    "relay_state", ["https://evil.example/", "//evil.example", "/account\r\nX-Evil: 1", "x" * 100_000]
)
def test_o_15_relay_state_is_never_a_target(system: System, relay_state: str) -> None:
    walker = Walker()
    form = answer_form(walker, system)
    page = walker.submit(form, RelayState=relay_state)
    assert page.step == "check-mailbox"
    assert page.url.startswith(system.provider)


def test_o_07_a_mail_outside_the_scope_is_explained_and_mails_nobody(system: System) -> None:
    person = next(person for person in system.people() if (person["mail"] or "").endswith("perso.example"))
    walker = Walker()
    form = answer_form(walker, system, person["mail"])
    page = walker.submit(form)
    assert page.status == 403
    assert page.step == "error"
    assert system.mails(person["mail"]) == []


def test_o_50_the_university_s_status_message_is_never_markup(system: System) -> None:
    walker = Walker()
    form = answer_form(walker, system)
    page = walker.post(
        form.action, changed(form, r"</[\w:]*StatusCode>|/>(?=</[\w:]*Status>)", r"\g<0>") | {"RelayState": "<script>"}
    )
    assert "<script>" not in page.text.replace('<script src="', "")
