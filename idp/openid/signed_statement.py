"""Reading what others signed: compact JWS of bounded size, by one of our algorithms and a key that is theirs."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from idp.domain.clocks import CLOCK_SKEW
from idp.openid.client_keys import ALGORITHMS, PublicKey

LONGEST = 8192
LONGEST_JTI = 512


class _Registry(jws.JWSRegistry):
    """Headers that hold an RSA key, as DPoP proofs do, are longer than the library's 512 bytes."""

    max_header_length = LONGEST
    max_signature_length = 2048


# Headers that are not known are ignored, except those under `crit` (RFC 7515 section 4.1.11), refused below.
_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


class InvalidJwt(ValueError):
    """Not a statement of theirs; what is wrong with it is nobody's business."""


def unverified(statement: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims as they are claimed, nothing verified; ``InvalidJwt``."""
    if len(statement) > LONGEST or not statement.isascii():
        raise InvalidJwt
    try:
        message = jws.extract_compact(statement.encode("ascii"), registry=_REGISTRY)
        header, claims = message.headers(), json.loads(message.payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise InvalidJwt from error
    # An extension that must be understood is one that we do not understand (RFC 7515 section 4.1.11).
    if not isinstance(header, dict) or not isinstance(claims, dict) or "crit" in header or "b64" in header:
        raise InvalidJwt
    if header.get("alg") not in ALGORITHMS:
        raise InvalidJwt
    return header, claims


def verify(statement: str, keys: Iterable[PublicKey]) -> None:
    """Returns where one of the keys made the signature; ``InvalidJwt`` otherwise."""
    for key in keys:
        try:
            jws.deserialize_compact(statement, key, registry=_REGISTRY)
        except (JoseError, ValueError, TypeError):
            continue
        return
    raise InvalidJwt


def end(claims: Mapping[str, Any], *, beginnings: Iterable[str], longest: timedelta, now: datetime) -> int | None:
    """The NumericDate at which a statement ends that counts now, None where it names none; ``InvalidJwt`` for another.

    beginnings: the claims that say since when, which may be as far ahead as clocks differ. longest: how long it may
    last from now.
    """
    expires, present, skew = seconds(claims, "exp"), int(now.timestamp()), int(CLOCK_SKEW.total_seconds())
    if any((seconds(claims, name) or 0) > present + skew for name in beginnings):
        raise InvalidJwt
    if expires is not None and not present < expires <= present + int(longest.total_seconds()) + skew:
        raise InvalidJwt
    return expires


def seconds(claims: Mapping[str, Any], name: str) -> int | None:
    """A NumericDate (RFC 7519 section 2); None where it is missing; ``InvalidJwt`` where it is something else."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**40:
        raise InvalidJwt
    return int(value)
