"""Our own SAML keys: made once, readable by us alone, the same for all workers."""

import stat
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from idp.domain.errors import ConfigurationError
from idp.domain.federation import IdentityProvider
from idp.saml.key_watch import KeyWatch
from idp.saml.keys import KeyPair, SamlKey, add_key, ensure_keys, every_key, mark_old, old_keys, remove_key
from idp.saml.own_metadata import ServiceDescription
from idp.saml.safe_xml import parse_metadata
from idp.saml.service_provider import ServiceProvider
from tests.saml import identity_provider as university
from tests.unprivileged import closed


def _ensure(directory: Path) -> list[KeyPair]:
    return ensure_keys(directory, university.SP_ENTITY_ID, now=university.NOW)


def test_first_start_makes_a_pair_that_belongs_together(tmp_path: Path) -> None:
    [(key_path, certificate_path)] = _ensure(tmp_path / "keys")
    key = load_pem_private_key(key_path.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 3072
    assert certificate.public_key() == key.public_key()
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600


def test_later_starts_find_the_same_pair(tmp_path: Path) -> None:
    first = _ensure(tmp_path)
    content = first[0][0].read_bytes()
    assert _ensure(tmp_path) == first
    assert first[0][0].read_bytes() == content


def test_workers_that_start_at_once_agree_on_one_pair(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        found = list(pool.map(_ensure, [tmp_path / "keys"] * 4))
    assert found.count(found[0]) == 4
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["saml-1"]


def test_second_pair_of_a_rollover_comes_after_the_first(tmp_path: Path) -> None:
    first = _ensure(tmp_path)
    for number in (2, 10):
        (tmp_path / f"saml-{number}").mkdir()
        for path in first[0]:
            (tmp_path / f"saml-{number}" / path.name).write_bytes(path.read_bytes())
    assert [key.parent.name for key, _ in _ensure(tmp_path)] == ["saml-1", "saml-2", "saml-10"]


def test_incomplete_pair_stops_the_start_with_its_path(tmp_path: Path) -> None:
    [(_, certificate)] = _ensure(tmp_path)
    certificate.unlink()
    with pytest.raises(ConfigurationError, match=r"cert\.pem: missing"):
        _ensure(tmp_path)


def _started(directory: Path, key: university.Key, description: ServiceDescription) -> ServiceProvider:
    """Our service provider as a start of the process makes it."""
    return ServiceProvider(
        entity_id=university.SP_ENTITY_ID,
        acs_url=university.ACS_URL,
        keys=_ensure(directory),
        description=description,
        metadata_source={university.ENTITY_ID: university.entity_descriptor(university.ENTITY_ID, (key,))}.get,
        old_keys=old_keys(directory),
    )


def _published(service_provider: ServiceProvider, use: str) -> list[bytes]:
    root = parse_metadata(service_provider.metadata(now=university.NOW))
    certificates = root.iterfind(f".//md:KeyDescriptor[@use='{use}']//ds:X509Certificate", university.NS)
    return [
        b"-----BEGIN CERTIFICATE-----\n" + "".join(found.text.split()).encode() + b"\n-----END CERTIFICATE-----\n"
        for found in certificates
    ]


def test_no_answer_is_lost_while_our_keys_are_replaced(
    tmp_path: Path, key: university.Key, description: ServiceDescription, provider: IdentityProvider
) -> None:
    """Universities encrypt to any key of any metadata that they may have fetched since the step before."""
    known: list[bytes] = []

    def step() -> None:
        service_provider = _started(tmp_path, key, description)
        now_published = _published(service_provider, "encryption")
        for certificate in {*known, *now_published}:
            root = university.signed(university.Draft(), key)
            university.encrypt(root, certificate)
            response = university.encode(root)
            assert service_provider.verify(response, provider, university.REQUEST_ID, now=university.NOW).mails
        # Who signs must have been in the metadata of the step before.
        assert not known or _published(service_provider, "signing")[0] in known
        known[:] = now_published

    step()
    add_key(tmp_path, university.SP_ENTITY_ID, now=university.NOW)
    step()
    assert len(known) == 2
    mark_old(every_key(tmp_path)[0], now=university.NOW)
    step()
    assert len(known) == 1
    step()
    remove_key(every_key(tmp_path)[0])
    step()
    assert [found.name for found in every_key(tmp_path)] == ["saml-2"]


def test_rollover_is_told_by_the_folder(tmp_path: Path) -> None:
    first = _ensure(tmp_path)
    second = add_key(tmp_path, university.SP_ENTITY_ID, now=university.NOW + timedelta(days=1))
    assert (second.name, second.since) == ("saml-2", university.NOW + timedelta(days=1))
    assert _ensure(tmp_path) == [*first, second.pair]
    mark_old(every_key(tmp_path)[0], now=university.NOW + timedelta(days=9))
    assert (_ensure(tmp_path), old_keys(tmp_path)) == ([second.pair], first)
    assert [found.old_since for found in every_key(tmp_path)] == [university.NOW + timedelta(days=9), None]
    remove_key(every_key(tmp_path)[0])
    assert (_ensure(tmp_path), old_keys(tmp_path)) == ([second.pair], [])
    assert [path.name for path in tmp_path.iterdir()] == ["saml-2"]


def test_folder_of_old_pairs_alone_stops_the_start(tmp_path: Path) -> None:
    _ensure(tmp_path)
    mark_old(every_key(tmp_path)[0], now=university.NOW)
    with pytest.raises(ConfigurationError, match="one has to sign"):
        _ensure(tmp_path)


def test_broken_certificate_or_time_is_told_with_its_folder(tmp_path: Path) -> None:
    _ensure(tmp_path)
    (tmp_path / "saml-1" / "old").write_text("yesterday")
    with pytest.raises(ConfigurationError, match="saml-1"):
        every_key(tmp_path)


@pytest.mark.parametrize(
    "act",
    [
        _ensure,
        old_keys,
        every_key,
        lambda folder: add_key(folder, university.SP_ENTITY_ID, now=university.NOW),
        lambda folder: mark_old(SamlKey(folder / "saml-1", university.NOW, None, ""), now=university.NOW),
        lambda folder: remove_key(SamlKey(folder / "saml-1", university.NOW, None, "")),
    ],
    ids=["ensure", "old", "every", "add", "mark", "remove"],
)
def test_what_the_system_refuses_is_told_with_the_folder(tmp_path: Path, act: Callable[[Path], object]) -> None:
    _ensure(tmp_path)
    with closed(tmp_path), pytest.raises(ConfigurationError, match=f"{tmp_path}.*: Permission denied: .*IDP_KEYS_DIR"):
        act(tmp_path)


def test_a_key_that_cannot_be_read_stops_the_start_with_its_path(tmp_path: Path) -> None:
    [(key_path, _)] = _ensure(tmp_path)
    key_path.unlink()
    key_path.symlink_to("/proc/self/mem")
    with pytest.raises(ConfigurationError, match=f"{tmp_path}: cannot be read"):
        _ensure(tmp_path)


def test_a_running_provider_follows_the_folder_and_no_answer_is_lost(
    tmp_path: Path, key: university.Key, description: ServiceDescription, provider: IdentityProvider
) -> None:
    running = _started(tmp_path, key, description)
    watch = KeyWatch(tmp_path, university.SP_ENTITY_ID, lambda: university.NOW)
    known = _published(running, "encryption")

    def step(published: int) -> None:
        watch.look(running)
        now_published = _published(running, "encryption")
        assert len(now_published) == published
        for certificate in {*known, *now_published}:
            root = university.signed(university.Draft(), key)
            university.encrypt(root, certificate)
            assert running.verify(university.encode(root), provider, university.REQUEST_ID, now=university.NOW).mails
        known[:] = now_published

    step(1)
    add_key(tmp_path, university.SP_ENTITY_ID, now=university.NOW)
    step(2)
    mark_old(every_key(tmp_path)[0], now=university.NOW)
    step(1)
    step(1)
    remove_key(every_key(tmp_path)[0])
    step(1)
    assert _published(running, "signing") == known


@pytest.mark.parametrize("damage", ["missing", "no key", "all old", "nothing to be seen"])
def test_a_running_provider_keeps_its_keys_when_the_folder_goes_bad(
    tmp_path: Path,
    key: university.Key,
    description: ServiceDescription,
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    running = _started(tmp_path, key, description)
    watch = KeyWatch(tmp_path, university.SP_ENTITY_ID, lambda: university.NOW)
    before = _published(running, "encryption")
    if damage == "all old":
        mark_old(every_key(tmp_path)[0], now=university.NOW)
    elif damage == "nothing to be seen":
        (tmp_path / "saml-2").mkdir()
    else:
        add_key(tmp_path, university.SP_ENTITY_ID, now=university.NOW)
        second = tmp_path / "saml-1" / "key.pem"
        second.unlink() if damage == "missing" else second.write_bytes(b"no key")
    watch.look(running)
    assert "saml.keys_kept" in caplog.text
    assert _published(running, "encryption") == before


@pytest.mark.parametrize("shut", [".", "keys"])
def test_a_running_provider_keeps_its_keys_while_the_folder_cannot_be_looked_into(
    tmp_path: Path, key: university.Key, description: ServiceDescription, caplog: pytest.LogCaptureFixture, shut: str
) -> None:
    folder = tmp_path / "keys"
    running = _started(folder, key, description)
    watch = KeyWatch(folder, university.SP_ENTITY_ID, lambda: university.NOW)
    before = _published(running, "encryption")
    with closed(tmp_path / shut):
        watch.look(running)
    assert "saml.keys_kept" in caplog.text
    caplog.clear()
    watch.look(running)
    assert not caplog.text
    assert _published(running, "encryption") == before
