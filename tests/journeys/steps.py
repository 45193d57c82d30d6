"""The journeys' steps for a script, as tests combine them."""

from tests.journeys.conftest import System
from tests.journeys.walker import Page, Walker

PASSWORD = "trois pommes vertes sur la table"


def start(walker: Walker, system: System, portal: str = "/") -> Page:
    """From the portal to the address page, through discovery and the authorization endpoint."""
    page = walker.get(system.portal + portal)
    link = page.tree.xpath("//a[contains(., 'Connectez-vous')]/@href")
    return walker.get(_absolute(page, link[0])) if link else page.submit("Connectez-vous")


def give_address(walker: Walker, system: System, address: str, portal: str = "/") -> Page:
    page = start(walker, system, portal).submit("Se connecter", email=address)
    assert page.step == "sign-in", page.main_text
    return page


def saml_response(walker: Walker, system: System, mail: str) -> Page:
    """The university's page that carries its answer, not yet posted to the provider."""
    person = system.person(mail)
    page = give_address(walker, system, person["typed_mail"]).submit("Continuer")
    # The university may remember the person from before.
    if page.tree.xpath("//input[@name='password']"):
        form = next(form for form in page.forms() if "password" in form.fields)
        page = walker.submit(form, username=person["username"], password=person["password"])
    assert page.tree.xpath("//input[@name='SAMLResponse']"), page.main_text
    return page


def prove(walker: Walker, system: System, mail: str) -> Page:
    """Through the university to the mailbox page."""
    answer = saml_response(walker, system, mail)
    form = next(form for form in answer.forms() if "SAMLResponse" in form.fields)
    page = walker.submit(form)
    assert page.step == "check-mailbox", page.main_text
    return page


def confirm_by_code(page: Page, system: System, mail: str, already: int) -> Page:
    page = page.submit("Continuer", code=system.next_code(mail, already))
    assert page.step == "new-password", page.main_text
    return page


def first_time_after(page: Page, system: System, mail: str, already: int, *, name: str, log: str) -> None:
    """From the page that follows the university's answer to the portal, which knows the name, and once more by
    password in another browser. already: how many mails there were before. log: the university's."""
    assert page.step == "check-mailbox", page.main_text + log
    page = confirm_by_code(page, system, mail, already)
    page = page.submit("Créer", password=PASSWORD)
    assert page.step == "portal-signed-in", page.main_text
    assert name in page.text
    assert with_password(Walker(), system, mail).step == "portal-signed-in"


def enrol(walker: Walker, system: System, mail: str, password: str = PASSWORD) -> Page:
    """The whole first time; the portal's page, signed in."""
    already = len(system.mails(mail))
    page = confirm_by_code(prove(walker, system, mail), system, mail, already)
    page = page.submit("Créer", password=password)
    assert page.step == "portal-signed-in", page.main_text
    return page


def with_password(walker: Walker, system: System, mail: str, password: str = PASSWORD) -> Page:
    return give_address(walker, system, mail).submit("Se connecter", password=password)


def is_signed_in(walker: Walker, system: System) -> bool:
    """Whether the provider itself still knows this browser."""
    return walker.get(f"{system.provider}/account").step == "account"


def _absolute(page: Page, link: str) -> str:
    from urllib.parse import urljoin

    return urljoin(page.url, link)
