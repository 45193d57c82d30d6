"""A backup under load, restored elsewhere: the same people and keys, and nothing that anybody holds is good there."""

import base64
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.servers import surroundings
from idp.storage.backup.policy import KEPT, VOID
from tests.chaos.client import Client
from tests.chaos.figures import Figures, scaled
from tests.chaos.journey import Stopped, authorize_silently, exchange, refresh, sign_in, token_in
from tests.chaos.load import Load
from tests.chaos.provider import OFFLINE, PEOPLE, PROJECT, Provider
from tests.chaos.replica_set import ReplicaSet

pytestmark = pytest.mark.chaos

PASSPHRASE = "une phrase assez longue"


def idp(provider: Provider, *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "idp", *arguments],
        cwd=PROJECT,
        env=surroundings() | provider.environment | {"BACKUP_PASSPHRASE": PASSPHRASE},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def subject(provider: Provider, number: int) -> str:
    """What the application is told of this person by this provider."""
    client = Client(provider.port)
    token = token_in(exchange(client, sign_in(client, provider.address(number))), "id_token")
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"])


def test_a_backup_under_load_is_the_same_provider_elsewhere_without_its_sign_ins(
    replica_set: ReplicaSet, provider: Provider, load: Load, figures: Figures, tmp_path: Path
) -> None:
    load.run_for(scaled(20, 6))
    since = load.mark()
    started = time.monotonic()
    report = json.loads(idp(provider, "backup", str(tmp_path / "a.backup"), "--with-keys", "--json"))
    figures.add("backup under load", "seconds", time.monotonic() - started)
    figures.add("backup under load", "bytes", (tmp_path / "a.backup").stat().st_size)
    assert report["one_moment"]
    load.settle(figures, "backup under load", since)
    copy = _restored(replica_set, tmp_path)
    try:
        assert Client(copy.port).get("/jwks").body == Client(provider.port).get("/jwks").body
        assert [subject(copy, number) for number in range(5)] == [subject(provider, number) for number in range(5)]
        _assert_nothing_held_is_good(copy, load, provider)
    finally:
        copy.stop()


def _restored(replica_set: ReplicaSet, tmp_path: Path) -> Provider:
    copy = Provider(tmp_path / "copy", replica_set.uri)
    back = tmp_path / "back"
    idp(copy, "restore", str(tmp_path / "a.backup"), "--replace", "--keys-to", str(back))
    copy.environment |= {
        "IDP_KEYS_DIR": str(back / "keys"),
        "IDP_SECRET_KEY": (back / "secret_key").read_text().strip(),
    }
    assert json.loads(idp(copy, "audit", "verify", "--json"))["findings"] == []
    services = copy.services()
    names = services.database.client[services.database.name].list_collection_names()
    assert services.database.collection("accounts").count_documents({}) == PEOPLE
    assert not [name for name in names if name in VOID and services.database.collection(name).count_documents({})]
    assert "accounts" in KEPT
    services.database.close()
    copy.start()
    return copy


def _assert_nothing_held_is_good(copy: Provider, load: Load, provider: Provider) -> None:
    assert load.ledger.sessions
    for cookies in load.ledger.sessions[:20]:
        with pytest.raises(Stopped) as stopped:
            authorize_silently(Client(copy.port, dict(cookies)))
        assert "login_required" in stopped.value.answer.location
    families = [family for family in load.ledger.families if not family.is_over]
    assert families
    for family in families[:20]:
        assert refresh(Client(copy.port), family.token).status == 400
    code = sign_in(Client(provider.port), provider.address(0), OFFLINE)
    assert exchange(Client(copy.port), code).status == 400
