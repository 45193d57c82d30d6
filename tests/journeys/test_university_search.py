"""Finding one's university in a real browser: by the keyboard alone, with suggestions and without scripts."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.journeys import steps
from tests.journeys.conftest import System, screenshot
from tests.journeys.test_student import give_address, press, start_at_portal, step
from tests.journeys.walker import Walker

NARROW = {"width": 320, "height": 640}


@pytest.fixture
def narrow(chromium: Browser) -> Page:
    """A small telephone with scripts."""
    context = chromium.new_context(viewport=NARROW)  # type: ignore[arg-type]
    return context.new_page()


def come_to_choice(page: Page, system: System) -> None:
    start_at_portal(page, system)
    give_address(page, "camille.exemple@gmail.com")
    press(page, "Continuer")
    step(page, "choose-university")


def type_at_once(page: Page, text: str) -> None:
    """Into the field that the page begins with; the browser moves the focus there a little after the page is there."""
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type(text)


def at_university(page: Page, system: System) -> None:
    expect(page).to_have_url(re.compile(re.escape(system.universities)))
    expect(page.locator("input[name=password]")).to_be_visible()


def test_by_the_keyboard_alone_with_suggestions(narrow: Page, system: System) -> None:
    come_to_choice(narrow, system)
    field = narrow.get_by_role("combobox", name="Nom, sigle ou ville")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-expanded", "false")

    # Letters typed before are answered, too; what follows is about the last answer.
    with narrow.expect_response(re.compile("universities.json.*q=univ$")):
        narrow.keyboard.type("univ")
    expect(field).to_have_attribute("aria-expanded", "true")
    options = narrow.get_by_role("listbox", name="Établissements proposés").get_by_role("option")
    expect(options.nth(1)).to_be_visible()
    expect(narrow.locator("form[role=search] [role=status]")).to_have_text(
        re.compile(f"^{options.count()} propositions")
    )
    screenshot(narrow, "university-suggestions-320")
    assert narrow.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]

    narrow.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "q-suggestion-0")
    expect(options.first).to_have_attribute("aria-selected", "true")
    narrow.keyboard.press("ArrowUp")
    expect(field).to_have_attribute("aria-activedescendant", f"q-suggestion-{options.count() - 1}")
    expect(field).to_be_focused()
    narrow.keyboard.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    expect(field).to_have_value("univ")
    expect(field).not_to_have_attribute("aria-activedescendant", re.compile("."))

    narrow.keyboard.press("ArrowDown")
    narrow.keyboard.press("Enter")
    at_university(narrow, system)


def test_what_is_typed_without_choosing_is_searched_as_before(narrow: Page, system: System) -> None:
    come_to_choice(narrow, system)
    type_at_once(narrow, "exemple")
    expect(narrow.get_by_role("combobox")).to_have_attribute("aria-expanded", "true")
    narrow.keyboard.press("Enter")
    expect(narrow).to_have_url(re.compile(r"\?q=exemple$"))
    expect(narrow.get_by_role("button", name=re.compile("^Sélection")).first).to_be_visible()


def test_typing_on_after_an_option_was_reached_searches_for_what_is_typed(narrow: Page, system: System) -> None:
    come_to_choice(narrow, system)
    type_at_once(narrow, "uni")
    expect(narrow.get_by_role("option").first).to_be_visible()
    narrow.keyboard.press("ArrowDown")
    narrow.keyboard.type("versite")
    narrow.keyboard.press("Enter")
    expect(narrow).to_have_url(re.compile(r"\?q=universite$"))


def test_a_suggestion_can_be_pressed(narrow: Page, system: System) -> None:
    come_to_choice(narrow, system)
    type_at_once(narrow, "exemple")
    narrow.get_by_role("option").first.click()
    at_university(narrow, system)


def test_what_was_typed_before_the_script_came_is_searched_for(narrow: Page, system: System) -> None:
    held: list[Route] = []
    narrow.route("**/university-search.js", lambda route: held.append(route))
    with narrow.expect_request("**/university-search.js"):
        come_to_choice(narrow, system)
    narrow.locator("#q").press_sequentially("exemple")
    assert narrow.get_by_role("option").count() == 0
    held[0].continue_()
    expect(narrow.get_by_role("option").first).to_be_visible()


def test_escape_ends_what_was_asked_for(narrow: Page, system: System) -> None:
    """Suggestions that come late must neither open under an emptied field nor be announced."""
    narrow.route("**/universities.json*", lambda route: None)
    come_to_choice(narrow, system)
    with narrow.expect_request("**/universities.json*"):
        type_at_once(narrow, "exemple")
    with narrow.expect_event("requestfailed"):
        narrow.keyboard.press("Escape")
    expect(narrow.locator("#q")).to_have_value("")


def test_a_search_that_finds_nothing_says_so_and_the_button_still_searches(narrow: Page, system: System) -> None:
    come_to_choice(narrow, system)
    type_at_once(narrow, "atlantide")
    expect(narrow.locator("form[role=search] [role=status]")).to_have_text("Aucune proposition")
    expect(narrow.get_by_role("listbox")).to_be_hidden()
    press(narrow, "Rechercher")
    expect(narrow.locator("#q")).to_have_attribute("aria-invalid", "true")


def test_by_the_keyboard_alone_on_the_plain_page(page: Page, system: System) -> None:
    come_to_choice(page, system)
    # The field has the focus by itself, a moment after the page is there.
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("exemple")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=exemple"))
    step(page, "choose-university")
    button = page.get_by_role("button", name=re.compile("^Sélection")).first
    expect(button).to_be_visible()
    for _ in range(20):
        if button.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    at_university(page, system)


def test_the_last_choice_is_the_first_card_next_time(page: Page, system: System) -> None:
    come_to_choice(page, system)
    page.fill("#q", "exemple")
    press(page, "Rechercher")
    page.get_by_role("button", name=re.compile("^Sélection")).first.click()
    at_university(page, system)
    come_to_choice(page, system)
    expect(page.locator("main")).to_contain_text("Votre dernier choix")
    screenshot(page, "choose-university-again")
    press(page, "Oublier ce choix")
    step(page, "choose-university")
    expect(page.locator("main")).not_to_contain_text("Votre dernier choix")


def test_three_people_of_one_university_teach_their_hospital_s_domain(system: System) -> None:
    people = [
        "camille.exemple@etu.univ-exemple.fr",
        "mai.nguyen@etu.univ-exemple.fr",
        "berenice.despres@univ-exemple.fr",
    ]
    for mail in people:
        assert "Université d'Exemple" not in steps.give_address(Walker(), system, "x@chu-marais.example").main_text
        _enrol_from_hospital(system, mail)
    page = steps.give_address(Walker(), system, "x@chu-marais.example")
    assert "Université d'Exemple" in page.main_text
    assert page.submit("Continuer").url.startswith(system.universities)


def _enrol_from_hospital(system: System, mail: str) -> None:
    """As far as the proven mailbox, having typed an address that no university is known for."""
    person, already, walker = system.person(mail), len(system.mails(mail)), Walker()
    page = steps.give_address(walker, system, "x@chu-marais.example").submit("Continuer")
    assert page.step == "choose-university"
    page = walker.get(page.url, params={"q": "université d'exemple"})
    page = page.submit("Sélection", "entity_id")
    form = next(form for form in page.forms() if "password" in form.fields)
    page = walker.submit(form, username=person["username"], password=person["password"])
    page = walker.submit(next(form for form in page.forms() if "SAMLResponse" in form.fields))
    if page.step == "other-person":
        page = page.submit("Continuer")
    steps.confirm_by_code(page, system, mail, already)
