"""The sector that a client names is believed only where the sector's own document names the client."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from idp.domain.errors import NotFetched
from idp.openid.clients import ClientsFile
from idp.openid.registration_metadata import UnfitMetadata
from idp.openid.sector_identifiers import SectorIdentifiers
from idp.openid.subjects import Subjects
from idp.outbound.safe_fetch import fetch_json
from tests.openid.world import PAIRWISE, PORTAL, SUBJECT
from tests.web_server import Silent, answering

TWO = ("https://one.example/cb", "https://two.example/cb")
CLIENT = replace(
    PAIRWISE, redirect_uris=TWO, sector_identifier_uri="https://s.example/uris.json", sector_identifier="s.example"
)
FILE = """
[[client]]
client_id = "two"
client_secret = "a-secret-in-clear-01"
redirect_uris = ["https://one.example/cb", "https://two.example/cb"]
subject_type = "pairwise"
sector_identifier_uri = "https://s.example/uris.json"
"""


class Web:
    """What a test's internet holds; counts what is read."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.reads = 0

    def __call__(self, uri: str) -> Any:
        self.reads += 1
        if isinstance(self.document, Exception):
            raise self.document
        return self.document


class Document(Silent, BaseHTTPRequestHandler):
    content: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)


@pytest.fixture
def server() -> Iterator[str]:
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Document)) as address:
        yield f"{address}/uris.json"


def test_a_document_that_names_every_redirect_uri_is_enough(server: str) -> None:
    Document.content = json.dumps([*TWO, "https://three.example/cb"]).encode()
    sectors = SectorIdentifiers(lambda uri: fetch_json(uri, allow_loopback=True))
    assert sectors.vouched(replace(CLIENT, sector_identifier_uri=server))


def test_a_private_address_is_not_fetched_and_so_never_vouches(server: str) -> None:
    Document.content = json.dumps(TWO).encode()
    assert not SectorIdentifiers(fetch_json).vouched(replace(CLIENT, sector_identifier_uri=server))


@pytest.mark.parametrize("document", [[TWO[0]], [], {}, "x", None, [[*TWO]], [1, None], {TWO[0]: TWO[1]}])
def test_every_other_document_is_refused(document: Any) -> None:
    sectors = SectorIdentifiers(Web(document))
    assert not sectors.vouched(CLIENT)
    with pytest.raises(UnfitMetadata) as caught:
        sectors.check(CLIENT)
    assert caught.value.keys == ("sector_identifier_uri",)


@pytest.mark.parametrize("document", [{}, "x", None, {"name": "an app's manifest"}])
def test_a_client_without_redirect_uris_needs_such_a_document_all_the_same(document: Any) -> None:
    """Of no addresses every document holds each; then at least it must be one of a sector."""
    device = replace(CLIENT, redirect_uris=())
    assert not SectorIdentifiers(Web(document)).vouched(device)
    assert SectorIdentifiers(Web([])).vouched(device)


def test_a_client_without_such_a_document_needs_none() -> None:
    web = Web(NotFetched("nothing there"))
    assert SectorIdentifiers(web).vouched(PAIRWISE)
    assert web.reads == 0


def test_what_was_right_is_not_read_again_until_the_client_changes() -> None:
    web = Web(list(TWO))
    sectors = SectorIdentifiers(web)
    assert sectors.vouched(CLIENT)
    assert sectors.vouched(CLIENT)
    assert web.reads == 1
    assert not sectors.vouched(replace(CLIENT, redirect_uris=(*TWO, "https://evil.example/cb")))


def test_a_client_of_the_file_is_left_out_until_its_sector_can_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(FILE)
    web = Web(NotFetched("TimeoutError"))
    now = [0.0]
    with caplog.at_level(logging.ERROR):
        clients = ClientsFile(path, sectors=SectorIdentifiers(web).vouched, seconds=lambda: now[0])
    assert "sector_identifier_refused" in caplog.text
    assert clients.get("two") is None
    web.document = list(TWO)
    now[0] = 59
    assert clients.get("two") is None
    now[0] = 61
    assert clients.get("two") is not None
    now[0] = 200
    assert clients.get("two") is not None
    assert web.reads == 2


def test_pairwise_clients_cannot_compare_sign_ins_either() -> None:
    """Of one sector they may: their sub is the same as well."""
    subjects = Subjects(bytes(range(32)))
    other = replace(PAIRWISE, redirect_uris=("https://other.example/cb",))
    told = [subjects.sid_of(client, "sid-1") for client in (PAIRWISE, CLIENT, other)]
    assert len({*told, "sid-1"}) == 4
    assert subjects.sid_of(replace(CLIENT, client_id="another"), "sid-1") == told[1]
    assert subjects.sid_of(PAIRWISE, "sid-2") != told[0]
    assert [subjects.sid_behind(client, sid) for client, sid in zip((PAIRWISE, CLIENT, other), told, strict=True)] == [
        "sid-1"
    ] * 3
    assert subjects.sid_of(PORTAL, "sid-1") == subjects.sid_behind(PORTAL, "sid-1") == "sid-1"


@pytest.mark.parametrize("told", ["sid-1", "", "é", "x" * 22, "-_-_" * 20])
def test_a_sign_in_that_was_told_by_our_own_name_for_it_is_still_known(told: str) -> None:
    """ID tokens of an older release come back as hints."""
    assert Subjects(bytes(range(32))).sid_behind(PAIRWISE, told) == told


def test_the_formula_of_pairwise_subjects_is_frozen() -> None:
    # HMAC-SHA256 in base64url, worked out with another tool: whoever changes these gives everybody a new sub.
    subjects = Subjects(bytes(range(32)))
    assert subjects.of(PAIRWISE, SUBJECT) == "OwogJHU1-PyAgnyEO4yW6JmZazTJHtszMtSb4Ikxb1k"
    assert subjects.of(CLIENT, SUBJECT) == "1hbEozx5RoH1A9LOaMjOd-2X4zfIVsXq6stc52zS3GA"
    assert subjects.of(replace(CLIENT, subject_type="public"), SUBJECT) == SUBJECT
