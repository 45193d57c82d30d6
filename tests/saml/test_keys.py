"""Our own SAML keys: made once, readable by us alone, the same for all workers."""

import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from idp.domain.errors import ConfigurationError
from idp.saml.keys import KeyPair, ensure_keys
from tests.saml import identity_provider as university


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
