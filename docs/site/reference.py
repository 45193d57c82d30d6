"""Pages of the reference, made from the code: settings, commands, claims, errors, metrics, data. Not edited by hand."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Never

import click
import flask
from flask_babel import Babel, force_locale
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from docs.site.refusals import Found, answered, raised
from idp import cli, settings
from idp.app.pages import TRANSLATIONS
from idp.domain import claims
from idp.domain.data_protection import REGISTER
from idp.domain.errors import ServiceUnavailable
from idp.domain.federation import MetadataFileStatus
from idp.metrics.counts import Counts
from idp.metrics.state import State
from idp.metrics.times import Times
from idp.settings_reader import Key, keys
from idp.web import errors, sentences

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
        "data": "\n".join(_data()),
    }


def comments() -> dict[str, str]:
    """What config/default.toml says above each key, or above the keys right before it, by the key's whole name."""
    found: dict[str, str] = {}
    section, above, told = "", list[str](), False
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            above, told = [*([] if told else above), line.lstrip("# ")], False
        elif key := _KEY.match(line):
            found[f"{section}{key[1]}"], told = " ".join(above), True
        else:
            header = _SECTION.match(line)
            section, above = f"{header[1]}." if header else section, []
    return found


def _settings() -> Iterator[str]:
    yield "# Settings\n"
    yield "From `config/default.toml`: a file named by `IDP_CONFIG`, or the variables. A fault stops the start.\n"
    told, known = comments(), list(keys(settings.Settings))
    for section in dict.fromkeys(key.path[:-1] for key in known):
        yield f"## {'.'.join(section) or 'At the top'}\n"
        yield "| key | variable | default | accepted | |\n|---|---|---|---|---|"
        before = ""
        for key in (key for key in known if key.path[:-1] == section):
            text = told.get(key.name, "")
            yield _setting(key, "as above" if text and text == before else text)
            before = text
        yield ""


def _setting(key: Key, text: str) -> str:
    cells = (f"`{key.path[-1]}`", f"`{key.variable}`", f"`{_toml(key.default)}`", key.rule.accepted, text)
    return f"| {' | '.join(map(_cell, cells))} |"


def _toml(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


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
    for scope, names in claims.SCOPES.items():
        yield f"| `{scope}` | {', '.join(f'`{claim}`' for claim in names) or 'a refresh token'} |"
    yield "\nWhat each means: [identifiers](../subject-identifiers.md), [verified claims](../verified-claims.md).\n"
    yield "## From what the university said\n\n| claim | attribute |\n|---|---|"
    for claim, attribute in (claims._SINGLE | claims._LISTS).items():
        yield f"| `{claim}` | {attribute} |"


def _errors() -> Iterator[str]:
    yield "# Errors\n"
    yield "## Pages\n"
    yield "What people read, by the reason that stands in the log and in the security log, with its HTTP status. A"
    yield "reason without words of its own gets those of its family, the part before the dot.\n"
    yield "| reason | status | French | English |\n|---|---|---|---|"
    app = flask.Flask(__name__)
    Babel(app, default_locale="fr", default_translation_directories=str(TRANSLATIONS))
    with app.test_request_context():
        for reason, (names, statuses) in _reasons().items():
            yield f"| {names} | {statuses} | {_page(reason, 'fr')} | {_page(reason, 'en')} |"
        yield "\n## Beside a field\n\n| problem | French | English |\n|---|---|---|"
        for key, text in sentences._FIELDS.items():
            french, english = (_said(text, locale) for locale in ("fr", "en"))
            yield f"| `{key}` | {french} | {english} |"
    yield "\n## Answers to applications\n"
    yield "The errors of RFC 6749 and its kin: JSON with an HTTP status, or parameters of the way back to the"
    yield "application. What is put together while serving is left out.\n"
    yield "| error | status | descriptions |\n|---|---|---|"
    for error, found in answered().items():
        yield f"| `{error}` | {_statuses(found)} | {_cell('; '.join(sorted(found.descriptions)))} |"


def _reasons() -> dict[str, tuple[str, str]]:
    """By each reason that has words: itself with those that share them, and their statuses."""
    found = raised()
    for status, reason in errors._HTTP_REASONS.items():
        found.setdefault(reason, Found()).statuses.add(str(status))
    sharing = {reason: [reason] for reason in sentences._PAGES}
    for reason in found:
        if reason not in sharing:
            sharing.get(reason.partition(".")[0], sharing["request"]).append(reason)
    return {
        reason: (
            ", ".join(f"`{name}`" for name in names),
            _statuses(Found(set().union(*(found[name].statuses for name in names if name in found)))),
        )
        for reason, names in sharing.items()
    }


def _statuses(found: Found) -> str:
    return ", ".join(sorted(found.statuses))


def _page(reason: str, locale: str) -> str:
    with force_locale(locale):
        texts = sentences.sentence_for(reason)
        return _cell(" ".join(filter(None, (f"**{texts.title}.**", texts.sentence, texts.advice))))


def _said(text: object, locale: str) -> str:
    with force_locale(locale):
        return _cell(str(text))


class _Nobody:
    """Nothing to watch: the gauges tell their names all the same."""

    def clock(self) -> datetime:
        return datetime.now(UTC)

    def files(self) -> tuple[MetadataFileStatus, ...]:
        return ()

    def readiness(self) -> Never:
        raise ServiceUnavailable("none")

    waiting_mails = oldest_waiting_mail = waiting_logout_notices = inactive_accounts = last_backup = readiness


def _data() -> Iterator[str]:
    yield "# Data on people\n\nEvery collection of the database; the rest: [people's data](../privacy.md).\n"
    yield "| collection | holds | for | kept |\n|---|---|---|---|"
    for name, said in REGISTER.items():
        yield f"| `{name}` | {_cell(said.data)} | {_cell(said.purpose)} | {_cell(said.kept)} |"


def _metrics() -> Iterator[str]:
    yield "# Metrics\n\nAt `/metrics`; how to read them: [observability](../observability.md).\n"
    yield "| metric | kind | labels | tells |\n|---|---|---|---|"
    for name, kind, labels, tells in sorted((*_counters(), *_gauges())):
        yield f"| `{name}` | {kind} | {', '.join(labels) or '–'} | {_cell(tells)} |"


def _counters() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    registry = CollectorRegistry()
    for owner in (Counts(registry), Times(registry)):
        for metric in vars(owner).values():
            if isinstance(metric, MetricWrapperBase):
                (family,) = metric.describe()
                name = f"{family.name}_total" if family.type == "counter" else family.name
                yield name, family.type, tuple(metric._labelnames), family.documentation


def _gauges() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    for family in State(_Nobody()).collect():
        yield family.name, family.type, tuple(family._labelnames), family.documentation


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
