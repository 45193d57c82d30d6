"""Page templates with their texts in them, compiled once for each language.

Most of a page are texts that never change: looked up at every rendering they cost more than all the rest of it.
"""

from collections.abc import Iterable, MutableMapping
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Any

from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from idp.kept_templates import KeptTemplates

TEMPLATES = KeptTemplates(Path(__file__).parent / "templates")
_CALLS_FOR_A_TEXT = ("_", "gettext")


class PageEnvironment(Environment):
    """Flask's environment; what ``speaking`` gives has the texts of one language."""

    _texts: NullTranslations | None = None

    def speaking(self, texts: NullTranslations) -> "PageEnvironment":
        """The same environment, whose templates are compiled with these texts."""
        speaking = self.overlay()
        speaking._texts = texts
        return speaking

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        # Jinja's own mapping shows a template also what is added to the environment later, and each page copies it
        # entry by entry.
        return {**self.globals, **(d or {})}

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        if self._texts is not None:
            _TextsIn(self._texts).visit(source)
        return super()._generate(source, name, filename, defer_init)


class PageTemplates:
    """The application's templates by language. translations: folder of gettext catalogues, domain ``messages``."""

    def __init__(self, environment: PageEnvironment, translations: Path, languages: Iterable[str]) -> None:
        self._by_language = {
            language: environment.speaking(translation("messages", translations, [language], fallback=True))
            for language in languages
        }

    def get(self, name: str, language: str) -> Template:
        """The template as it reads in this language."""
        return self._by_language[language].get_template(name)


class _TextsIn(NodeTransformer):
    """Replaces every call for a text by that text; what stands in it is put in, escaped, when the page is rendered."""

    def __init__(self, texts: NullTranslations) -> None:
        self._texts = texts

    def visit_Call(self, call: nodes.Call, *args: Any, **kwargs: Any) -> nodes.Node:  # noqa: N802 -- Jinja's name
        self.generic_visit(call, *args, **kwargs)
        is_for_a_text = isinstance(call.node, nodes.Name) and call.node.name in _CALLS_FOR_A_TEXT
        if not is_for_a_text or len(call.args) != 1 or not isinstance(call.args[0], nodes.Const):
            return call
        text = nodes.Const(Markup(self._texts.gettext(call.args[0].value)), lineno=call.lineno)  # noqa: S704 # nosec B704 -- ours
        values = [nodes.Pair(nodes.Const(one.key), one.value) for one in call.kwargs]
        # With or without values a text is a pattern, in which a percent sign stands twice.
        return nodes.Mod(text, nodes.Dict(values, lineno=call.lineno), lineno=call.lineno)
