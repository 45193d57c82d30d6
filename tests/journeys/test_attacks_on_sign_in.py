"""Attacks on codes, links, passwords and sessions (O-16 to O-31), on the running system."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.audit_trail import audit_trail
from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.steps import PASSWORD
from tests.journeys.walker import Page, Walker

CAMILLE = "camille.exemple@etu.univ-exemple.fr"
ZOE = "zoe.lhermitte-brule@etu.univ-exemple.fr"
UNKNOWN = "personne.inconnue@etu.univ-exemple.fr"


@pytest.fixture
def camille(system: System) -> str:
    """An address with an account behind it and the usual password."""
    steps.enrol(Walker(), system, CAMILLE)
    return CAMILLE


def ask_code(walker: Walker, system: System, address: str) -> Page:
    page = steps.give_address(walker, system, address).submit("Recevoir le code")
    assert page.step == "code", page.main_text
    return page


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def refused(page: Page) -> bool:
    return 400 <= page.status < 500 and page.step != "portal-signed-in"


def test_o_16_a_code_works_once(system: System, camille: str) -> None:
    walker, already = Walker(), len(system.mails(camille))
    page = ask_code(walker, system, camille)
    code = system.next_code(camille, already)
    form = page.form("Se connecter", "code")
    assert walker.submit(form, code=code).step == "portal-signed-in"
    assert refused(walker.submit(form, code=code))


def test_o_16_asking_again_mails_the_same_code_and_does_not_reset_the_count(system: System, camille: str) -> None:
    walker, already = Walker(), len(system.mails(camille))
    page = ask_code(walker, system, camille)
    code = system.next_code(camille, already)
    for _ in range(5):
        page = page.submit("Se connecter", code=wrong(code))
        assert refused(page)
    page = page.submit("Renvoyer le code")
    assert system.next_code(camille, already + 1) == code
    page = page.submit("Se connecter", code=code)
    assert refused(page)
    assert "Trop d’essais" in page.main_text


def test_o_17_a_code_of_one_person_or_one_browser_works_for_no_other(system: System, camille: str) -> None:
    steps.enrol(Walker(), system, ZOE)
    here, there, already = Walker(), Walker(), len(system.mails(camille))
    ask_code(here, system, camille)
    code = system.next_code(camille, already)
    assert refused(ask_code(Walker(), system, ZOE).submit("Se connecter", code=code))
    other_browser = ask_code(there, system, camille)
    assert refused(other_browser.submit("Se connecter", code=code))
    # Its mail is not to be taken for one of the next test's.
    system.next_code(camille, already + 1)


def test_o_18_ten_wrong_codes_then_the_right_one(system: System, camille: str) -> None:
    walker, already = Walker(), len(system.mails(camille))
    page = ask_code(walker, system, camille)
    code = system.next_code(camille, already)
    for _ in range(10):
        page = page.submit("Se connecter", code=wrong(code))
        assert refused(page)
    assert refused(page.submit("Se connecter", code=code))


def test_o_18_parallel_guesses_share_five_tries(system: System, camille: str) -> None:
    walker, already = Walker(), len(system.mails(camille))
    form = ask_code(walker, system, camille).form("Se connecter", "code")
    code = system.next_code(camille, already)
    cookies = walker.session.cookies.get_dict()

    def guess(number: int) -> int:
        fields = form.fields | {"code": f"{(int(code) + 1 + number) % 1_000_000:06d}"}
        return requests.post(form.action, fields, cookies=cookies, allow_redirects=False, timeout=30).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(guess, range(200)))
    assert all(400 <= status < 500 for status in statuses)
    counted = max(found["attempts"] for found in system.stored.collection("one_time_codes").find({"address": camille}))
    assert counted <= 5
    assert refused(walker.submit(form, code=code))


def test_o_19_many_accounts_from_one_address_meet_429_and_right_sign_ins_go_on(system: System, camille: str) -> None:
    statuses = []
    for number in range(60):
        walker = Walker()
        page = steps.give_address(walker, system, f"etudiant{number}@etu.univ-exemple.fr")
        for _ in range(3):
            page = page.submit("Se connecter", password="une tentative au hasard")
            statuses.append(page.status)
    assert 429 in statuses
    assert steps.with_password(Walker(), system, camille).step == "portal-signed-in"


def test_o_19_guessed_codes_meet_429_and_right_codes_from_that_address_go_on(system: System, camille: str) -> None:
    statuses: list[int] = []
    for number in range(200):
        page = ask_code(Walker(), system, f"etudiante{number}@etu.univ-exemple.fr")
        for _ in range(3):
            page = page.submit("Se connecter", code="000000")
            statuses.append(page.status)
        if 429 in statuses:
            break
    assert statuses[-1] == 429
    assert len(statuses) < 3 * 100
    already = len(system.mails(camille))
    page = ask_code(Walker(), system, camille)
    assert page.submit("Se connecter", code=system.next_code(camille, already)).step == "portal-signed-in"


def test_o_20_at_most_five_mails_an_hour_for_one_address(system: System, camille: str) -> None:
    walker, already = Walker(), len(system.mails(camille))
    page = ask_code(walker, system, camille)
    for _ in range(10):
        page = page.submit("Renvoyer le code")
        assert page.step == "code"
    for _ in range(3):
        ask_code(Walker(), system, camille)
    assert len(system.mails(camille)) == already + 4  # and the one of the first sign-in


@pytest.mark.parametrize(
    "address",
    [
        "a@univ-exemple.fr\r\nBcc: victime@ailleurs.example",
        "a@univ-exemple.fr%0d%0aBcc:victime@ailleurs.example",
        "a@univ-exemple.fr,victime@ailleurs.example",
        "a@univ-exemple.fr victime@ailleurs.example",
        "<script>alert(1)</script>@univ-exemple.fr",
        '"a b"@univ-exemple.fr',
        "x" * 10_000 + "@univ-exemple.fr",
    ],
)
def test_o_21_odd_addresses_are_refused_and_mail_nobody(system: System, walker: Walker, address: str) -> None:
    page = steps.start(walker, system).submit("Se connecter", email=address)
    assert refused(page)
    assert page.step == "email"
    assert "<script>alert" not in page.text
    assert system.mails("victime@ailleurs.example") == []


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto", "X-Original-Host"])
def test_o_22_links_come_from_the_issuer_whatever_headers_say(system: System, header: str) -> None:
    walker, already = Walker(), len(system.mails(CAMILLE))
    walker.session.headers[header] = "host=evil.example" if header == "Forwarded" else "evil.example"
    steps.prove(walker, system, CAMILLE)
    assert system.next_mail(CAMILLE, already).link.startswith(system.provider + "/")


def test_o_22_an_unknown_host_is_refused(system: System) -> None:
    for path in ("/account", "/authorize", "/.well-known/openid-configuration"):
        answer = requests.get(system.provider + path, headers={"Host": "evil.example"}, timeout=10)
        assert answer.status_code == 400
        assert "evil.example" not in answer.text


def test_o_23_a_scanner_changes_nothing_and_the_button_works_once(system: System) -> None:
    walker, already = Walker(), len(system.mails(CAMILLE))
    steps.prove(walker, system, CAMILLE)
    link = system.next_mail(CAMILLE, already).link
    assert len(link.rpartition("/")[2]) >= 22  # 128 bits in base64url
    scanner = Walker()
    for _ in range(3):
        opened = scanner.get(link)
        assert opened.step == "confirm-link"
        assert requests.head(link, timeout=10).status_code == 200
    # A headless click confirms nothing either, and there is one.
    click = opened.form("Confirmer mon adresse")
    assert scanner.submit(click).step == "new-password"
    assert refused(scanner.submit(click))
    page = walker.get(link)
    form = page.form("Confirmer mon adresse")
    assert walker.submit(form).step == "new-password"
    again = walker.submit(form)
    assert refused(again)
    assert again.step == "error"
    assert again.reference


def test_o_23_the_database_holds_no_link_and_no_code(system: System) -> None:
    already = len(system.mails(CAMILLE))
    steps.prove(Walker(), system, CAMILLE)
    mail = system.next_mail(CAMILLE, already)
    dump = "".join(
        str(document)
        for name in system.stored.client[system.database].list_collection_names()
        for document in system.stored.collection(name).find()
    )
    assert mail.link.rpartition("/")[2] not in dump
    assert f"'{mail.code}'" not in dump


def test_o_24_somebody_else_s_link_is_refused_in_a_signed_in_browser(system: System) -> None:
    attacker, victim, already = Walker(), Walker(), len(system.mails(ZOE))
    steps.prove(attacker, system, ZOE)
    link = system.next_mail(ZOE, already).link
    steps.enrol(victim, system, CAMILLE)
    page = victim.get(link)
    assert refused(page)
    account = victim.get(f"{system.provider}/account")
    assert CAMILLE in account.text
    assert ZOE not in account.text


def test_o_24_somebody_else_s_link_is_refused_in_a_browser_on_its_own_way(system: System) -> None:
    attacker, victim, already = Walker(), Walker(), len(system.mails(ZOE))
    steps.prove(attacker, system, ZOE)
    steps.prove(victim, system, CAMILLE)
    assert refused(victim.get(system.next_mail(ZOE, already).link))


def test_o_25_whatever_was_there_before_the_proof_dies_with_it(system: System) -> None:
    intruder = Walker()
    steps.enrol(intruder, system, CAMILLE, "le mot de passe de l'intrus")
    asked, already = Walker(), len(system.mails(CAMILLE))
    code_page = ask_code(asked, system, CAMILLE)
    code = system.next_code(CAMILLE, already)
    pending, already = Walker(), len(system.mails(CAMILLE))
    steps.prove(pending, system, CAMILLE)
    pending_link = system.next_mail(CAMILLE, already).link

    steps.enrol(Walker(), system, CAMILLE)

    assert not steps.is_signed_in(intruder, system)
    assert refused(steps.with_password(Walker(), system, CAMILLE, "le mot de passe de l'intrus"))
    assert refused(code_page.submit("Se connecter", code=code))
    assert refused(pending.get(pending_link))


def _without_what_differs(text: str, address: str) -> str:
    """The page without its handle, form token, reference, the address typed, and how far the mail got by then."""
    mail_news = r'(?<=<p id="mail-news")[^>]*>.*?(?=</p>)'
    handles = r'sign-in/[^/"]+|value="[\w-]{43}"|Référence\s:\s[\w-]+'
    return re.sub(f"{handles}|{mail_news}", "", text.replace(address, "ADRESSE"))


def test_o_26_known_and_unknown_addresses_get_the_same_bytes(system: System, camille: str) -> None:
    def pages(address: str) -> list[str]:
        walker = Walker()
        first = steps.give_address(walker, system, address)
        second = first.submit("Se connecter", password="ce n'est pas le bon")
        third = second.submit("Recevoir le code")
        fourth = third.submit("Se connecter", code="000000")
        texts = [page.text for page in (first, second, third, fourth)]
        return [_without_what_differs(text, address) for text in texts]

    for known, unknown in zip(pages(camille), pages(UNKNOWN), strict=True):
        assert known.splitlines() == unknown.splitlines()


def test_o_26_known_and_unknown_addresses_cost_the_same_work(system: System, camille: str) -> None:
    """The least of many tries in alternation, since noise only adds; a factor of two is far outside what is left.

    The busier the machine, the more tries until one of each was left alone.
    """

    def seconds(address: str) -> float:
        # Who has tried too often is refused with less work.
        system.stored.collection("limits").delete_many({})
        page = steps.give_address(Walker(), system, address)
        started = time.perf_counter()
        page.submit("Se connecter", password="ce n'est pas le bon")
        return time.perf_counter() - started

    known, unknown = [], []
    for number in range(100):
        known.append(seconds(camille))
        unknown.append(seconds(f"inconnu{number}@etu.univ-exemple.fr"))
        if number >= 8 and 0.5 < min(known) / min(unknown) < 2:
            return
    raise AssertionError((min(known), min(unknown)))


def test_every_refused_try_shows_the_reference_that_the_audit_trail_knows(system: System, camille: str) -> None:
    page = steps.give_address(Walker(), system, camille)
    password = page.submit("Se connecter", password="ce n'est pas le bon")
    code = password.submit("Recevoir le code").submit("Se connecter", code="000000")
    address = steps.start(Walker(), system).submit("Se connecter", email="a,b@univ-exemple.fr")
    mailbox = steps.prove(Walker(), system, ZOE).submit("Continuer", code="000000")
    trail = audit_trail(system.stored)
    for page, event in (
        (mailbox, "proofing.code_wrong"),
        (password, "sign_in.failed"),
        (code, "sign_in.failed"),
        (address, "sign_in.address_refused"),
    ):
        assert refused(page)
        shown = re.search(r"Référence\s:\s([\w-]+)", page.text)
        assert shown
        assert event in {noted.event for noted in trail.events(references=(shown[1],))}


@pytest.mark.parametrize("password", ["x" * 73, "a\x00b", "é" * 50_000, "\ud83d", " ", ""])
def test_o_27_odd_passwords_are_wrong_passwords(system: System, camille: str, password: str) -> None:
    page = steps.give_address(Walker(), system, camille)
    answer = page.walker.submit(
        page.form("Se connecter", "password"),
        password=password.encode("utf-8", "surrogatepass"),  # type: ignore[arg-type]
    )
    assert refused(answer)


def test_o_27_a_password_of_five_megabytes_is_too_large(system: System, walker: Walker) -> None:
    page = steps.give_address(walker, system, CAMILLE)
    assert page.submit("Se connecter", password="x" * 5_000_000).status == 413


def test_o_28_many_wrong_passwords_slow_the_password_and_leave_the_code(system: System, camille: str) -> None:
    walker = Walker()
    page = steps.give_address(walker, system, camille)
    statuses = []
    for _ in range(50):
        page = page.submit("Se connecter", password="pas le bon")
        statuses.append(page.status)
    assert statuses[-1] == 429
    assert page.response.headers["Retry-After"]
    assert steps.with_password(Walker(), system, camille).status == 429
    owner, already = Walker(), len(system.mails(camille))
    page = ask_code(owner, system, camille)
    assert page.submit("Se connecter", code=system.next_code(camille, already)).step == "portal-signed-in"


def test_o_28_the_owner_s_own_browser_keeps_its_password(system: System) -> None:
    owner = Walker()
    steps.enrol(owner, system, CAMILLE)
    page = steps.give_address(Walker(), system, CAMILLE)
    for _ in range(12):
        page = page.submit("Se connecter", password="pas le bon")
    del owner.session.cookies["idp_session"]
    owner.session.cookies.pop("portal_session", None)
    assert steps.with_password(owner, system, CAMILLE).step == "portal-signed-in"


def test_o_29_case_and_spaces_are_the_same_account(system: System, camille: str) -> None:
    page = steps.with_password(Walker(), system, "  Camille.Exemple @ETU.univ-exemple.FR ")
    assert page.step == "portal-signed-in"


def test_o_29_look_alikes_are_not(system: System, camille: str) -> None:
    for other in ("camille.exemple+x@etu.univ-exemple.fr", "camilleexemple@etu.univ-exemple.fr"):
        assert refused(steps.with_password(Walker(), system, other))
    for unlike in (
        "camılle.exemple@etu.univ-exemple.fr",  # dotless i
        "саmille.exemple@etu.univ-exemple.fr",  # two Cyrillic letters
        "camille.eﬄore@etu.univ-exemple.fr",  # ligature
        "camille.exemple@etu.univ‑exemple.fr",  # non-breaking hyphen
    ):
        page = steps.start(Walker(), system).submit("Se connecter", email=unlike)
        assert refused(page)
        assert page.step == "email"


def test_o_30_the_session_changes_at_sign_in_and_a_fixed_one_is_worthless(system: System, camille: str) -> None:
    walker = Walker()
    page = steps.give_address(walker, system, camille)
    before = walker.session.cookies["idp_session"]
    assert page.submit("Se connecter", password=PASSWORD).step == "portal-signed-in"
    assert walker.session.cookies["idp_session"] != before
    intruder = Walker()
    intruder.session.cookies.set("idp_session", before)
    assert not steps.is_signed_in(intruder, system)


def test_o_30_a_sign_in_started_elsewhere_is_refused(system: System) -> None:
    page = steps.give_address(Walker(), system, CAMILLE)
    other = Walker()
    other.get(f"{system.provider}/account")
    assert refused(other.get(page.url))
    form = page.form("Se connecter", "password")
    assert refused(other.submit(form, password=PASSWORD))


def test_o_30_a_form_without_our_token_is_refused(system: System, walker: Walker) -> None:
    page = steps.give_address(walker, system, CAMILLE)
    form = page.form("Se connecter", "password")
    fields = form.fields | {"password": PASSWORD}
    for token in (None, "", "x" * 43):
        changed = {name: value for name, value in fields.items() if name != "csrf_token"}
        answer = walker.post(form.action, changed | ({} if token is None else {"csrf_token": token}))
        assert refused(answer)
        assert answer.step == "error"


def test_o_31_cookies_carry_their_flags_and_sign_out_kills_the_server_side(system: System, camille: str) -> None:
    walker = Walker()
    steps.with_password(walker, system, camille)
    stolen = walker.session.cookies["idp_session"]
    answer = requests.get(f"{system.provider}/account", timeout=10, allow_redirects=False)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    account = walker.get(f"{system.provider}/account")
    assert account.submit("Se déconnecter").step == "signed-out"
    thief = Walker()
    thief.session.cookies.set("idp_session", stolen)
    assert not steps.is_signed_in(thief, system)


def test_o_31_a_new_password_ends_every_other_session(system: System, camille: str) -> None:
    here, there = Walker(), Walker()
    steps.with_password(here, system, camille)
    steps.with_password(there, system, camille)
    page = here.get(f"{system.provider}/account/password")
    assert page.step == "new-password"
    assert page.submit("Créer", password="un tout nouveau mot de passe").step == "account"
    assert steps.is_signed_in(here, system)
    assert not steps.is_signed_in(there, system)
    assert refused(steps.with_password(Walker(), system, camille))
    assert steps.with_password(Walker(), system, camille, "un tout nouveau mot de passe").step == "portal-signed-in"
