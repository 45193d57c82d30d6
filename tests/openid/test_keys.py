"""The folder of keys."""

import os
import re
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import RSAKey

from idp.domain.errors import ConfigurationError
from idp.domain.signing_keys import ALGORITHMS
from idp.flows.key_administration import folder_faults
from idp.openid.key_files import create_once, read_keys, stamp
from idp.openid.keys import KeyStore
from tests.unprivileged import closed


def test_keys_are_made_once_and_readable_by_the_provider_alone(tmp_path: Path) -> None:
    first = KeyStore(tmp_path / "keys")
    again = KeyStore(tmp_path / "keys")
    assert (again.signing().kid, again.pairwise_key) == (first.signing().kid, first.pairwise_key)
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_workers_that_start_together_agree_and_leave_no_drafts(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: KeyStore(tmp_path), range(4)))
    assert len({store.signing().kid for store in stores}) == 1
    assert len({store.pairwise_key for store in stores}) == 1
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["openid-0001.pem", "openid-es256.pem", "openid-pairwise.key"]


def test_the_published_set_holds_public_members_alone(keys: KeyStore) -> None:
    rsa_key, ec_key = keys.jwks()["keys"]
    assert set(rsa_key) == {"kty", "n", "e", "kid", "use", "alg"}
    assert set(ec_key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (rsa_key["alg"], ec_key["alg"]) == keys.algorithms == ("RS256", "ES256")
    assert rsa_key["kid"] == RSAKey.import_key({"kty": "RSA", "n": rsa_key["n"], "e": rsa_key["e"]}).thumbprint()


def test_a_folder_of_before_is_taken_over_and_its_last_key_signs(tmp_path: Path) -> None:
    first, newer = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
    for number, key in enumerate((first, newer), start=1):
        path = tmp_path / f"openid-000{number}.pem"
        path.write_bytes(key.as_pem(private=True))
        os.utime(path, (number * 10**6, number * 10**6))
    (tmp_path / "openid-pairwise.key").write_bytes(b"p" * 32)
    store = KeyStore(tmp_path)
    assert store.signing().kid == newer.thumbprint()
    assert store.pairwise_key == b"p" * 32
    assert store.find(first.thumbprint()) is not None
    assert store.find("unknown") is None


def test_a_broken_key_file_is_named(tmp_path: Path, keys: KeyStore) -> None:
    public = keys.signing().key.as_pem(private=False)
    KeyStore(tmp_path)
    broken = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"  # pragma: allowlist secret
    for content in (b"", b"junk", public, broken):
        (tmp_path / "openid-0001.pem").write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"openid-0001\.pem"):
            KeyStore(tmp_path)


def test_a_broken_pairwise_key_is_named_and_never_replaced(tmp_path: Path) -> None:
    KeyStore(tmp_path)
    (tmp_path / "openid-pairwise.key").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match=r"openid-pairwise\.key"):
        KeyStore(tmp_path)


def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path) -> None:
    with closed(tmp_path), pytest.raises(ConfigurationError, match=r"a\.pem: cannot be written: Permission denied"):
        create_once(tmp_path / "a.pem", bytes)


@pytest.mark.parametrize("shut", [".", "keys"])
def test_a_folder_that_may_not_be_read_is_told_in_a_sentence(tmp_path: Path, shut: str) -> None:
    """It is no empty one, in which keys would be made, and nobody's traceback."""
    folder = tmp_path / "keys"
    KeyStore(folder)
    asked: list[Callable[[], object]] = [lambda: KeyStore(folder), lambda: stamp(folder), lambda: read_keys(folder)]
    with closed(tmp_path / shut):
        told = folder_faults(folder)
        for ask in asked:
            with pytest.raises(ConfigurationError) as caught:
                ask()
            assert caught.value.faults == told
    assert re.fullmatch(r"keys\.dir = '.+/keys': cannot be read: Permission denied; accepted: .+", told[0])


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(ConfigurationError, match="keys': cannot be made"):
        KeyStore(tmp_path / "keys")


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - what is to be refused
    pem = short.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "openid-0001.pem").write_bytes(pem)
    with pytest.raises(ConfigurationError, match="2048 bits"):
        KeyStore(tmp_path)


def test_eddsa_is_there_only_where_it_is_switched_on_or_a_key_of_that_type_lies_there(tmp_path: Path) -> None:
    assert KeyStore(tmp_path).algorithms == ("RS256", "ES256")
    assert KeyStore(tmp_path, algorithms=ALGORITHMS).algorithms == ALGORITHMS
    assert KeyStore(tmp_path).algorithms == ALGORITHMS


def test_a_folder_mounted_from_a_secret_need_not_be_writable(tmp_path: Path) -> None:
    KeyStore(tmp_path)
    (tmp_path / "openid-es256.pem").unlink()
    tmp_path.chmod(0o500)
    try:
        assert "RS256" in KeyStore(tmp_path).algorithms
    finally:
        tmp_path.chmod(0o700)
