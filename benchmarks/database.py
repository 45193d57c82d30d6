"""The mongod that every server of a run shares, and what it was asked to do."""

from pathlib import Path
from typing import Any

from pymongo import MongoClient

from benchmarks.servers import process_cpu_seconds
from idp.storage import embedded

# What an application asks for; the rest (hello, ping, serverStatus) is the drivers' watching.
_COMMANDS = (
    "aggregate", "bulkWrite", "count", "delete", "distinct", "find", "findAndModify", "getMore", "insert", "update",
    "commitTransaction", "abortTransaction",
)  # fmt: skip


class Mongod:
    """The embedded mongod of a folder; it ends by itself soon after this process."""

    def __init__(self, folder: Path) -> None:
        self.uri = embedded.ensure(folder / "mongodb")
        self.client: MongoClient[dict[str, Any]] = MongoClient(self.uri)
        self._pid = int(self._status()["pid"])

    @property
    def version(self) -> str:
        return str(self._status()["version"])

    def drop(self, *names: str) -> None:
        """Forget the databases of an earlier run."""
        for name in names:
            self.client.drop_database(name)

    def commands(self) -> int:
        """How many commands applications have sent so far."""
        counters = self._status()["metrics"]["commands"]
        return sum(int(counters[name]["total"]) for name in _COMMANDS if name in counters)

    def cpu_seconds(self) -> float:
        return process_cpu_seconds(self._pid)

    def _status(self) -> dict[str, Any]:
        return self.client.admin.command("serverStatus")
