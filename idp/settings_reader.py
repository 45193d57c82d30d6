"""How settings are read: from a TOML file and the environment into frozen dataclasses, every fault listed.

What is accepted is told by the type of each field: ``Path``, ``Literal[…]``, ``str`` (one line of text), or
``Annotated[…, Rule]``. A field that its dataclass does not show (``repr=False``) is a secret, shown nowhere.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from idp.domain.errors import ConfigurationError
from idp.domain.near_names import meant

_FILE_VARIABLE = "IDP_CONFIG"
_OF_THE_DEMO = "IDP_DEMO_"
_SECRET_WORDS = re.compile(r"secret|passw|key|token|uri", re.IGNORECASE)
_PASSWORD_IN_ADDRESS = re.compile(r"://[^/]*:[^/]*@")

T = TypeVar("T")
KeyPath = tuple[str, ...]
Given = tuple[str, KeyPath, Any]  # how to name the source in a fault, the key's path, the value


class NotAccepted(ValueError):
    """A value that is not accepted, and why: the text is shown, so it quotes nothing of a secret."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of value.

    accepted: in words. parse: turns the value as given into the one in use; raises ValueError where it is not accepted,
    ``NotAccepted`` where there is more to say.
    """

    accepted: str
    parse: Callable[[Any], Any]


def text(accepted: str, pattern: str) -> Rule:
    """Text that matches the whole pattern."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError
        return value

    return Rule(accepted, parse)


def number(least: int, most: int) -> Rule:
    """A whole number within these bounds; text of digits counts, because the environment has nothing else."""

    def parse(value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
            value = int(value)
        if type(value) is not int or not least <= value <= most:
            raise ValueError
        return value

    return Rule(f"a whole number from {least} to {most}", parse)


def flag() -> Rule:
    """Yes or no; the words ``true`` and ``false`` count, because the environment has nothing else."""

    def parse(value: Any) -> bool:
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise ValueError
        return value

    return Rule("true or false", parse)


def choice(*choices: str) -> Rule:
    """One of these words, in any case."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or value.lower() not in choices:
            raise ValueError
        return value.lower()

    return Rule("one of " + ", ".join(choices), parse)


def _absolute(value: Any) -> Path:
    if isinstance(value, str) and value and "\0" not in value:
        return Path.cwd() / value
    if isinstance(value, Path):
        return Path.cwd() / value
    raise ValueError


PATH = Rule("a path", _absolute)
LINE = text("one line of text", r"[^\x00-\x1f\x7f]*")


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its path in the file, e.g. ``("mongodb", "uri")``, its default and its rule."""

    path: KeyPath
    default: Any
    rule: Rule
    secret: bool

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        return "IDP_" + "_".join(self.path).upper()


def keys(owner: type, prefix: KeyPath = ()) -> Iterator[Key]:
    """Every setting that this dataclass and the dataclasses within it declare, in their order."""
    for item in fields(owner):
        path = (*prefix, item.name.rstrip("_"))  # ``from`` is a word of Python's
        if isinstance(item.type, type) and is_dataclass(item.type):
            yield from keys(item.type, path)
        else:
            yield Key(path, item.default, _rule_of(item.type), secret=not item.repr)


def _rule_of(kind: Any) -> Rule:
    if get_origin(kind) is Annotated:
        return next(extra for extra in get_args(kind) if isinstance(extra, Rule))
    if get_origin(kind) is Literal:
        return choice(*get_args(kind))
    return {Path: PATH, str: LINE}[kind]


def read(owner: type[T], environ: Mapping[str, str], default_file: Path) -> tuple[T, list[str]]:
    """Fill this dataclass from its defaults, the file (``IDP_CONFIG``, else the default one) and the environment.

    Returns it with the faults, one line each, naming source, key, value and what is accepted; a key at fault keeps its
    default, so that whoever called can still look for contradictions and list everything at once.
    """
    known = {key.path: key for key in keys(owner)}
    values = {path: key.rule.parse(key.default) for path, key in known.items()}
    try:
        given, faults = _from_file(environ.get(_FILE_VARIABLE, ""), default_file), []
    except ConfigurationError as unreadable:
        given, faults = [], list(unreadable.faults)
    for source, path, value in (*given, *_from_environment(environ, known)):
        key = known.get(path)
        try:
            if key is None:
                faults.append(_unknown(source, value, known.values()))
            else:
                values[path] = key.rule.parse(value)
        except ValueError as problem:
            faults.append(fault(source, value, _wanted(known[path].rule, problem), secret=known[path].secret))
    return _build(owner, values), faults


def _wanted(rule: Rule, problem: ValueError) -> str:
    return f"{rule.accepted}; {problem}" if isinstance(problem, NotAccepted) else rule.accepted


def _from_file(named: str, default_file: Path) -> list[Given]:
    file = Path(named) if named else default_file
    if not named and not file.exists():
        return []
    try:
        with file.open("rb") as stream:
            return list(_flattened(tomllib.load(stream), f"{file}: "))
    except (OSError, ValueError) as problem:  # faults of TOML name line and column
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise ConfigurationError(f"{file}: {reason}; accepted: a readable TOML file (IDP_CONFIG)") from None


def _flattened(table: Mapping[str, Any], source: str, prefix: KeyPath = ()) -> Iterator[Given]:
    for name, value in table.items():
        path = (*prefix, name)
        if isinstance(value, dict) and value:
            yield from _flattened(value, source, path)
        elif not isinstance(value, dict) or len(path) > 1:  # an empty section says nothing
            yield source + ".".join(path), path, value


def _from_environment(environ: Mapping[str, str], known: Mapping[KeyPath, Key]) -> list[Given]:
    paths = {key.variable: path for path, key in known.items()}
    return [
        (name, paths.get(name, (name,)), value)
        for name, value in sorted(environ.items())
        if name.startswith("IDP_") and not name.startswith(_OF_THE_DEMO) and name != _FILE_VARIABLE
    ]


def _unknown(source: str, value: Any, known: Iterable[Key]) -> str:
    name = source.rpartition(": ")[2]
    names = [key.variable if source.startswith("IDP_") else key.name for key in known]
    close = meant(name, names)
    hint = f"did you mean {close}?" if close else "see config/default.toml"
    is_section = any(key.startswith(f"{name}.") for key in names)
    accepted = f"a section, [{name}]; {hint}" if is_section else f"no such setting; {hint}"
    # The value of a mistyped name may be a secret all the same.
    return fault(source, value, accepted, secret=bool(_SECRET_WORDS.search(f"{name} {close or ''}")))


def fault(source: str, value: Any, accepted: str, *, secret: bool = False) -> str:
    """The one line about one bad setting."""
    shown = "***" if secret or _PASSWORD_IN_ADDRESS.search(str(value)) else repr(value)
    return f"{source} = {shown}: accepted: {accepted}"


def _build(owner: type[T], values: Mapping[KeyPath, Any], prefix: KeyPath = ()) -> T:
    given: dict[str, Any] = {}
    for item in fields(owner):  # type: ignore[arg-type]  # always a dataclass
        path = (*prefix, item.name.rstrip("_"))
        if isinstance(item.type, type) and is_dataclass(item.type):
            given[item.name] = _build(item.type, values, path)
        else:
            given[item.name] = values[path]
    return owner(**given)
