"""The file of relying parties: read at the start, read again when it changes, the last good state kept."""

import contextlib
import logging
import os
import tempfile
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

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_SECTORS_AGAIN_SECONDS = 60.0

Stamp = tuple[int, int, int]


def read_clients(path: Path, algorithms: tuple[str, ...] = ALWAYS, *, implicit: bool = False) -> dict[str, Client]:
    """Every client of the file by its identifier; ``ConfigurationError`` lists each fault of the file.

    algorithms: those that the provider has a key for. implicit: whether those flows may be registered.
    """
    return _clients_of(path, _text(path), algorithms, implicit)


class ClientsFile:
    """The clients of one file, always current within a second.

    algorithms, implicit: as for ``read_clients``. sectors: whether a client belongs to the sector that it names; one
    that cannot prove it is left out, and looked at again after a minute. seconds: a clock that never goes back, only
    for how often the file is looked at. last_good: a copy of the last good state, for processes that did not see it: a
    worker that starts while the file holds a fault would end the server, and one that was not asked between two changes
    would serve an older state than the others.
    """

    def __init__(
        self,
        path: Path,
        *,
        algorithms: tuple[str, ...] = ALWAYS,
        implicit: bool = False,
        sectors: Callable[[Client], bool] = lambda client: True,
        seconds: Callable[[], float] = time.monotonic,
        last_good: Path | None = None,
    ) -> None:
        self._path = path
        self._algorithms = algorithms
        self._implicit = implicit
        self._sectors = sectors
        self._seconds = seconds
        self._last_good = last_good
        self._lock = threading.Lock()
        self._stamp = _stamp(path)
        self._again_at: float | None = None
        self._problems: tuple[str, ...] = ()
        self._clients: dict[str, Client] = {}
        self._start()
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

    def _start(self) -> None:
        try:
            self._clients = self._read()
        except ConfigurationError as error:
            if not self._keep_last_good(error):
                raise

    def _read(self) -> dict[str, Client]:
        text = _text(self._path)
        clients = self._vouched(text)
        if self._last_good is not None:
            _keep(text, self._last_good)
        return clients

    def _vouched(self, text: str) -> dict[str, Client]:
        found = _clients_of(self._path, text, self._algorithms, self._implicit)
        vouched = {client_id: client for client_id, client in found.items() if self._sectors(client)}
        self._again_at = None if len(vouched) == len(found) else self._seconds() + _SECTORS_AGAIN_SECONDS
        return vouched

    def _keep_last_good(self, error: ConfigurationError) -> bool:
        """Whether there is a copy of it, which is in use then."""
        self._again_at = None
        self._problems = error.faults
        try:
            clients = self._vouched(_text(self._last_good)) if self._last_good is not None else None
        except ConfigurationError:
            clients = None
        if clients is not None:
            self._clients = clients
        logger.error("clients_file_kept", extra={"fields": {"problem": "; ".join(error.faults)}})
        return clients is not None

    def _reload(self) -> None:
        try:
            self._clients = self._read()
        except ConfigurationError as error:
            self._keep_last_good(error)
        else:
            self._problems = ()
            logger.info(
                "clients_file_loaded", extra={"fields": {"file": str(self._path), "clients": len(self._clients)}}
            )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"clients.file = {str(path)!r}: cannot be read: {error.strerror}; accepted: a TOML file (IDP_CLIENTS_FILE)"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}; accepted: a TOML file in UTF-8") from error


def _keep(text: str, copy: Path) -> None:
    """Write the copy, whole or not at all, for us alone: there may be secrets in it."""
    try:
        if copy.exists() and copy.read_text("utf-8") == text:
            return
        copy.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=copy.parent, prefix=copy.name)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(draft).replace(copy)
        finally:
            Path(draft).unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        # Better none than an older one, which would undo what this process has read.
        with contextlib.suppress(OSError):
            copy.unlink(missing_ok=True)
        logger.warning("clients_file_not_copied", extra={"fields": {"file": str(copy), "detail": str(error)}})


def _clients_of(path: Path, text: str, algorithms: tuple[str, ...], implicit: bool) -> dict[str, Client]:
    try:
        content = tomllib.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}; accepted: a TOML file in UTF-8") from error
    clients, faults = _clients(path, content, algorithms, implicit)
    if faults:
        raise ConfigurationError(*faults)
    return clients


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
