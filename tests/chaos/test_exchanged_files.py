"""Files change while people sign in: metadata that is broken in every way, and the provider's own keys."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idp.saml.synthetic_aggregate import FILE_NAME, KEY_NAME, write_test_aggregate
from tests.chaos.broken_files import BROKEN
from tests.chaos.client import Client
from tests.chaos.figures import Figures, scaled
from tests.chaos.load import Load
from tests.chaos.provider import Provider
from tests.chaos.replica_set import ReplicaSet
from tests.waiting import wait_until

pytestmark = pytest.mark.chaos

PROVIDERS = 50


@contextmanager
def _at_university_country(provider: Provider) -> Iterator[bytes]:
    """A federation of fifty; its file's good content."""
    write_test_aggregate(provider.federation, PROVIDERS, lambda left: None, now=datetime.now(UTC))
    key = next(provider.federation.rglob(KEY_NAME)).relative_to(provider.federation)
    (provider.federation / "overrides.toml").write_text(f'[files."{FILE_NAME}"]\nsigning_keys = ["{key}"]\n')
    yield (provider.federation / FILE_NAME).read_bytes()


@pytest.fixture
def with_federation(replica_set: ReplicaSet, tmp_path: Path) -> Iterator[tuple[Provider, bytes]]:
    replica_set.heal()
    provider = Provider(tmp_path, replica_set.uri)
    with _at_university_country(provider) as good:
        provider.start()
        wait_until(lambda: provider.universities_in_use() == PROVIDERS)
        yield provider, good
        provider.stop()


def test_broken_metadata_under_load_fails_no_sign_in(with_federation: tuple[Provider, bytes], figures: Figures) -> None:
    provider, good = with_federation
    file, in_use = provider.federation / FILE_NAME, []
    load = Load(provider)
    load.start()
    load.run_for(3)
    since = load.mark()
    for spoil in BROKEN.values():
        # Not in one step: a copy that is under way is read as well.
        file.write_bytes(spoil(good))
        load.run_for(scaled(4, 1.5))
        in_use.append(provider.universities_in_use())
    file.unlink()
    load.run_for(scaled(4, 1.5))
    file.write_bytes(good)
    load.run_for(scaled(4, 1.5))
    wait_until(lambda: provider.universities_in_use() == PROVIDERS)
    errors = _errors(load, since)
    fault = "metadata replaced by broken files"
    load.settle(figures, fault, since)
    figures.add(fault, "kinds of broken files", ", ".join(BROKEN))
    figures.add(fault, "universities in use meanwhile", f"{min(in_use)} of {PROVIDERS}")
    assert set(in_use) == {PROVIDERS}
    assert not errors


def test_a_rollover_of_the_signing_keys_fails_no_sign_in(provider: Provider, load: Load, figures: Figures) -> None:
    load.run_for(3)
    since, before = load.mark(), _key_ids(provider)
    for algorithm, at_once in itertools.product(("RS256", "ES256"), ([], ["--at-once"])):
        provider.administer("keys", "rotate", "--algorithm", algorithm, *at_once)
        load.run_for(scaled(6, 3))
    errors = _errors(load, since)
    after, fault = _key_ids(provider), "own signing keys rolled over"
    load.settle(figures, fault, since)
    figures.add(fault, "keys published before / after", f"{len(before)} / {len(after)}")
    assert before < after
    assert not errors


def _key_ids(provider: Provider) -> set[str]:
    return {key["kid"] for key in json.loads(Client(provider.port).get("/jwks").body)["keys"]}


def _errors(load: Load, since: float) -> dict[str, int]:
    return {each: number for each, number in load.outcomes(since).items() if each not in ("200", "302", "303", "400")}
