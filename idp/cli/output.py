"""How commands print: lines with tabs for people and shells, JSON for programs, faults on standard error."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from functools import partial
from threading import Event, Thread
from typing import Any, Final, NoReturn

import click

from idp.domain.errors import ConfigurationError, ServiceUnavailable

# Control characters (C0, DEL, C1), what parts lines, and what turns the direction of writing (UAX 9).
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Work that is done sooner needs no word.
_PATIENCE_SECONDS: Final = 1.0
_FOR_DEVELOPERS: Final = re.compile(r" \(configured timeouts: |, Timeout: |, full error: |, Topology Description: ")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def echo_json(value: Any) -> None:
    """Dataclasses as objects, times as RFC 3339; on a terminal as harmless as ``printable``."""
    text = json.dumps(value, default=_plain, ensure_ascii=False, indent=2)
    # What JSON itself does not write by its number (RFC 8259 section 7); the line breaks are its own.
    click.echo("\n".join(_UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", line) for line in text.split("\n")))


def echo_rows(rows: list[tuple[str, ...]]) -> None:
    """One line each, with tabs between the columns."""
    for row in rows:
        click.echo(line_of(row))


def line_of(row: Iterable[str]) -> str:
    """One line with tabs between the columns, whatever stands in them.

    Names, answers of mail servers and what somebody typed are others' words: a line break or a tab would make a line or
    a column of its own, and a control character would speak to the terminal of whoever reads (CWE-150).
    """
    return "\t".join(map(printable, row))


def printable(text: str) -> str:
    """The same on one line and harmless: what is no character to read stands there by its number."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def moment(at: datetime | None, otherwise: str = "never") -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else otherwise


@contextmanager
def faults_told() -> Iterator[None]:
    """What an administrator has to mend ends the command with its lines, exit code 1."""
    try:
        yield
    except ConfigurationError as error:
        sys.exit("\n".join(error.faults))
    except ServiceUnavailable as error:
        where = "; look at mongodb.uri (IDP_MONGODB_URI), and at what `idp doctor` says"
        sys.exit(in_short(str(error)) + (where if error.part == "database" else ""))


def in_short(problem: str) -> str:
    """Without what MongoDB's driver adds for its developers: the whole answer, and all that it knows of the servers."""
    return _FOR_DEVELOPERS.split(problem, maxsplit=1)[0]


@contextmanager
def progress(label: str, *, every: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Say on standard error what takes so long, and that it goes on, for work whose length is not known.

    every: seconds between two signs of life, and before the first.
    """
    done = Event()
    teller = Thread(target=_tell, args=(label, done, every), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(label: str, done: Event, every: float) -> None:
    word = label
    while not done.wait(every):
        click.echo(word, nl=False, err=True)
        word = "."
    if word != label:
        click.echo(err=True)


def note(line: str) -> None:
    """Say this on standard error beside the answer: when the command is over, not into the middle of its progress."""
    told, context = partial(click.echo, line, err=True), click.get_current_context(silent=True)
    if context is None:
        told()
    else:
        context.call_on_close(told)


def end(message: str) -> NoReturn:
    """Leave with this line on standard error, exit code 1."""
    sys.exit(message)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return moment(value)
    return str(value)
