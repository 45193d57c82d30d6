"""Pages of the reference, made from the code: settings, commands, claims, errors, metrics. Never edited by hand."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import flask
from flask_babel import Babel, force_locale
from prometheus_client import CollectorRegistry

from idp import cli, settings
from idp.app.pages import TRANSLATIONS
from idp.domain.claims import SCOPES
from idp.metrics.counts import Counts
from idp.metrics.times import Times
from idp.settings_reader import keys
from idp.web import sentences

DEFAULTS: Final = Path(settings.__file__).parents[1] / "config" / "default.toml"
_MADE: Final = "<!-- Made from the code by docs/site/reference.py; not to be edited. -->"
_SECTION: Final = re.compile(r"\[([a-z_.]+)\]")
_KEY: Final = re.compile(r"([a-z_]+) *=")


def write(folder: Path) -> None:
    """Write every page into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / f"{name}.md").write_text(f"{_MADE}\n{text}\n", encoding="utf-8")


def pages() -> dict[str, str]:
    """Markdown by the page's name."""
    return {
        "settings": "\n".join(_settings()),
        "commands": "\n".join(_commands()),
        "claims": "\n".join(_claims()),
        "errors": "\n".join(_errors()),
        "metrics": "\n".join(_metrics()),
    }


def comments() -> dict[str, str]:
    """What config/default.toml says above each key, by the key's whole name."""
    found: dict[str, str] = {}
    section, above = "", list[str]()
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            above.append(line.lstrip("# "))
            continue
        if header := _SECTION.match(line):
            section = f"{header[1]}."
        elif key := _KEY.match(line):
            found[f"{section}{key[1]}"] = " ".join(above)
        above = []
    return found


def _settings() -> Iterator[str]:
    yield "# Settings\n"
    yield "From `config/default.toml`: a file named by `IDP_CONFIG`, or the variables. A fault stops the start.\n"
    told, known = comments(), list(keys(settings.Settings))
    for section in dict.fromkeys(key.path[:-1] for key in known):
        yield f"## {'.'.join(section) or 'At the top'}\n"
        yield "| key | variable | |\n|---|---|---|"
        for key in known:
            if key.path[:-1] == section:
                yield f"| `{key.path[-1]}` | `{key.variable}` | {_cell(told.get(key.name, ''))} |"
        yield ""


def _commands() -> Iterator[str]:
    yield "# Commands\n"
    yield from _command(cli.main, ("idp",))


def _command(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(path))
    yield f"## {' '.join(path)}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _command(found, (*path, name))


def _claims() -> Iterator[str]:
    yield "# Scopes and claims\n\n| scope | claims |\n|---|---|"
    for scope, claims in SCOPES.items():
        yield f"| `{scope}` | {', '.join(f'`{claim}`' for claim in claims) or 'a refresh token'} |"
    yield "\nWhat each means: [identifiers](../subject-identifiers.md), [verified claims](../verified-claims.md)."


def _errors() -> Iterator[str]:
    yield "# Errors\n"
    yield "What people read, by the reason that stands in the log and in the security log. A reason without words of"
    yield "its own gets those of its family, the part before the dot. Applications read the errors of RFC 6749.\n"
    app = flask.Flask(__name__)
    Babel(app, default_locale="fr", default_translation_directories=str(TRANSLATIONS))
    yield "## Pages\n\n| reason | French | English |\n|---|---|---|"
    with app.test_request_context():
        for reason in sentences._PAGES:
            yield f"| `{reason}` | {_page(reason, 'fr')} | {_page(reason, 'en')} |"
        yield "\n## Beside a field\n\n| problem | French | English |\n|---|---|---|"
        for key, text in sentences._FIELDS.items():
            french, english = (_said(text, locale) for locale in ("fr", "en"))
            yield f"| `{key}` | {french} | {english} |"


def _page(reason: str, locale: str) -> str:
    with force_locale(locale):
        texts = sentences.sentence_for(reason)
        return _cell(" ".join(filter(None, (f"**{texts.title}.**", texts.sentence, texts.advice))))


def _said(text: object, locale: str) -> str:
    with force_locale(locale):
        return _cell(str(text))


def _metrics() -> Iterator[str]:
    yield "# Metrics\n\nAt `/metrics`; the gauges stand in [observability](../observability.md).\n"
    yield "| metric | kind | tells |\n|---|---|---|"
    registry = CollectorRegistry(auto_describe=True)
    Counts(registry)
    Times(registry)
    for family in sorted(registry.collect(), key=lambda family: family.name):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"| `{name}` | {family.type} | {_cell(family.documentation)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
