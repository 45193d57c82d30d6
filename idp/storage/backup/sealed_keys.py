"""Keys and the secret key, locked up under a passphrase: scrypt (RFC 7914), then AES-256-GCM."""

import io
import os
import secrets
import tarfile
from pathlib import Path, PurePosixPath

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from idp.domain.errors import ConfigurationError

SECRET_KEY_FILE = "secret_key"
_MAGIC = b"idpkeys1"
_SALT, _NONCE = 16, 12
LEAST_PASSPHRASE = 12


def seal(keys_dir: Path, secret_key: str, passphrase: str) -> bytes:
    """Every file of the folder, with its time, which says since when a key signs; raises ConfigurationError."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise ConfigurationError(f"passphrase: at least {LEAST_PASSPHRASE} characters")
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    try:
        plain = _packed(keys_dir, secret_key)
    except OSError as problem:
        raise ConfigurationError(f"{keys_dir}: cannot be read: {problem.strerror}") from problem
    return _MAGIC + salt + nonce + _cipher(passphrase, salt).encrypt(nonce, plain, _MAGIC)


def unseal(sealed: bytes, passphrase: str, folder: Path) -> tuple[str, ...]:
    """Write the files for their owner alone into a folder that is not there yet; their names."""
    salt, nonce = sealed[8 : 8 + _SALT], sealed[8 + _SALT : 8 + _SALT + _NONCE]
    try:
        plain = _cipher(passphrase, salt).decrypt(nonce, sealed[8 + _SALT + _NONCE :], _MAGIC)
    except (InvalidTag, ValueError):
        raise ConfigurationError("passphrase: does not open the keys of this backup") from None
    try:
        _make(folder.parent)
        folder.mkdir(mode=0o700)
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            return tuple(_write(tar, member, folder) for member in tar)
    except FileExistsError:
        raise ConfigurationError(f"{folder}: is there already; name a new folder") from None
    except OSError as problem:
        raise ConfigurationError(f"{folder}: cannot be written: {problem.strerror}") from problem


def secret_key_in(folder: Path) -> str:
    """The secret key among the files that ``unseal`` has written."""
    return (folder / SECRET_KEY_FILE).read_text().removesuffix("\n")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> str:
    # Files alone, and below the folder: tarfile's own filter for that is missing in Debian 12 (Python 3.11.2).
    name, content = PurePosixPath(member.name), tar.extractfile(member) if member.isfile() else None
    if content is None or name.is_absolute() or ".." in name.parts:
        raise ConfigurationError(f"{member.name}: no file that a backup holds")
    target = folder / name
    _make(target.parent)
    target.touch(mode=0o600, exist_ok=False)
    target.write_bytes(content.read())
    os.utime(target, (member.mtime, member.mtime))
    return member.name


def _make(folder: Path) -> None:
    """For its owner alone, as is every folder above that was not there: ``parents`` would leave these to the umask."""
    for level in (*reversed(folder.parents), folder):
        level.mkdir(mode=0o700, exist_ok=True)


def _packed(keys_dir: Path, secret_key: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        _add(tar, SECRET_KEY_FILE, secret_key.encode() + b"\n", 0)
        for path in sorted(keys_dir.rglob("*")):
            if path.is_file():
                name = PurePosixPath("keys", path.relative_to(keys_dir).as_posix())
                _add(tar, str(name), path.read_bytes(), path.stat().st_mtime)
    return packed.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, modified: float) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), 0o600, modified
    tar.addfile(member, io.BytesIO(content))


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**16, r=8, p=1).derive(passphrase.encode()))
