"""No command answers with a key: each that one can show has a sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.domain.plain_english import sentence

PRODUCT = Path(__file__).parents[2] / "idp"
# Parting two accounts answers with a key instead of an exception.
PARTING = {"flows/merging.py": ("undo", "_part"), "flows/helpdesk_acts.py": ("unmerge",)}


def texts(tree: ast.AST) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def raised() -> Iterator[str]:
    """The keys that an InvalidAddress or an Unfounded is raised with, anywhere."""
    for path in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="InvalidAddress" | "Unfounded"), args=[told, *_]):
                    yield from texts(told)


def answered() -> Iterator[str]:
    """The keys that parting two accounts answers with."""
    for name, functions in PARTING.items():
        for node in ast.walk(ast.parse((PRODUCT / name).read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name in functions:
                yield from (text for text in texts(node) if text.startswith("merge."))


KEYS = sorted({*raised(), *answered()})


def test_the_keys_are_found() -> None:
    assert {"email.malformed", "reason.empty", "merge.changed", "merge.last_address"} <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_that_a_command_can_show_has_a_sentence(key: str) -> None:
    assert " " in sentence(key)
    assert key not in sentence(key)
