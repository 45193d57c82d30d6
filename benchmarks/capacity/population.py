"""A crowd made of a few people who really came: their documents, copied with everything random in them made anew.

Copies keep the lengths and the alphabets of what they are copied from, so that data and indexes compress like it.
"""

import re
import secrets
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId
from pymongo.database import Database

Document = dict[str, Any]
Documents = dict[str, list[Document]]

_PERSON = re.compile(r"etu\d{8}")
_LONG = re.compile(r"[A-Za-z0-9_-]{16,}")
# Names of protocols are as long as that, too.
_WORDS = re.compile(r"(?:[-_]?[A-Z]?[a-z]{2,})+")
_HEX, _BASE64 = string.hexdigits[:16], f"{string.ascii_letters}{string.digits}-_"
_BATCH = 2_000


def left_by(database: Database[Document], act: Callable[[], object]) -> Documents:
    """The documents that are there after the act and were not before, as they are then, by collection."""
    known = {name: {document["_id"] for document in database[name].find({}, {"_id": 1})} for name in _names(database)}
    act()
    return {
        name: [document for document in database[name].find() if document["_id"] not in known.get(name, ())]
        for name in _names(database)
    }


def multiply(images: list[Documents], copies: int, database: Database[Document], first_number: int) -> None:
    """Put so many people into the database, made after the images in turn."""
    waiting: Documents = {}
    for each in range(copies):
        copy = _Copy(first_number + each)
        for name, documents in images[each % len(images)].items():
            waiting.setdefault(name, []).extend(copy.of(document) for document in documents)
        if each % _BATCH == _BATCH - 1:
            _insert(database, waiting)
    _insert(database, waiting)


@dataclass(frozen=True)
class Size:
    """Bytes of one collection: documents as they are, on disk, and indexes on disk."""

    documents: int
    data: int
    storage: int
    indexes: int

    def times(self, factor: float) -> "Size":
        """Of a crowd so many times as large."""
        return Size(*(round(each * factor) for each in (self.documents, self.data, self.storage, self.indexes)))

    @property
    def disk(self) -> int:
        return self.storage + self.indexes


def sizes(database: Database[Document]) -> dict[str, Size]:
    """Of every collection that has documents, after a checkpoint."""
    database.client.admin.command("fsync")
    found = {name: database.command("collStats", name) for name in sorted(_names(database))}
    return {
        name: Size(stats["count"], stats["size"], stats["storageSize"], stats["totalIndexSize"])
        for name, stats in found.items()
        if stats["count"]
    }


def _names(database: Database[Document]) -> Iterable[str]:
    return [name for name in database.list_collection_names() if not name.startswith("system.")]


def _insert(database: Database[Document], waiting: Documents) -> None:
    for name, documents in waiting.items():
        if documents:
            database[name].insert_many(documents, ordered=False)
    waiting.clear()


@dataclass
class _Copy:
    """One person more. What was equal in the image's documents is equal in the copy's."""

    number: int
    _made: dict[Any, Any] = field(default_factory=dict)

    def of(self, value: Any) -> Any:
        match value:
            case dict():
                return {key: self.of(each) for key, each in value.items()}
            case list():
                return [self.of(each) for each in value]
            case str():
                return _LONG.sub(self._random, _PERSON.sub(f"etu{self.number:08}", value))
            case ObjectId():
                return self._kept(value, ObjectId)
            case bytes():
                return self._kept(value, lambda: secrets.token_bytes(len(value)))
            case _:
                return value

    def _random(self, found: re.Match[str]) -> str:
        text = found[0]
        if _PERSON.search(text) or _WORDS.fullmatch(text):
            return text
        letters = _HEX if set(text) <= set(_HEX) else _BASE64
        made: str = self._kept(text, lambda: "".join(secrets.choice(letters) for _ in text))
        return made

    def _kept(self, value: Any, make: Callable[[], Any]) -> Any:
        if value not in self._made:
            self._made[value] = make()
        return self._made[value]
