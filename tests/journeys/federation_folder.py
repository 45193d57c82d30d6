"""The administrator's work in the running provider's federation folder."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.journeys import steps
from tests.journeys.conftest import System, wait_until_everywhere
from tests.journeys.walker import Walker


@contextmanager
def trusted_by_fingerprint(system: System, name: str, metadata: bytes) -> Iterator[None]:
    """One more metadata file, trusted for exactly these bytes; taken away afterwards."""
    trust = f'[files."{name}"]\nsha256 = "{hashlib.sha256(metadata).hexdigest()}"'
    with _more_trust(system, trust), metadata_file(system, name, metadata):
        yield


@contextmanager
def trusted_by_key(system: System, name: str, certificate: bytes, metadata: bytes) -> Iterator[Path]:
    """One more metadata file, trusted as signed with this key (certificate, PEM); its path, to publish more there."""
    key = _folder(system) / "keys" / f"{name}.pem"
    replace(key, certificate)
    trust = f'[files."{name}"]\nsigning_keys = ["keys/{name}.pem"]'
    try:
        with _more_trust(system, trust), metadata_file(system, name, metadata) as path:
            yield path
    finally:
        key.unlink()


@contextmanager
def metadata_file(system: System, name: str, metadata: bytes) -> Iterator[Path]:
    """A file in the folder as long as this lasts."""
    path = _folder(system) / name
    replace(path, metadata)
    try:
        yield path
    finally:
        path.unlink()


def replace(path: Path, content: bytes) -> None:
    """Write the file so that nobody ever reads half of it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


def wait_until_found(system: System, address: str, university: str) -> None:
    """Until every worker names this university to who types this address."""
    wait_until_everywhere(lambda: university in _offered(system, address))


def _offered(system: System, address: str) -> str:
    return steps.give_address(Walker(), system, address).main_text


@contextmanager
def _more_trust(system: System, table: str) -> Iterator[None]:
    overrides = _folder(system) / "overrides.toml"
    before = overrides.read_bytes()
    replace(overrides, before + f"\n{table}\n".encode())
    try:
        yield
    finally:
        replace(overrides, before)


def _folder(system: System) -> Path:
    return system.folder / "federation_metadata"
