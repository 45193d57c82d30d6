"""What every page has: its language, the name of the service, the token for its forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from flask import Response
from flask_babel import to_user_timezone
from werkzeug.datastructures import MultiDict

from idp.domain.languages import LANGUAGES
from idp.web.browser import Browser
from idp.web.page_templates import PageTemplates
from idp.web.theme import Theme, theme_context
from idp.web.this_answer import this_answer, this_request

# Requests that look at a page, and ask for nothing else (RFC 9110 section 9.2.1).
_LOOKS = ("GET", "HEAD")


class LanguageLink(NamedTuple):
    code: str
    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """privacy_urls: by language, where people read what becomes of their data; none where nobody says.

    conformity: what the accessibility statement says; every page says it as well (decree 2019-768, article 5).
    """

    browser: Browser
    service_name: str
    help_url: str
    templates: PageTemplates
    theme: Theme = field(default_factory=Theme)
    privacy_urls: Mapping[str, str] = field(default_factory=dict)
    conformity: str = "none"

    def render(self, template: str, /, *, status: int = 200, **context: Any) -> Response:
        """A page of ours; ``context`` is what the template names beyond what every page has."""
        every_page = {
            **self._every_page(),
            "waits_until": waits_until(),
            "csrf_token": self.browser.csrf_token(),
            "language_links": language_links(),
            "reference": None,
        }
        return self._answer(template, status, every_page | context)

    def render_bare(self, template: str, /, *, status: int, is_lasting: bool = False, **context: Any) -> Response:
        """A page without forms, for when the database may be away.

        It can be read in another language where asking for it again does nothing: what was refused was not done.
        is_lasting: its address shows the same again, though nothing was refused.
        """
        every_page = {
            **self._every_page(),
            "csrf_token": "",
            "language_links": language_links() if may_look_again(status, is_lasting=is_lasting) else (),
        }
        return self._answer(template, status, every_page | context)

    def _every_page(self) -> dict[str, Any]:
        root = this_request().script_root
        return {
            "lang": language(),
            "root": root,
            "service_name": self.service_name,
            "help_url": self.help_url,
            "privacy_url": self.privacy_urls.get(language(), ""),
            "conformity": self.conformity,
            **theme_context(self.theme, root),
            "errors": {},
            "client_name": None,
        }

    def _answer(self, template: str, status: int, context: dict[str, Any]) -> Response:
        # Not ``flask.render_template``, which gives every page the request, the session and the settings: ours use none
        # of them.
        return Response(self.templates.get(template, language()).render(context), status)


def may_look_again(status: int, *, is_lasting: bool = False) -> bool:
    """Whether the address of this answer can be asked for again, in another language, without anything being done."""
    return this_request().method in _LOOKS and (is_lasting or 400 <= status < 500)


def other_language() -> str:
    """The one that this answer is not in."""
    return next(code for code in LANGUAGES if code != language())


def announce_end(at: datetime) -> None:
    """Let the pages of this answer say until when their journey waits (WCAG 2.2, success criterion 2.2.1)."""
    this_answer().ends_at = at


def waits_until() -> str | None:
    """Until when the journey surely waits, e.g. ``19:45``; None for pages that do not end.

    By quarters of an hour: what is said of known and unknown people at almost the same moment is the same.
    """
    at = this_answer().ends_at
    return f"{to_user_timezone(at.replace(minute=at.minute // 15 * 15)):%H:%M}" if at else None


def language() -> str:
    """The language of this answer.

    French, unless the person chose English on a page of ours or the application asked for it (``ui_locales``). The
    browser's own preference is not asked: students of French universities use machines of every language, and the
    other language is one link away on every page that can be asked for again; a refused form is answered in both.
    """
    chosen = this_answer().language
    return chosen if chosen in LANGUAGES else "fr"


def known_language() -> str | None:
    """The language that the person surely reads: the chosen one, or French where their browser asks for it, too.

    None where the page is in French for want of a choice: a mail then says everything in both languages.
    """
    chosen = this_answer().language
    if chosen in LANGUAGES:
        return chosen
    preferred = this_request().accept_languages.best or ""
    return "fr" if preferred.lower().startswith("fr") else None


def choose_language(browser: Browser) -> None:
    """Read the language link that was followed, else the choice made before."""
    asked = this_request().args.get("lang")
    if asked in LANGUAGES:
        browser.remember_language(asked)
        this_answer().language = asked
    else:
        this_answer().language = browser.cookie("language")


def prefer_languages(ui_locales: tuple[str, ...]) -> None:
    """Follow the application's ``ui_locales`` (Core 3.1.2.1) unless the person chose a language."""
    answer = this_answer()
    if not answer.language:
        answer.language = next((tag[:2].lower() for tag in ui_locales if tag[:2].lower() in LANGUAGES), None)


def language_links() -> tuple[LanguageLink, ...]:
    """This page in the other languages."""
    request = this_request()
    query = MultiDict(request.args) if request.method in _LOOKS else MultiDict()
    query.pop("lang", None)
    # Any address may be asked for; with two slashes in front it would lead to somebody else's site.
    here = f"{request.script_root}/{quote(request.path.lstrip('/'))}"
    lead = f"{here}?{urlencode([*query.items(multi=True), ('lang', '')])}"
    current = language()
    return tuple(LanguageLink(code, label, f"{lead}{code}", code == current) for code, label in LANGUAGES.items())
