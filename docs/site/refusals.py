"""Which refusals the code can make, read from where it makes them: reason or OAuth error, HTTP status, description."""

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import idp

TO_THE_APPLICATION: Final = "to the application"
_CODE: Final = Path(idp.__file__).parent
# What makes one, and the status where the call says none. Reason and description are its first texts.
_PAGES: Final = {"Refusal": "400", "page": ""}
_ANSWERS: Final = {
    "ProtocolError": "400",
    "_dpop_error": "401",
    "_bearer_error": "400",
    "error": TO_THE_APPLICATION,
    "error_for": TO_THE_APPLICATION,
}
_REASON: Final = re.compile(r"[a-z_]+(\.[a-z_]+)*")


@dataclass(slots=True)
class Found:
    """statuses: of HTTP, or ``TO_THE_APPLICATION``. descriptions: the sentences for programs that stand in the code."""

    statuses: set[str] = field(default_factory=set)
    descriptions: set[str] = field(default_factory=set)


def raised() -> dict[str, Found]:
    """Refusals that people read, by reason."""
    return dict(sorted(_found(_PAGES).items()))


def answered() -> dict[str, Found]:
    """Errors that applications read (RFC 6749 and its kin), by their code."""
    found = _found(_ANSWERS)
    for node in _nodes():
        # Two that are chosen first and travel later: ``error = ("consent_required", "…")``.
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "error"
            and isinstance(node.value, ast.Tuple)
        ):
            _add(found, node.value.elts, TO_THE_APPLICATION)
    return {error: found[error] for error in sorted(found) if "." not in error}


def _found(makers: dict[str, str]) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for node in _nodes():
        if isinstance(node, ast.Call) and _name(node) in makers:
            _add(found, node.args, _status(node) or makers[_name(node)])
    return found


def _add(found: dict[str, Found], arguments: list[ast.expr], status: str) -> None:
    texts = [_text(one) for one in arguments]
    reason = next((number for number in (0, 1) if _REASON.fullmatch("".join(texts[number : number + 1]))), None)
    if reason is None or not status or len(texts) < reason + 2:
        return
    one = found.setdefault(texts[reason], Found())
    one.statuses.add(status)
    one.descriptions |= {texts[reason + 1]} - {""}


@cache
def _nodes() -> tuple[ast.AST, ...]:
    read = (ast.parse(file.read_text(encoding="utf-8")) for file in sorted(_CODE.rglob("*.py")))
    return tuple(node for tree in read for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Assign))


def _name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _text(given: ast.expr) -> str:
    """The text that stands there; empty where it is made at run time."""
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


def _status(call: ast.Call) -> str:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "status"]
    numbers = [one.value for one in (*named, *call.args) if isinstance(one, ast.Constant) and type(one.value) is int]
    return str(numbers[0]) if numbers else ""
