"""A write is carried out and its reply is lost: what was granted in doubt counts as granted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.client import Client
from tests.chaos.cutting_proxy import CuttingProxy
from tests.chaos.figures import Figures, scaled
from tests.chaos.journey import exchange, refresh, sign_in, token_in
from tests.chaos.load import Load
from tests.chaos.provider import OFFLINE, Provider
from tests.chaos.replica_set import ReplicaSet
from tests.waiting import wait_until

pytestmark = pytest.mark.chaos


@pytest.fixture
def proxy(replica_set: ReplicaSet) -> Iterator[CuttingProxy]:
    replica_set.heal()
    made = CuttingProxy(replica_set.primary().port)
    yield made
    made.close()


@pytest.fixture
def behind_proxy(proxy: CuttingProxy, tmp_path: Path) -> Iterator[Provider]:
    made = Provider(tmp_path, proxy.uri)
    made.start()
    yield made
    made.stop()


def test_a_code_whose_exchange_had_no_reply_is_spent(proxy: CuttingProxy, behind_proxy: Provider) -> None:
    client = Client(behind_proxy.port)
    code = sign_in(client, behind_proxy.address(0))
    proxy.cut("grants")
    assert exchange(client, code).status == 503
    proxy.mend()
    assert proxy.number_cut
    wait_until(lambda: Client(behind_proxy.port).get("/readyz").status == 200)
    again = exchange(client, code)
    assert again.status == 400
    assert "invalid_grant" in again.body


def test_a_refresh_whose_reply_was_lost_goes_on_where_it_was(proxy: CuttingProxy, behind_proxy: Provider) -> None:
    client = Client(behind_proxy.port)
    first = token_in(exchange(client, sign_in(client, behind_proxy.address(0), OFFLINE)), "refresh_token")
    proxy.cut("grants")
    assert refresh(client, first).status == 503
    proxy.mend()
    wait_until(lambda: Client(behind_proxy.port).get("/readyz").status == 200)
    second = refresh(client, first)
    assert second.status == 200
    assert token_in(refresh(client, first), "refresh_token") == token_in(second, "refresh_token")
    third = refresh(client, token_in(second, "refresh_token"))
    assert third.status == 200
    assert refresh(client, first).status == 400


@pytest.mark.parametrize("collection", ["grants", "sessions", "authorizations"])
def test_replies_that_get_lost_now_and_then_are_nobody_s_loss(
    proxy: CuttingProxy, behind_proxy: Provider, figures: Figures, collection: str
) -> None:
    load = Load(behind_proxy)
    load.start()
    load.run_for(3)
    since = load.mark()
    proxy.cut(collection, ("insert", "update", "delete", "findAndModify"), every=5)
    load.run_for(scaled(15, 5))
    proxy.mend()
    load.run_for(2)
    fault = f"every fifth reply to a write of {collection} cut"
    figures.add(fault, "replies cut", proxy.number_cut)
    load.settle(figures, fault, since)
    assert proxy.number_cut
