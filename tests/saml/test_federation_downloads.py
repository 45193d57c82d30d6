"""Metadata with an address: fetched when it is due, and in the folder only when it is good."""

import fcntl
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from lxml import etree

from idp.outbound.safe_fetch import download
from idp.saml import federation_downloads
from idp.saml.federation import FederationFolder
from idp.saml.federation_downloads import FederationDownloads
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.aggregates import LIMOGES, ROUEN, TRUSTED, Clock, MakeFolder, rewrite
from tests.web_server import Silent, answering


class Source(ThreadingHTTPServer):
    """The federation's server, on loopback; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.content, self.status, self.etag, self.location = b"", 200, '"1"', ""
        self.slow = threading.Event()
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/all.xml"


class _Answers(Silent, BaseHTTPRequestHandler):
    server: Source

    def do_GET(self) -> None:
        source = self.server
        source.asked.append(dict(self.headers))
        known = self.headers.get("If-None-Match") == source.etag
        self.send_response(304 if known and source.status == 200 else source.status)
        self.send_header("ETag", source.etag)
        if source.location:
            self.send_header("Location", source.location)
        if not known:
            self.send_header("Content-Length", str(len(source.content)))
        self.end_headers()
        if not known:
            self.wfile.write(source.content[:100])
            if source.slow.is_set():
                self.rfile.read(1)
            self.wfile.write(source.content[100:])


@pytest.fixture
def source() -> Iterator[Source]:
    server = Source()
    with answering(server):
        yield server


@pytest.fixture
def good(key: university.Key, entities: list[bytes]) -> bytes:
    return aggregates.signed(aggregates.aggregate(entities), key)


@pytest.fixture
def folder(make_folder: MakeFolder, source: Source) -> FederationFolder:
    made = make_folder(None, f'{TRUSTED}url = "{source.url}"\n')
    made.refresh()
    return made


def downloads(folder: FederationFolder, *, max_bytes: int = 1 << 20, timeout: float = 5) -> FederationDownloads:
    return folder.downloads(partial(download, allow_loopback=True, max_bytes=max_bytes, timeout=timeout))


def test_a_file_is_fetched_and_in_use_at_the_next_look(
    folder: FederationFolder, source: Source, good: bytes, tmp_path: Path
) -> None:
    source.content = good
    downloads(folder).fetch_due()
    [status] = folder.refresh()
    assert (status.providers, status.problems) == (2, ())
    assert folder.current.provider(LIMOGES) is not None
    assert (tmp_path / "fer.xml").read_bytes() == good


def test_it_is_asked_for_again_when_it_is_due_and_only_whether_it_has_changed(
    folder: FederationFolder, source: Source, good: bytes, tmp_path: Path, clock: Clock
) -> None:
    source.content = good
    downloads(folder).fetch_due()
    written = (tmp_path / "fer.xml").stat()
    downloads(folder).fetch_due()
    assert len(source.asked) == 1
    clock.now += timedelta(hours=1)
    downloads(folder).fetch_due()
    assert [asked.get("If-None-Match") for asked in source.asked] == [None, '"1"']
    assert (tmp_path / "fer.xml").stat() == written
    clock.now += timedelta(minutes=59)
    downloads(folder).fetch_due()
    assert len(source.asked) == 2


def test_a_copy_that_is_not_the_servers_is_fetched_whole(
    folder: FederationFolder, source: Source, good: bytes, tmp_path: Path, clock: Clock
) -> None:
    source.content = good
    downloads(folder).fetch_due()
    rewrite(tmp_path / "fer.xml", b"<html/>")
    clock.now += timedelta(hours=1)
    downloads(folder).fetch_due()
    assert "If-None-Match" not in source.asked[1]
    assert (tmp_path / "fer.xml").read_bytes() == good


@pytest.mark.parametrize(
    ("asked_for", "seconds"), [("PT30S", 600), ("PT2H30M", 9000), ("P30D", 86_400), ("soon", 3600), (None, 3600)]
)
def test_the_files_own_cache_duration_decides_when_within_bounds(
    folder: FederationFolder,
    source: Source,
    key: university.Key,
    entities: list[bytes],
    clock: Clock,
    asked_for: str | None,
    seconds: int,
) -> None:
    root = aggregates.aggregate(entities)
    if asked_for:
        root.set("cacheDuration", asked_for)
    source.content = aggregates.signed(root, key)
    downloads(folder).fetch_due()
    clock.now += timedelta(seconds=seconds - 1)
    downloads(folder).fetch_due()
    assert len(source.asked) == 1
    clock.now += timedelta(seconds=1)
    downloads(folder).fetch_due()
    assert len(source.asked) == 2


BAD = (
    "html",
    "broken",
    "empty",
    "unsigned",
    "tampered",
    "expired",
    "rolled back",
    "404",
    "304",
    "redirect",
    "huge",
    "slow",
)


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_download_is_told_and_replaces_nothing(
    folder: FederationFolder,
    source: Source,
    good: bytes,
    key: university.Key,
    entities: list[bytes],
    tmp_path: Path,
    clock: Clock,
    fault: str,
) -> None:
    source.content = good
    downloads(folder).fetch_due()
    folder.refresh()
    clock.now += timedelta(hours=1)
    source.etag = '"2"'
    if fault == "304":
        (tmp_path / "fer.xml").unlink()
        folder.refresh()
    _spoil(source, fault, good, key, entities)
    downloads(folder, max_bytes=100 if fault == "huge" else 1 << 20, timeout=0.3 if fault == "slow" else 5).fetch_due()
    if fault != "304":
        assert (tmp_path / "fer.xml").read_bytes() == good
    [status] = folder.refresh()
    assert status.download_problem is not None
    assert status.download_problem.startswith("fer.xml: not downloaded: ")
    assert "\n" not in status.download_problem
    assert status.problem is None
    assert (folder.current.provider(ROUEN) is not None) == (fault != "304")


def _spoil(source: Source, fault: str, good: bytes, key: university.Key, entities: list[bytes]) -> None:
    def signed(days: int) -> bytes:
        until = university.NOW + timedelta(days=days)
        return aggregates.signed(aggregates.aggregate(entities[:1], valid_until=until), key)

    contents = {
        "html": b"<html>maintenance</html>",
        "broken": good[:-100],
        "empty": b"",
        "unsigned": etree.tostring(aggregates.aggregate(entities)),
        "tampered": good.replace(b"unilim", b"pirate"),
        "expired": signed(0),
        "rolled back": signed(8),
    }
    source.content = contents.get(fault, good)
    source.status = {"404": 404, "304": 304, "redirect": 302}.get(fault, 200)
    source.location = "http://10.0.0.1/all.xml" if fault == "redirect" else ""
    if fault == "slow":
        source.slow.set()


def test_after_a_failure_it_is_tried_sooner_and_then_less_and_less_often(
    folder: FederationFolder, source: Source, good: bytes, clock: Clock
) -> None:
    source.status = 503
    began, tries = clock.now, []
    for _ in range(4 * 60):
        before = len(source.asked)
        downloads(folder).fetch_due()
        if len(source.asked) > before:
            tries.append((clock.now - began) // timedelta(minutes=1))
        clock.now += timedelta(minutes=1)
    assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    source.status, source.content = 200, good
    clock.now += timedelta(hours=1)
    downloads(folder).fetch_due()
    [status] = folder.refresh()
    assert (status.providers, status.problems) == (2, ())


def test_another_process_that_fetches_is_enough(
    folder: FederationFolder, source: Source, good: bytes, tmp_path: Path
) -> None:
    source.content = good
    (state,) = (tmp_path / "state").iterdir()
    with (state / federation_downloads.LOCK_NAME).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        downloads(folder).fetch_due()
    assert source.asked == []
    downloads(folder).fetch_due()
    assert len(source.asked) == 1


def test_an_address_that_is_taken_out_is_neither_fetched_nor_told_any_more(
    folder: FederationFolder, source: Source, tmp_path: Path, clock: Clock
) -> None:
    source.status = 404
    downloads(folder).fetch_due()
    [status] = folder.refresh()
    assert status.problems == ("fer.xml: not downloaded: status 404",)
    rewrite(tmp_path / "overrides.toml", TRUSTED.encode())
    folder.refresh()
    clock.now += timedelta(days=1)
    downloads(folder).fetch_due()
    assert folder.refresh() == ()
    assert len(source.asked) == 1


def test_without_leave_for_loopback_our_own_network_is_not_called(folder: FederationFolder, source: Source) -> None:
    folder.downloads(download).fetch_due()
    assert source.asked == []
    assert "not https" in (folder.refresh()[0].download_problem or "")


@pytest.mark.parametrize(
    "trust",
    [
        '[files."a.xml"]\nurl = "https://x.example/a.xml"\n',
        f'[files."a.xml"]\nurl = "https://x.example/a.xml"\nsha256 = "{"0" * 64}"\n',
        '[files."../a.xml"]\nurl = "https://x.example/a.xml"\nsigning_keys = ["a.pem"]\n',
        '[files."a.txt"]\nurl = "https://x.example/a.xml"\nsigning_keys = ["a.pem"]\n',
        '[files."a.xml"]\nurl = "file:///a.xml"\nsigning_keys = ["a.pem"]\n',
    ],
)
def test_an_address_without_a_signing_key_or_a_plain_name_is_a_fault(make_folder: MakeFolder, trust: str) -> None:
    statuses = make_folder(None, trust).refresh()
    assert any("url" in (status.problem or "") for status in statuses)
