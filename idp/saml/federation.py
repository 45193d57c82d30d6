"""The federation in use: one immutable snapshot, and the folder that it is read from.

A file that goes bad changes nothing: the copy that was good stays until its own end. Files are looked at again when
their size or time of change differs, so asking often costs next to nothing.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

from idp.domain.errors import ConfigurationError
from idp.domain.federation import IdentityProvider, MetadataFileStatus
from idp.saml.metadata_files import MetadataFault, MetadataFile, read_metadata_file
from idp.saml.overrides import FILE_NAME, FileTrust, Overrides, ProviderOverride, parse_overrides
from idp.saml.search import SearchIndex

logger = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int, int], ...]


class Federation:
    """The identity providers of all files together, as one snapshot that never changes."""

    def __init__(self, entities: Iterable[tuple[IdentityProvider, bytes]] = ()) -> None:
        pairs = {provider.entity_id: (provider, metadata) for provider, metadata in entities}
        self._providers = {entity_id: provider for entity_id, (provider, _) in pairs.items()}
        self._metadata = {entity_id: metadata for entity_id, (_, metadata) in pairs.items()}
        shown = tuple(sorted((p for p in self._providers.values() if not p.hidden), key=lambda p: p.name("fr")))
        self._search = SearchIndex(shown)
        self._by_administrator = _by_domain(shown, lambda provider: provider.mail_domains)
        self._by_metadata = _by_domain(shown, lambda provider: (*provider.domain_hints, *provider.scopes))

    def __len__(self) -> int:
        return len(self._providers)

    def provider(self, entity_id: str) -> IdentityProvider | None:
        """The identity provider with this entity id, hidden ones included."""
        return self._providers.get(entity_id)

    def metadata(self, entity_id: str) -> bytes | None:
        """Its EntityDescriptor as XML, from a verified file."""
        return self._metadata.get(entity_id)

    def by_address_domain(self, domain: str) -> tuple[IdentityProvider, ...]:
        """Who may be the university of this mail domain: those with the longest suffix of it, on label boundaries.

        Where the administrator has named somebody for that suffix, nobody else. For routing only, never for trust.
        """
        labels = domain.strip().lower().rstrip(".").split(".")
        # The last label alone would be a top-level domain.
        for start in range(len(labels) - 1):
            suffix = ".".join(labels[start:])
            found = self._by_administrator.get(suffix) or self._by_metadata.get(suffix)
            if found:
                return found
        return ()

    def search(self, query: str, *, limit: int = 20) -> tuple[IdentityProvider, ...]:
        """Shown identity providers that match every word of the query, the best first; none for an empty query."""
        return self._search.search(query, limit)

    def known_domains(self) -> frozenset[str]:
        """Every domain that leads to a university that is shown: what a slip of the pen may have meant."""
        return frozenset(self._by_administrator) | frozenset(self._by_metadata)


@dataclass(slots=True)
class _FileState:
    """What is known of one file: the last good copy, and what is wrong with the one on disk."""

    stamp: Stamp = ()
    good: MetadataFile | None = None
    problem: str | None = None


@dataclass(slots=True)
class _OverridesState:
    stamp: Stamp | None = None
    good: Overrides = field(default_factory=Overrides)
    problem: str | None = None


class FederationFolder:
    """Reads ``*.xml`` and ``overrides.toml`` of one folder; ``current`` is swapped as a whole.

    clock: the present moment, aware, UTC.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = Lock()
        self._files: dict[str, _FileState] = {}
        self._overrides = _OverridesState()
        self._in_use: tuple[object, ...] = ()
        self._last_status: tuple[MetadataFileStatus, ...] = ()
        self._current = Federation()
        self._looked = False

    @property
    def current(self) -> Federation:
        """The federation in use; empty until the first refresh."""
        return self._current

    @property
    def loaded(self) -> bool:
        """Whether the folder was looked at; before, nothing is known about any university."""
        return self._looked

    def refresh(self) -> tuple[MetadataFileStatus, ...]:
        """Read what has changed since the last time; the status of every file, ``overrides.toml`` last if it is bad."""
        with self._lock:
            now = self._clock()
            self._read_overrides()
            paths = sorted(self._folder.glob("*.xml"))
            self._files = {path.name: self._files.get(path.name, _FileState()) for path in paths}
            for path in paths:
                self._read_file(path, now)
            self._swap()
            self._last_status = self._status()
            self._looked = True
            return self._last_status

    def status(self) -> tuple[MetadataFileStatus, ...]:
        """What the last refresh found; answers at once, also while a large file is being read."""
        return self._last_status

    def _read_overrides(self) -> None:
        state, path = self._overrides, self._folder / FILE_NAME
        stamp = _stamp([path])
        if stamp == state.stamp:
            return
        state.stamp = stamp
        try:
            state.good = parse_overrides(path.read_bytes()) if path.exists() else Overrides()
            state.problem = None
        except ConfigurationError as error:
            state.problem = "; ".join(error.faults)
            for fault in error.faults:
                logger.error("federation.overrides_refused", extra={"fields": {"problem": fault}})
        except OSError as error:
            state.problem = f"{FILE_NAME}: cannot be read: {error.strerror}"

    def _read_file(self, path: Path, now: datetime) -> None:
        state, trust = self._files[path.name], self._overrides.good.files.get(path.name)
        stamp = (*_stamp([path, *self._key_paths(trust)]), (str(trust), 0, 0))
        if stamp != state.stamp:
            state.stamp = stamp
            try:
                state.good, state.problem = read_metadata_file(path, trust, now=now), None
                _log("federation.file_read", path.name, len(state.good.entities))
            except MetadataFault as fault:
                state.problem = f"{path.name}: {fault}"
                _log("federation.file_refused", path.name, 0, state.problem)
        _drop_expired(path.name, state, now)

    def _key_paths(self, trust: FileTrust | None) -> list[Path]:
        return [self._folder / name for name in trust.signing_keys] if trust else []

    def _swap(self) -> None:
        in_use = (self._overrides.good, *(state.good for state in self._files.values()))
        if len(in_use) == len(self._in_use) and all(new is old for new, old in zip(in_use, self._in_use, strict=True)):
            return
        self._in_use = in_use
        self._current = Federation(self._entities())
        for entity_id in self._overrides.good.providers:
            if self._current.provider(entity_id) is None:
                logger.warning("federation.override_without_provider", extra={"fields": {"entity_id": entity_id}})

    def _entities(self) -> Iterable[tuple[IdentityProvider, bytes]]:
        seen: dict[str, str] = {}
        for name, state in self._files.items():
            for provider, metadata in state.good.entities if state.good else ():
                if provider.entity_id in seen:
                    fields = {"entity_id": provider.entity_id, "file": name, "instead_of": seen[provider.entity_id]}
                    logger.warning("federation.entity_replaced", extra={"fields": fields})
                seen[provider.entity_id] = name
                override = self._overrides.good.providers.get(provider.entity_id, ProviderOverride())
                yield override.applied_to(provider), metadata

    def _status(self) -> tuple[MetadataFileStatus, ...]:
        files = [
            MetadataFileStatus(
                file=name,
                providers=len(state.good.entities) if state.good else 0,
                valid_until=state.good.valid_until if state.good else None,
                problem=state.problem,
            )
            for name, state in self._files.items()
        ]
        if self._overrides.problem:
            files.append(MetadataFileStatus(FILE_NAME, 0, None, self._overrides.problem))
        return tuple(files)


def _drop_expired(name: str, state: _FileState, now: datetime) -> None:
    """A copy is used until its own end, not longer (metadata section 2.2.1), whatever became of the file."""
    if state.good and state.good.valid_until and state.good.valid_until <= now:
        state.problem = state.problem or f"{name}: expired on {state.good.valid_until:%Y-%m-%d %H:%M} UTC"
        _log("federation.file_expired", name, len(state.good.entities), state.problem)
        state.good = None


def _stamp(paths: Iterable[Path]) -> Stamp:
    return tuple(_file_stamp(path) for path in paths)


def _file_stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (path.name, -1, -1)
    return (path.name, found.st_mtime_ns, found.st_size)


def _by_domain(
    providers: Iterable[IdentityProvider], domains: Callable[[IdentityProvider], Iterable[str]]
) -> Mapping[str, tuple[IdentityProvider, ...]]:
    found: dict[str, list[IdentityProvider]] = {}
    for provider in providers:
        for domain in dict.fromkeys(domains(provider)):
            found.setdefault(domain, []).append(provider)
    return {domain: tuple(matching) for domain, matching in found.items()}


def _log(event: str, file: str, providers: int, problem: str | None = None) -> None:
    fields = {"file": file, "providers": providers, **({"problem": problem} if problem else {})}
    (logger.error if problem else logger.info)(event, extra={"fields": fields})
