"""What a request wishes of one claim: any value, a certain one, or one of several (Core section 5.5.1)."""

from typing import Any

_MOST_VALUES = 20
_LARGEST_INTEGER = 2**53


def read_object(value: Any) -> dict[str, Any]:
    """The JSON object; ``ValueError`` for anything else."""
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def individual(wish: Any, *, is_single: bool = False) -> dict[str, Any]:
    """Core section 5.5.1: null, or an object of ``essential``, ``value`` and ``values``.

    is_single: the claim never has several values, which stand in a list.
    """
    read = _plain if is_single else _one_or_several
    if wish is None:
        return {}
    found = read_object(wish)
    kept: dict[str, Any] = {}
    if "essential" in found:
        kept["essential"] = _boolean(found["essential"])
    if "value" in found:
        kept["value"] = read(found["value"])
    if "values" in found:
        kept["values"] = [read(value) for value in read_short_list(found["values"])]
    return kept


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not a boolean")
    return value


def read_short_list(value: Any) -> list[Any]:
    """The JSON array; ``ValueError`` for anything else, and for a long one."""
    if not isinstance(value, list) or len(value) > _MOST_VALUES:
        raise ValueError("not a short list")
    return value


def _one_or_several(value: Any) -> Any:
    """The value of any claim, e.g. ``["student"]`` of ``eduperson_affiliation``."""
    return [_plain(one) for one in read_short_list(value)] if isinstance(value, list) else _plain(value)


def _plain(value: Any) -> str | int:
    """A text or a number that every part of the system can carry; bool counts as number in Python and passes."""
    if isinstance(value, str):
        value.encode()  # ValueError for half of a surrogate pair
        return value
    if isinstance(value, int) and abs(value) < _LARGEST_INTEGER:
        return value
    raise ValueError("neither text nor number")
