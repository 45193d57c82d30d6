"""One measurement in a process of its own: ``python -m benchmarks.federation.side NAME FOLDER STATE`` prints JSON.

Each measurement is told in seconds or bytes, and begins after its imports, unless it is one of a whole process: then
the interpreter's start and all imports count on both sides.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.federation.naming import FILE_NAME, entity_id

Measured = dict[str, float]
_ASKED = 200


def pysaml2_load(folder: Path, state: Path) -> Measured:
    """pysaml2 reads the file; it verifies nothing, for want of a certificate, and keeps every provider in memory."""
    from saml2.attribute_converter import ac_factory
    from saml2.mdstore import MetaDataFile

    converters, before, started = ac_factory(), _pss(), _Stopwatch()
    loaded = MetaDataFile(converters, str(folder / FILE_NAME))
    loaded.load()
    return started.stop() | {"providers": len(loaded.keys()), "memory": _pss() - before}


def our_load(folder: Path, state: Path) -> Measured:
    """Our update: everything is checked, and the index written and in place."""
    import gc

    # Loaded now, what the update and the process beside it would load on their way.
    import idp.saml.federation_draft
    import idp.saml.metadata_files
    import idp.saml.metadata_reading  # noqa: F401
    from idp.saml.federation_index import indexed_files, opened
    from idp.saml.federation_update import update

    # As the update's own process does.
    gc.disable()
    started = _Stopwatch()
    update(folder, state, now=datetime.now(UTC))
    measured = started.stop()
    index = opened(state)
    assert index is not None
    return measured | {"providers": sum(file.providers for file in indexed_files(index))}


def pysaml2_process(folder: Path, state: Path) -> Measured:
    """The same, from the start of a process to its end."""
    command = [sys.executable, "-m", "benchmarks.federation.side", "pysaml2_load", str(folder), str(state)]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return {"seconds": time.perf_counter() - started}


def our_process(folder: Path, state: Path) -> Measured:
    """Our update as a worker starts it, from the start of its process until the worker has the outcome."""
    from idp.saml.federation_builder import locked, run_update

    with locked(state) as lock:
        started = time.perf_counter()
        run_update(folder, state, lock, now=datetime.now(UTC))
        return {"seconds": time.perf_counter() - started}


def our_worker(folder: Path, state: Path) -> Measured:
    """A worker with a ready index: what it costs to ask."""
    from idp.saml.federation import FederationFolder
    from idp.saml.federation_snapshot import FederationSnapshot
    from idp.saml.keys import ensure_keys
    from idp.saml.own_metadata import ServiceDescription
    from idp.saml.service_provider import ServiceProvider

    keys = ensure_keys(Path(tempfile.mkdtemp(dir=state)), "https://sp.example", now=datetime.now(UTC))
    FederationFolder(folder, lambda: datetime.now(UTC), state=state).refresh()
    federation: FederationSnapshot | None = None
    service_provider = ServiceProvider(
        entity_id="https://sp.example",
        acs_url="https://sp.example/acs",
        keys=keys,
        description=ServiceDescription({"fr": "Banc"}, {"fr": "Banc"}, {}),
        metadata_source=lambda entity_id: federation.metadata(entity_id) if federation else None,
    )
    before = _pss()
    federation = FederationFolder(folder, lambda: datetime.now(UTC), state=state).current
    numbers = [number * len(federation) // _ASKED for number in range(_ASKED)]
    searches = [_words(number) for number in numbers]
    measured = {
        "search": _median(lambda query: federation.search(query), searches),
        "by domain": _median(lambda number: federation.by_address_domain(f"etu.univ-{number}.example"), numbers),
        "unknown": _median(lambda number: federation.provider(f"https://unknown.example/{number}"), numbers),
        "read": _median(lambda number: federation.metadata(entity_id(number)), numbers),
    }
    memory = _pss() - before

    def ask(number: int) -> None:
        provider = federation.provider(entity_id(number))
        assert provider is not None
        service_provider.begin(provider, "handle", now=datetime.now(UTC))

    return measured | {"memory": memory, "on demand": _median(ask, dict.fromkeys(numbers))}


def _words(number: int) -> str:
    return (f"universite {number}", "université", f"univ-{number}.example", "inconnue")[number % 4]


def _median(
    what: Callable[[object], object] | Callable[[int], object] | Callable[[str], object], asked: Iterable[object]
) -> float:
    seconds = []
    for each in asked:
        started = time.perf_counter()
        what(each)  # type: ignore[arg-type]
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


class _Stopwatch:
    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu()

    def stop(self) -> Measured:
        return {"seconds": time.perf_counter() - self._wall, "cpu": _cpu() - self._cpu}


def _cpu() -> float:
    """Of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def _pss() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


_SIDES = {
    "pysaml2_load": pysaml2_load,
    "our_load": our_load,
    "pysaml2_process": pysaml2_process,
    "our_process": our_process,
    "our_worker": our_worker,
}


if __name__ == "__main__":
    _name, _folder, _state = sys.argv[1:]
    sys.stdout.write(json.dumps(_SIDES[_name](Path(_folder), Path(_state))))
