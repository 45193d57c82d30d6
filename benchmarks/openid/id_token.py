"""An ID token against the bare RSA signature that it holds: what everything around the signature costs."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from idp.domain.keyed import random_token
from idp.openid.id_token import IdTokens, left_half_hash
from idp.openid.keys import KeyStore

_BATCH = 10


def id_token_ratio(folder: Path, signatures: int) -> tuple[float, float]:
    """Microseconds of CPU of an ID token, and of an RS256 signature (2048 bits) alone: medians of batches in turn."""
    id_tokens = IdTokens("http://127.0.0.1:5000", KeyStore(folder / "keys"))
    access_token, scheme, digest = random_token(), padding.PKCS1v15(), hashes.SHA256()
    message = id_tokens.sign(_claims(access_token)).rpartition(".")[0].encode()
    # Any key of this size signs at the same cost.
    private_key = generate_private_key(65_537, 2_048)

    def bare() -> None:
        private_key.sign(message, scheme, digest)

    def whole() -> None:
        id_tokens.sign(_claims(access_token))

    measured: dict[Callable[[], None], list[float]] = {bare: [], whole: []}
    for _ in range(max(1, signatures // _BATCH)):
        for operation, times in measured.items():
            times.append(_microseconds(operation))
    return median(measured[whole]), median(measured[bare])


def _microseconds(operation: Callable[[], None]) -> float:
    started = time.thread_time_ns()
    for _ in range(_BATCH):
        operation()
    return (time.thread_time_ns() - started) / _BATCH / 1_000


def _claims(access_token: str) -> dict[str, object]:
    issued_at = int(time.time())
    return {
        "sub": "subject-00000000",
        "aud": "bench",
        "iat": issued_at,
        "exp": issued_at + 3_600,
        "auth_time": issued_at,
        "acr": "urn:uness:acr:basic",
        "amr": ["pwd"],
        "sid": "6f1de4c7b2",
        "nonce": "Qm9uam91ciBsZSBiYW5j",
        "at_hash": left_half_hash(access_token),
    }
