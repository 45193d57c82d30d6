"""Every hosted page as a browser shows it: axe, a narrow screen, both themes, both languages.

A picture is kept of each view that is found fault with, and of every view where the environment says PICTURES=1.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
import flask
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from idp.web.headers import allow_frame, allow_own_data, with_headers
from tests.web.test_templates import LANGUAGES, PAGES, WEB, context_for, page_app
from tests.web_server import answering

# axe-core 4, as Deque publishes it, MPL-2.0.
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
PICTURES = Path(__file__).parents[2] / "var" / "test-artefacts" / "pages"
WIDTHS = {"phone": 320, "desktop": 1280}
HEIGHT = 780
# Colours do not depend on the language, and what does not fit, does not fit on a narrow screen.
VIEWS = {
    "fr": (("light", "desktop"), ("dark", "phone")),
    "en": (("light", "phone"),),
}
# They send themselves on as soon as their script runs.
DEPARTURES = ("leave-for-university", "form-post", "sent-on")
# Of two themes, the second can differ in what depends on colours alone, and a language in everything else.
SCOPES = {
    ("fr", "light"): {},
    ("fr", "dark"): {"runOnly": ["cat.color"]},
    ("en", "light"): {"rules": {"color-contrast": {"enabled": False}}},
}
# What people lay over a page themselves: RGAA 10.4 (WCAG 2.2, 1.4.4), and RGAA 10.12 (1.4.12).
READERS_OWN = {
    "twice the text": "html { font-size: 200% }",
    "more space": """* { line-height: 1.5 !important; letter-spacing: 0.12em !important }
        * { word-spacing: 0.16em !important } p { margin-bottom: 2em !important }""",
}
LAY_OVER = """rules => {
  const sheet = new CSSStyleSheet(); sheet.replaceSync(rules); document.adoptedStyleSheets = [sheet];
}"""
CUT_OFF = """[...document.querySelectorAll("main *, footer *")]
  .filter(element => element.offsetParent && !element.closest(".visually-hidden, select, input"))
  .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    || element.tagName === "BUTTON" && element.scrollHeight > element.clientHeight + 4)
  .map(element => `${element.tagName} ${element.textContent.trim().slice(0, 40)}`)"""
FINDINGS = """scope => axe.run(document, {resultTypes: ["violations"], ...scope}).then(result =>
  result.violations.map(found => [found.id, found.nodes.map(node => `${node.target}: ${node.failureSummary}`)])
)"""
SMALL_TARGETS = """[...document.querySelectorAll("main a, main button, main input, footer a")]
  .filter(element => element.offsetParent && element.type !== "hidden")
  .filter(element => getComputedStyle(element).display !== "inline")
  .map(element => [element.textContent.trim() || element.id, element.getBoundingClientRect()])
  .filter(([name, box]) => box.height < 24 || box.width < 24).map(([name]) => name)"""


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The address below which each page of the registry is served, with the headers that ours have."""
    app = page_app()

    @app.get("/page/<page>")
    def show(page: str) -> str:
        template, context = context_for(page, flask.request.args["lang"])
        for frame in context.get("frames", ()):
            allow_frame(frame.partition("/logout")[0])
        if "delivery" in context:
            allow_own_data()
        return flask.render_template(template, **context)

    @app.route("/email", methods=["GET", "POST"])
    def refused() -> tuple[str, int]:
        is_sent = flask.request.method == "POST"
        template, context = context_for("email-error" if is_sent else "email", "fr")
        return flask.render_template(template, **context), 422 if is_sent else 200

    @app.route("/found", methods=["GET", "POST"])
    def found() -> str:
        template, context = context_for("helpdesk-found" if flask.request.method == "POST" else "helpdesk", "fr")
        return flask.render_template(template, **context | {"action": "/found"})

    @app.get("/axe.js")
    def axe() -> flask.Response:
        # From an address and kept, so that the browser compiles it once.
        response = flask.Response(AXE, mimetype="text/javascript")
        response.cache_control.max_age = 3600
        return response

    app.wsgi_app = with_headers(app.wsgi_app, secure=False)  # type: ignore[assignment, method-assign]
    with answering(make_server("127.0.0.1", 0, app, threaded=True)) as address:
        yield address


@pytest.fixture(scope="module")
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(reduced_motion="reduce")
    yield made
    made.close()


@pytest.fixture(scope="module")
def tab(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture
def window(tab: Page) -> Iterator[Page]:
    """One tab for all pages: to start a process of the browser for each would take longer than the tests."""
    yield tab
    tab.unroute_all()
    tab.emulate_media(color_scheme="light")
    tab.set_viewport_size({"width": WIDTHS["desktop"], "height": HEIGHT})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_accessible_narrow_or_wide_light_or_dark(window: Page, served: str, page: str, language: str) -> None:
    if page in DEPARTURES:
        window.route("**/app.js", lambda route: route.fulfill(body=""))
    # The applications that a person leaves are asked to sign them out in frames.
    frames = context_for(page, language)[1].get("frames", [])
    window.route(lambda url: url in frames, lambda route: route.fulfill(body="<title>-</title>"))
    with _overheard(window) as (said, asked):
        window.goto(f"{served}/page/{page}?lang={language}")
        window.add_script_tag(url=f"{served}/axe.js")
        findings = {view: found for view in VIEWS[language] if (found := _findings(window, page, language, *view))}
    assert not findings
    assert not said, "the page's own policy, or its script"
    assert all(url.startswith((served, "data:")) for url in asked if url not in frames), "nobody else is asked"


@contextmanager
def _overheard(window: Page) -> Iterator[tuple[list[str], list[str]]]:
    """The errors that are said in this window, and the addresses that are asked."""
    said: list[str] = []
    asked: list[str] = []
    heard: dict[Any, Any] = {
        "console": lambda message: said.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: said.append(str(error)),
        "request": lambda request: asked.append(request.url),
    }
    for event, hear in heard.items():
        window.on(event, hear)
    yield said, asked
    for event, hear in heard.items():
        window.remove_listener(event, hear)


def _findings(window: Page, page: str, language: str, theme: Any, width: str) -> list[object]:
    window.emulate_media(color_scheme=theme)
    window.set_viewport_size({"width": WIDTHS[width], "height": HEIGHT})
    beyond = window.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    small = window.evaluate(SMALL_TARGETS)
    found = [*window.evaluate(FINDINGS, SCOPES[language, theme]), *(["scrolls sideways"] if beyond > 0 else []), *small]
    if found or os.environ.get("PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        window.screenshot(path=PICTURES / f"{page}.{language}.{theme}.{width}.png", full_page=True)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_a_page_bears_its_reader_s_own_text_size_and_spacing(window: Page, served: str, page: str) -> None:
    if page in DEPARTURES:
        window.route("**/app.js", lambda route: route.fulfill(body=""))
    window.set_viewport_size({"width": 390, "height": HEIGHT})
    window.goto(f"{served}/page/{page}?lang=fr")
    cut_off = {}
    for what, rules in READERS_OWN.items():
        window.evaluate(LAY_OVER, rules)
        cut_off[what] = window.evaluate(CUT_OFF)
    assert cut_off == {what: [] for what in READERS_OWN}


@pytest.mark.parametrize("page", ["sign-in", "sign-in-unknown-university", "account"])
def test_what_stands_side_by_side_begins_at_the_same_height(window: Page, served: str, page: str) -> None:
    window.goto(f"{served}/page/{page}?lang=fr")
    tops = """[...document.querySelectorAll(".columns")].map(columns => [...columns.children].map(
      column => Math.round(column.querySelector("h2").getBoundingClientRect().top)))"""
    assert all(len(heights) == 2 and len(set(heights)) == 1 for heights in window.evaluate(tops))


def test_the_suggested_universities_open_right_under_the_field_and_cover_no_button(window: Page, served: str) -> None:
    window.goto(f"{served}/page/choose-university-again?lang=fr")
    distance = """(() => {
      const list = document.getElementById("q-suggestions");
      list.appendChild(document.createElement("li"));
      list.hidden = false;
      const [field, button] = ["#q", "form[role=search] button"].map(
        (one) => document.querySelector(one).getBoundingClientRect());
      const opened = list.getBoundingClientRect();
      const beside = [opened.left - field.left, opened.right - button.right];
      return [opened.top - field.bottom, ...beside, button.bottom - opened.top];
    })()"""
    below, left, right, covered = window.evaluate(distance)
    assert (0 < below < 16, left, right, covered < 0) == (True, 0, 0, True)


@pytest.mark.parametrize("page", ["email-remembered", "email-passkey", "sign-in"])
def test_what_the_box_says_is_said_by_the_forms_beside_it(window: Page, served: str, page: str) -> None:
    window.goto(f"{served}/page/{page}?lang=fr")
    said = window.locator("[data-as-box]").first
    for act, value in ((None, ""), (window.locator("#shared").check, "yes"), (window.locator("#shared").uncheck, "")):
        if act:
            act()
        assert said.input_value() == value


def test_a_passkey_is_asked_for_again_on_a_page_that_stayed(window: Page, served: str) -> None:
    """The connection was lost after the passkey was chosen, or Back brought the page as it was left."""
    window.goto(f"{served}/page/email-passkey?lang=fr")
    window.evaluate("""() => {
      window.sent = 0;
      HTMLFormElement.prototype.submit = () => { window.sent += 1; };
      const answer = {
        id: "AA", rawId: new ArrayBuffer(1), type: "public-key", getClientExtensionResults: () => ({}),
        response: {clientDataJSON: new ArrayBuffer(1), authenticatorData: new ArrayBuffer(1),
                   signature: new ArrayBuffer(1), userHandle: null},
      };
      navigator.credentials.get = () => Promise.resolve(answer);
    }""")
    button = window.get_by_role("button", name="Utiliser une clé d’accès")
    sent = "new Promise(tell => setTimeout(() => tell(window.sent)))"
    button.click()
    assert window.evaluate(sent) == 1
    button.click()
    assert window.evaluate(sent) == 1, "a double click sends once"
    window.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    button.click()
    assert window.evaluate(sent) == 2


def test_back_to_a_refused_form_is_the_form_again(window: Page, served: str) -> None:
    """Not the browser's own page, which asks whether to send the form once more."""
    window.goto(f"{served}/email")
    window.get_by_role("button", name="Se connecter", exact=True).click()
    window.locator(".error-summary").wait_for()
    window.wait_for_load_state("load")  # until deferred scripts have run, the history holds the POST itself
    window.goto(f"{served}/page/code?lang=fr")
    window.go_back()
    assert (window.url, window.locator("#email").is_visible()) == (f"{served}/email", True)
    assert not window.locator(".error-summary").count()


def test_back_to_what_a_post_showed_is_no_question_of_the_browser_s(window: Page, served: str) -> None:
    window.goto(f"{served}/found")
    window.fill("#query", "camille")
    window.get_by_role("button", name="Rechercher").click()
    window.locator("#found").wait_for()
    window.wait_for_load_state("load")  # until deferred scripts have run, the history holds the POST itself
    window.goto(f"{served}/page/code?lang=fr")
    window.go_back()
    assert (window.url, window.locator("#query").is_visible()) == (f"{served}/found", True)
    assert not window.locator("#found").count()


def test_news_of_the_mail_are_told_in_the_live_region_that_the_page_came_with(window: Page, served: str) -> None:
    """Screen readers read what changes in one, and pass over another one that takes its place."""
    script = (
        (WEB / "static" / "app.js").read_text("utf-8").replace("LOOK_AGAIN_AFTER_MS = 3000", "LOOK_AGAIN_AFTER_MS = 50")
    )
    window.route("**/app.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    window.goto(f"{served}/page/code-on-its-way?lang=fr")
    window.evaluate("window.came = document.getElementById('mail-news')")
    window.locator("#mail-news a").focus()
    accepted = window.request.get(f"{served}/page/code-accepted?lang=fr").text()
    window.route(
        f"{served}/page/code-on-its-way?lang=fr", lambda route: route.fulfill(body=accepted, content_type="text/html")
    )
    window.get_by_text("a accepté le message").wait_for()
    told = "[document.getElementById('mail-news') === came, document.activeElement === came, came.dataset.mayChange]"
    assert window.evaluate(told) == [True, True, None]


@pytest.mark.parametrize(("language", "shown", "hidden"), [
    ("fr", "Masquer le mot de passe", "Afficher le mot de passe"), ("en", "Hide the password", "Show the password"),
])  # fmt: skip
def test_the_button_beside_a_password_says_what_it_shows(
    window: Page, served: str, language: str, shown: str, hidden: str
) -> None:
    window.goto(f"{served}/page/sign-in?lang={language}")
    window.get_by_role("button", name=hidden, exact=True).click()
    assert window.get_by_role("button", name=shown, exact=True).is_visible()
    assert window.locator("#password").get_attribute("type") == "text"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_without_its_scripts(window: Page, served: str, page: str) -> None:
    """First paint waits for the page and its styles alone."""
    window.route("**/*.js", lambda route: route.abort())
    window.goto(f"{served}/page/{page}?lang=fr", wait_until="domcontentloaded")
    assert window.locator("main h1").is_visible()
    assert window.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor") == "rgb(255, 255, 255)"
    # Passkeys exist for scripts alone: their forms stay hidden until one finds that the browser knows them.
    assert all(button.is_visible() for button in window.locator("main form:not([data-passkey]) button").all())
