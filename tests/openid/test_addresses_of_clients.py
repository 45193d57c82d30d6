"""What a client publishes at addresses of its own: however slow it is and however often it moves, others go on."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idp.domain.errors import ProtocolError
from idp.openid.client_keys import ClientKeys
from idp.openid.registration_metadata import UnfitMetadata
from idp.openid.request_objects import AT_ONCE, RequestObjects
from idp.openid.sector_identifiers import SECTORS_AT_ONCE, SectorIdentifiers
from tests.openid.client_keys import JWKS
from tests.openid.world import ISSUER, NOW, PAIRWISE, PORTAL

PUBLISHED = json.loads(JWKS)
CLIENT = replace(PORTAL, jwks_uri="https://portail.example/jwks")
KNOWN = {"alg": "ES256", "kid": "ec"}
UNKNOWN = {"alg": "ES256", "kid": "made up"}


class Seconds:
    """A clock, and an internet on which reading takes as long as it is told."""

    def __init__(self, takes: float) -> None:
        self.now = 0.0
        self.takes = takes
        self.reads: list[str] = []
        self.published: Any = PUBLISHED
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def fetch(self, uri: str) -> Any:
        self.reads.append(uri)
        self.meanwhile()
        self.now += self.takes
        return self.published


def is_done_at_once(call: Callable[[], Any]) -> bool:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(5)
    return not thread.is_alive()


def test_keys_at_a_slow_address_hold_up_one_thread_alone() -> None:
    """Key identifiers can be made up by anybody: each would have the address read, and all others wait for that."""
    web = Seconds(3.0)
    keys = ClientKeys(web.fetch, seconds=web)
    assert keys.find(CLIENT, KNOWN)
    web.now += 31
    answers: list[bool] = []
    found: list[bool] = []

    def somebody_else() -> None:
        found.append(bool(keys.find(CLIENT, KNOWN)))

    web.meanwhile = lambda: answers.append(is_done_at_once(somebody_else))
    assert not keys.find(CLIENT, UNKNOWN)
    assert (answers, found) == ([True], [True])


def test_a_new_key_is_good_at_once_however_lately_the_old_ones_were_read() -> None:
    """As the certification suites rotate a client's keys: a moment after the first use of the old ones."""
    web = Seconds(0.0)
    keys = ClientKeys(web.fetch, seconds=web)
    assert keys.find(CLIENT, KNOWN)
    web.published = {"keys": [key | {"kid": f"new {key['kid']}"} for key in PUBLISHED["keys"]]}
    web.now += 1
    assert keys.find(CLIENT, KNOWN | {"kid": "new ec"})
    assert not keys.find(CLIENT, KNOWN)


def test_made_up_keys_have_an_address_read_once_in_half_a_minute() -> None:
    web = Seconds(0.0)
    keys = ClientKeys(web.fetch, seconds=web)
    assert not keys.find(CLIENT, UNKNOWN)
    assert len(web.reads) == 1, "what was read just now is not read again"
    for _ in range(60):
        assert not keys.find(CLIENT, UNKNOWN)
        web.now += 1
    assert len(web.reads) == 3


def test_a_slow_client_that_moves_is_still_a_slow_one_and_its_old_keys_are_gone() -> None:
    web = Seconds(3.0)
    keys = ClientKeys(web.fetch, seconds=web)
    assert keys.find(CLIENT, KNOWN)
    moved = replace(CLIENT, jwks_uri="https://portail.example/other")
    answers: list[bool] = []
    found: list[bool] = []
    web.meanwhile = lambda: answers.append(is_done_at_once(lambda: found.append(bool(keys.find(moved, KNOWN)))))
    assert keys.find(moved, KNOWN)
    assert (answers, found) == ([True], [False])


def test_a_client_that_moves_all_the_time_does_not_fill_our_memory() -> None:
    web = Seconds(0.0)
    keys, sectors = ClientKeys(web.fetch, seconds=web), SectorIdentifiers(lambda _: ["https://a.example/cb"])
    for number in range(50):
        keys.find(replace(CLIENT, jwks_uri=f"https://portail.example/{number}"), KNOWN)
        sector = replace(PAIRWISE, redirect_uris=("https://a.example/cb",))
        assert sectors.vouched(replace(sector, sector_identifier_uri=f"https://a.example/{number}"))
    assert len(web.reads) == 50
    assert (len(keys._kept), len(sectors._right)) == (1, 1)


def test_request_objects_at_a_slow_address_hold_up_some_threads_alone() -> None:
    """Whoever writes the address into a link has it read: those who sign in elsewhere would find no thread."""
    client = replace(CLIENT, request_uris=("https://portail.example/r.jwt",))
    refused: list[str] = []

    def fetch(uri: str) -> bytes:
        ask()
        return b"junk"

    objects = RequestObjects(ISSUER, ClientKeys(lambda _: PUBLISHED), fetch)

    def ask() -> None:
        with pytest.raises(ProtocolError) as caught:
            objects.by_reference(client.request_uris[0], client, now=NOW)
        refused.append(caught.value.error)

    ask()
    assert refused == ["temporarily_unavailable"] + AT_ONCE * ["invalid_request_object"]
    refused.clear()
    ask()
    assert refused == ["temporarily_unavailable"] + AT_ONCE * ["invalid_request_object"]


def test_documents_of_sectors_at_slow_addresses_hold_up_some_threads_alone() -> None:
    """Whoever holds one registration may change it as often as they like."""
    slow = replace(PAIRWISE, redirect_uris=("https://a.example/cb",), sector_identifier_uri="https://a.example/s")
    outcomes: list[bool] = []

    def fetch(uri: str) -> Any:
        if uri == slow.sector_identifier_uri:
            register()
            # Clients of the file do not wait for those that register.
            assert sectors.vouched(replace(slow, client_id="of the file", sector_identifier_uri="https://b.example/s"))
        return list(slow.redirect_uris)

    sectors = SectorIdentifiers(fetch)

    def register() -> None:
        try:
            sectors.check(replace(slow, client_id=f"candidate {len(outcomes)}"))
        except UnfitMetadata:
            outcomes.append(False)
        else:
            outcomes.append(True)

    register()
    assert outcomes == [False] + SECTORS_AT_ONCE * [True]
    sectors.check(replace(PAIRWISE, client_id="without one"))
