"""DPoP (RFC 9449): tokens bound to a key, proofs that count once."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from idp.domain.errors import AuthorizationError, ProtocolError
from idp.openid.dpop import DPoP
from idp.openid.keys import KeyStore
from idp.openid.userinfo import UserinfoCall
from idp.storage.database import Database
from tests.openid.client_keys import KEYS, PrivateKey, signed
from tests.openid.test_refresh import OFFLINE, refused
from tests.openid.test_revocation import introspect
from tests.openid.world import APP, CALLBACK, ISSUER, NOW, PORTAL, SECRET_KEY, SUBJECT, VERIFIER, World, basic, build

TOKEN, USERINFO = ISSUER + "/token", ISSUER + "/userinfo"
ANOTHER = ECKey.generate_key("P-256")
JKT = KEYS["ES256"].thumbprint()


def proof(
    url: str = TOKEN,
    method: str = "POST",
    algorithm: str = "ES256",
    key: PrivateKey | None = None,
    token: str | None = None,
    header: dict[str, Any] | None = None,
    now: datetime = NOW,
    **changes: Any,
) -> str:
    """A good proof, with claims changed, or left out where None."""
    key = key or KEYS[algorithm]
    claims: dict[str, Any] = {"htm": method, "htu": url, "iat": int(now.timestamp()), "jti": secrets.token_urlsafe(8)}
    if token is not None:
        claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    made = {"typ": "dpop+jwt", "jwk": key.as_dict(private=False), "kid": None} | (header or {})
    return signed(claims, algorithm, key, **made)


def exchange(world: World, code: str, *proofs: str) -> dict[str, Any]:
    form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)]
    return world.provider.token([*form, ("code_verifier", VERIFIER)], basic(), proofs, now=NOW)


def userinfo(world: World, token: str, *proofs: str, scheme: str = "DPoP") -> dict[str, Any]:
    return world.provider.userinfo(f"{scheme} {token}", (), UserinfoCall("GET", proofs), now=NOW).claims


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"])
def test_a_token_is_bound_to_the_key_and_opens_userinfo_with_it(world: World, algorithm: str) -> None:
    tokens = exchange(world, world.code(), proof(algorithm=algorithm))
    assert tokens["token_type"] == "DPoP"
    token = tokens["access_token"]
    jkt = KEYS[algorithm].thumbprint()
    assert introspect(world, token)["cnf"] == {"jkt": jkt}
    assert introspect(world, token)["token_type"] == "DPoP"
    assert userinfo(world, token, proof(USERINFO, "GET", algorithm, token=token))["sub"] == SUBJECT


def test_a_bound_token_is_no_bearer_token(world: World) -> None:
    token = exchange(world, world.code(), proof())["access_token"]
    for authorization, form in ((f"Bearer {token}", []), (None, [("access_token", token)])):
        with pytest.raises(ProtocolError) as caught:
            world.provider.userinfo(authorization, form, now=NOW)
        assert caught.value.status == 401
        assert caught.value.headers["WWW-Authenticate"].startswith("DPoP ")
        assert "ES256" in caught.value.headers["WWW-Authenticate"]


def test_a_bearer_token_is_no_bound_token(world: World) -> None:
    token = world.tokens()["access_token"]
    with refused("invalid_token", 401):
        userinfo(world, token, proof(USERINFO, "GET", token=token))
    assert world.userinfo(token)


def test_a_bound_token_without_openid_is_told_so_by_its_own_scheme(world: World) -> None:
    token = exchange(world, world.code(), proof())["refresh_token"]
    form = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "email")]
    narrow = world.provider.token(form, basic(), [proof()], now=NOW)["access_token"]
    with pytest.raises(ProtocolError) as caught:
        userinfo(world, narrow, proof(USERINFO, "GET", token=narrow))
    assert (caught.value.error, caught.value.status) == ("insufficient_scope", 403)
    assert caught.value.headers["WWW-Authenticate"].startswith('DPoP error="insufficient_scope"')
    assert caught.value.headers["WWW-Authenticate"].endswith(', scope="openid"')


def test_a_token_needs_a_proof_of_its_own_key_for_itself(world: World) -> None:
    token = exchange(world, world.code(), proof())["access_token"]
    good = proof(USERINFO, "GET", token=token)
    bad = {
        "none": (),
        "two": (good, proof(USERINFO, "GET", token=token)),
        "for nothing": (proof(USERINFO, "GET"),),
        "for another token": (proof(USERINFO, "GET", token="another"),),
        "another method": (proof(USERINFO, "POST", token=token),),
        "another endpoint": (proof(TOKEN, "GET", token=token),),
    }
    for proofs in bad.values():
        with refused("invalid_dpop_proof", 401):
            userinfo(world, token, *proofs)
    with refused("invalid_token", 401):
        userinfo(world, token, proof(USERINFO, "GET", key=ANOTHER, token=token))
    assert userinfo(world, token, good)
    with refused("invalid_dpop_proof", 401):
        userinfo(world, token, good)


SECONDS = int(NOW.timestamp())


def without_keys(changes: dict[str, Any]) -> str:
    """The name of a case: keys are made anew for each run, and every worker must find the same names."""
    header = changes.get("header", {})
    return "header-jwk" if isinstance(header.get("jwk"), dict) else str(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": None},
        {"htu": USERINFO},
        {"htu": "https://evil.example/token"},
        {"htu": ISSUER},
        {"htu": TOKEN + "/"},
        {"htu": None},
        {"htu": 7},
        {"htu": "http://["},
        {"htu": "http://localhost:99999999/token"},
        {"iat": None},
        {"iat": "now"},
        {"iat": 1e400},
        {"jti": None},
        {"jti": ""},
        {"jti": ["x"]},
        {"jti": "x" * 513},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": None}},
        {"header": {"jwk": None}},
        {"header": {"jwk": KEYS["ES256"].as_dict(private=True)}},
        {"header": {"jwk": ANOTHER.as_dict(private=False)}},
        {"header": {"jwk": KEYS["RS256"].as_dict(private=False)}},
        {"header": {"jwk": OctKey.generate_key().as_dict(private=True)}},
        {"header": {"crit": ["b64"], "b64": True}},
    ],
    ids=without_keys,
)
def test_every_part_of_a_proof_counts(world: World, changes: dict[str, Any]) -> None:
    code = world.code()
    with refused("invalid_dpop_proof"):
        exchange(world, code, proof(**changes))
    assert exchange(world, code, proof())


@pytest.mark.parametrize("changes", [{"jti": "x"}, {"jti": "x" * 512}, {"iat": SECONDS - 120}, {"iat": SECONDS + 120}])
def test_what_is_just_within_the_bounds_is_a_proof(world: World, changes: dict[str, Any]) -> None:
    assert exchange(world, world.code(), proof(**changes))


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "é", "x" * 100_000, "{}", "a,b"])
def test_junk_is_no_proof(world: World, junk: str) -> None:
    with refused("invalid_dpop_proof"):
        exchange(world, world.code(), junk)


def test_a_short_key_and_a_shared_secret_prove_nothing(world: World) -> None:
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024)
    with refused("invalid_dpop_proof"):
        exchange(world, world.code(), proof(algorithm="RS256", key=short))


def test_the_query_of_an_address_does_not_count(world: World) -> None:
    assert exchange(world, world.code(), proof(htu="HTTP://LOCALHOST:5000/token?x=1#y"))


class Anything:
    """Every proof is used for the first time."""

    def use(self, key: str, *, until: datetime) -> bool:
        return True


@pytest.mark.parametrize(
    ("written", "called", "is_same"),
    [
        ("https://idp.example:443/token", "https://idp.example/token", True),
        ("https://idp.example/token", "https://idp.example:443/token", True),
        ("http://idp.example:80/token", "http://idp.example/token", True),
        ("https://idp.example:80/token", "https://idp.example/token", False),
        ("https://idp.example:8443/token", "https://idp.example/token", False),
        ("http://idp.example:443/token", "https://idp.example/token", False),
        ("https://evil.example/token", "https://idp.example/token", False),
    ],
)
def test_scheme_host_and_port_count_and_a_port_that_goes_without_saying_does_not(
    written: str, called: str, is_same: bool
) -> None:
    """RFC 9449 section 4.3: compared by scheme, too (RFC 3986 section 6.2.3), as behind a proxy that names the port."""
    dpop = DPoP(SECRET_KEY, Anything())
    if is_same:
        assert dpop.thumbprint([proof(written)], "POST", called, now=NOW) == JKT
    else:
        with refused("invalid_dpop_proof"):
            dpop.thumbprint([proof(written)], "POST", called, now=NOW)


def test_a_proof_counts_once_also_over_two_workers(world: World, another_worker: World) -> None:
    made, code = proof(), world.code()
    dpops = [worker.provider.dpop for worker in (world, another_worker)]

    def attempt(number: int) -> bool:
        try:
            return bool(dpops[number % 2].thumbprint([made], "POST", TOKEN, now=NOW))
        except ProtocolError:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(16))) == 1
    with refused("invalid_dpop_proof"):
        exchange(world, code, made)


def test_a_client_may_be_registered_for_bound_tokens_alone(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, dpop_bound_access_tokens=True)
    code = world.code()
    with refused("invalid_dpop_proof"):
        exchange(world, code)
    assert exchange(world, code, proof())["token_type"] == "DPoP"


def test_a_code_may_be_bound_to_the_key(world: World) -> None:
    code = world.code(dpop_jkt=JKT)
    for proofs in ((), (proof(key=ANOTHER),)):
        with refused("invalid_grant"):
            exchange(world, code, *proofs)
    assert exchange(world, code, proof())


@pytest.mark.parametrize("jkt", ["x", "é" * 43, "x" * 44, "{}"])
def test_a_malformed_thumbprint_is_told(world: World, jkt: str) -> None:
    with pytest.raises(AuthorizationError, match="invalid_request"):
        world.read(dpop_jkt=jkt)


def refresh_of_app(world: World, token: str, proofs: Sequence[str], now: datetime = NOW) -> dict[str, Any]:
    form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "app")]
    return world.provider.token(form, None, proofs, now=now)


def test_the_refresh_token_of_a_public_client_is_bound_through_every_rotation(world: World) -> None:
    app = replace(APP, grant_types=("authorization_code", "refresh_token"), scopes=("openid", "offline_access"))
    world.clients["app"] = app
    form = [("grant_type", "authorization_code"), ("code", world.code(app)), ("client_id", "app")]
    form += [("redirect_uri", app.redirect_uris[0]), ("code_verifier", VERIFIER)]
    token = world.provider.token(form, None, [proof()], now=NOW)["refresh_token"]
    for _ in range(2):
        for proofs in ((), (proof(key=ANOTHER),)):
            with refused("invalid_grant"):
                refresh_of_app(world, token, proofs)
        tokens = refresh_of_app(world, token, [proof()])
        assert tokens["token_type"] == "DPoP"
        token = tokens["refresh_token"]
    # With a secret since, it may ask what its token is.
    world.clients["app"] = replace(
        app, client_secrets=PORTAL.client_secrets, token_endpoint_auth_method="client_secret_basic"
    )
    assert introspect(world, token, basic("app"))["cnf"] == {"jkt": JKT}


def test_a_client_with_a_secret_may_change_its_key(world: World) -> None:
    token = exchange(world, world.code(scope=OFFLINE), proof())["refresh_token"]
    form = [("grant_type", "refresh_token"), ("refresh_token", token)]
    tokens = world.provider.token(form, basic(), [proof(key=ANOTHER)], now=NOW)
    assert introspect(world, tokens["access_token"])["cnf"] == {"jkt": ANOTHER.thumbprint()}


@pytest.fixture
def strict(world: World, keys: KeyStore, database: Database) -> World:
    """The same database, with nonces demanded."""
    return build(keys, database, dpop_nonce=True)


def nonce_from(call: Any) -> str:
    with pytest.raises(ProtocolError) as caught:
        call()
    assert caught.value.error == "use_dpop_nonce"
    return caught.value.headers["DPoP-Nonce"]


def test_a_nonce_is_demanded_and_told(strict: World) -> None:
    code = strict.code()
    nonce = nonce_from(lambda: exchange(strict, code, proof()))
    token = exchange(strict, code, proof(nonce=nonce))["access_token"]
    again = nonce_from(lambda: userinfo(strict, token, proof(USERINFO, "GET", token=token)))
    assert userinfo(strict, token, proof(USERINFO, "GET", token=token, nonce=again))["sub"] == SUBJECT


@pytest.mark.parametrize("nonce", ["x", "", 7, "é"])
def test_a_nonce_that_is_not_ours_never_counts(world: World, nonce: Any) -> None:
    assert nonce_from(lambda: exchange(world, world.code(), proof(nonce=nonce)))


DAY = 24 * 3600


@pytest.mark.parametrize("iat", [SECONDS - 121, SECONDS + 121, SECONDS - DAY, SECONDS + DAY, -1, 2**40 - 1])
def test_a_nonce_of_ours_stands_for_a_clock_that_is_wrong(world: World, iat: int) -> None:
    """RFC 9449 section 4.3 step 11: either tells when a proof was made. Section 11.1: however wrong the clock is."""
    code = world.code()
    nonce = nonce_from(lambda: exchange(world, code, proof(iat=iat)))
    assert nonce_from(lambda: exchange(world, code, proof(iat=iat, nonce="x"))) == nonce
    good = proof(iat=iat, nonce=nonce)
    token = exchange(world, code, good)["access_token"]
    assert userinfo(world, token, proof(USERINFO, "GET", token=token, iat=iat, nonce=nonce))["sub"] == SUBJECT
    with refused("invalid_dpop_proof"):
        exchange(world, world.code(), good)


def test_a_nonce_ends_and_a_refused_proof_may_be_made_again(world: World) -> None:
    dpop: DPoP = world.provider.dpop
    nonce = dpop.nonce(NOW)
    for minutes, is_good in ((0, True), (5, True), (10, False)):
        later = NOW + timedelta(minutes=minutes)
        made = proof(nonce=nonce, now=later)
        if is_good:
            assert dpop.thumbprint([made], "POST", TOKEN, now=later) == JKT
        else:
            nonce_from(lambda made=made, later=later: dpop.thumbprint([made], "POST", TOKEN, now=later))


def test_it_is_announced(world: World) -> None:
    algorithms = world.provider.discovery()["dpop_signing_alg_values_supported"]
    assert algorithms == ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]


@pytest.mark.parametrize(
    ("iat", "has_nonce", "for_seconds"),
    [(SECONDS, False, 120), (SECONDS - DAY, True, 2 * 300), (SECONDS, True, 2 * 300), (SECONDS + DAY, True, 2 * 300)],
)
def test_a_proof_is_remembered_for_as_long_as_it_would_be_taken(iat: int, has_nonce: bool, for_seconds: int) -> None:
    remembered: list[datetime] = []

    class Used:
        def use(self, key: str, *, until: datetime) -> bool:
            remembered.append(until)
            return True

    dpop = DPoP(SECRET_KEY, Used())
    nonce = dpop.nonce(NOW) if has_nonce else None
    for seconds in range(0, for_seconds + 1, 20):
        now = NOW + timedelta(seconds=seconds, microseconds=999_999)
        with suppress(ProtocolError):
            dpop.thumbprint([proof(iat=iat, nonce=nonce)], "POST", TOKEN, now=now)
            assert remembered.pop() > now
            latest = now
    assert latest >= NOW + timedelta(seconds=for_seconds / 2)
