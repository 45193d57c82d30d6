"""What reaches the database, told by the database itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from idp.storage.database import Database

_ITS_OWN = {"$regex": r"system\.profile$"}


@contextmanager
def profiled(database: Database, *collections: str) -> Iterator[list[dict[str, Any]]]:
    """The operations on these collections (none: on all) as MongoDB's profiler notes them; there once it is over."""
    mongo, operations = database.client[database.name], list[dict[str, Any]]()
    mongo.drop_collection("system.profile")
    mongo.command("profile", 2)
    try:
        yield operations
    finally:
        mongo.command("profile", 0)
    which = {"$in": [f"{database.name}.{name}" for name in collections]} if collections else {"$not": _ITS_OWN}
    operations += mongo["system.profile"].find({"ns": which}).sort("$natural", 1)
