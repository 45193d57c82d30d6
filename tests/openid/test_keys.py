"""The folder of keys."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.errors import SecurityWarning
from joserfc.jwk import RSAKey

from idp.domain.errors import ConfigurationError
from idp.openid.keys import KeyStore


def test_keys_are_made_once_and_readable_by_the_provider_alone(tmp_path: Path) -> None:
    first = KeyStore(tmp_path / "keys")
    again = KeyStore(tmp_path / "keys")
    assert (again.signing_kid, again.pairwise_key) == (first.signing_kid, first.pairwise_key)
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_workers_that_start_together_agree_and_leave_no_drafts(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: KeyStore(tmp_path), range(4)))
    assert len({store.signing_kid for store in stores}) == 1
    assert len({store.pairwise_key for store in stores}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["openid-0001.pem", "openid-pairwise.key"]


def test_the_published_set_holds_public_members_alone(keys: KeyStore) -> None:
    (key,) = keys.jwks()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
    assert key["kid"] == RSAKey.import_key({"kty": "RSA", "n": key["n"], "e": key["e"]}).thumbprint()


def test_the_last_key_signs_and_every_key_verifies(tmp_path: Path) -> None:
    first = KeyStore(tmp_path).signing_kid
    newer = RSAKey.generate_key(2048)
    (tmp_path / "openid-0002.pem").write_bytes(newer.as_pem(private=True))
    store = KeyStore(tmp_path)
    assert store.signing_kid == newer.thumbprint()
    assert store.find(first) is not None
    assert store.find("unknown") is None
    assert len(store.jwks()["keys"]) == 2


def test_a_broken_key_file_is_named(tmp_path: Path, keys: KeyStore) -> None:
    public = keys.signing_key.as_pem(private=False)
    for content in (b"", b"junk", public, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        (tmp_path / "openid-0001.pem").write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"openid-0001\.pem"):
            KeyStore(tmp_path)


def test_a_broken_pairwise_key_is_named_and_never_replaced(tmp_path: Path) -> None:
    KeyStore(tmp_path)
    (tmp_path / "openid-pairwise.key").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match=r"openid-pairwise\.key"):
        KeyStore(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(ConfigurationError, match="keys: cannot be made"):
        KeyStore(tmp_path / "keys")


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - what is to be refused
    pem = short.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "openid-0001.pem").write_bytes(pem)
    with pytest.warns(SecurityWarning), pytest.raises(ConfigurationError, match="2048 bits"):
        KeyStore(tmp_path)
