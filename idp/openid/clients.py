"""The file of relying parties: read at the start, read again when it changes, the last good state kept."""

import logging
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from idp.domain.clients import Client
from idp.domain.errors import ConfigurationError
from idp.domain.registrations import PREFIX
from idp.openid.client_metadata import read_client
from idp.openid.client_table import Faults
from idp.openid.keys import ALWAYS

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_SECTORS_AGAIN_SECONDS = 60.0

Stamp = tuple[int, int, int]


def read_clients(path: Path, algorithms: tuple[str, ...] = ALWAYS, *, implicit: bool = False) -> dict[str, Client]:
    """Every client of the file by its identifier; ``ConfigurationError`` lists each fault of the file.

    algorithms: those that the provider has a key for. implicit: whether those flows may be registered.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"clients.file = {str(path)!r}: cannot be read: {error.strerror}; accepted: a TOML file (IDP_CLIENTS_FILE)"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}; accepted: a TOML file in UTF-8") from error
    clients, faults = _clients(path, content, algorithms, implicit)
    if faults:
        raise ConfigurationError(*faults)
    return clients


class ClientsFile:
    """The clients of one file, always current within a second.

    algorithms, implicit: as for ``read_clients``. sectors: whether a client belongs to the sector that it names; one
    that cannot prove it is left out, and looked at again after a minute. seconds: a clock that never goes back, only
    for how often the file is looked at.
    """

    def __init__(
        self,
        path: Path,
        *,
        algorithms: tuple[str, ...] = ALWAYS,
        implicit: bool = False,
        sectors: Callable[[Client], bool] = lambda client: True,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._algorithms = algorithms
        self._implicit = implicit
        self._sectors = sectors
        self._seconds = seconds
        self._lock = threading.Lock()
        self._stamp = _stamp(path)
        self._again_at: float | None = None
        self._problems: tuple[str, ...] = ()
        self._clients = self._read()
        self._looked_at = seconds()

    def get(self, client_id: str) -> Client | None:
        """The client with this identifier."""
        self._refresh()
        return self._clients.get(client_id)

    def every(self) -> tuple[Client, ...]:
        """All clients, in the order of the file."""
        self._refresh()
        return tuple(self._clients.values())

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the file as it stands now, one line each; the last good state is in use then."""
        self._refresh()
        return self._problems

    def _refresh(self) -> None:
        if self._seconds() - self._looked_at < _LOOK_EVERY_SECONDS or not self._lock.acquire(blocking=False):
            return
        try:
            self._looked_at = self._seconds()
            stamp = _stamp(self._path)
            if stamp != self._stamp or (self._again_at is not None and self._again_at <= self._looked_at):
                self._stamp = stamp
                self._reload()
        finally:
            self._lock.release()

    def _read(self) -> dict[str, Client]:
        found = read_clients(self._path, self._algorithms, implicit=self._implicit)
        vouched = {client_id: client for client_id, client in found.items() if self._sectors(client)}
        self._again_at = None if len(vouched) == len(found) else self._seconds() + _SECTORS_AGAIN_SECONDS
        return vouched

    def _reload(self) -> None:
        try:
            self._clients = self._read()
        except ConfigurationError as error:
            self._again_at = None
            self._problems = error.faults
            log.error("clients_file_kept", extra={"fields": {"problem": "; ".join(error.faults)}})
        else:
            self._problems = ()
            log.info("clients_file_loaded", extra={"fields": {"file": str(self._path), "clients": len(self._clients)}})


def _clients(
    path: Path, content: Mapping[str, Any], algorithms: tuple[str, ...], implicit: bool
) -> tuple[dict[str, Client], list[str]]:
    tables = content.get("client", [])
    faults = [f"{path}: {key}; accepted: [[client]] tables alone" for key in content if key != "client"]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return {}, [*faults, f"{path}: client; accepted: [[client]] tables"]
    clients: dict[str, Client] = {}
    for number, table in enumerate(tables, start=1):
        noted = Faults(f"{path}: client {table.get('client_id') or f'number {number}'}")
        client = read_client(table, noted, algorithms=algorithms, implicit=implicit)
        if client.client_id.startswith(PREFIX):
            noted.add("client_id", client.client_id, f"not {PREFIX}…, which clients in the database have")
        if client.client_id in clients:
            noted.add("client_id", client.client_id, "one table for each client")
        clients[client.client_id] = client
        faults += noted.lines
    return clients, faults


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
