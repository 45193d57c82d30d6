"""ID tokens and userinfo that are encrypted for the client's own key (OpenID Connect Core section 10.2)."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from idp.domain.clients import Client
from idp.domain.errors import AuthorizationError
from idp.openid.client_metadata import read_client
from idp.openid.client_table import Faults
from idp.openid.encryption import CONTENT_ALGORITHMS
from idp.openid.keys import KeyStore
from idp.storage.database import Database
from tests.openid.client_keys import KEYS, signed
from tests.openid.test_refresh import OFFLINE, refused
from tests.openid.world import ACCOUNT, CALLBACK, ISSUER, NOW, PORTAL, SIGN_IN, SUBJECT, World, build

# Made once for the run.
DECRYPTING: dict[str, RSAKey | ECKey] = {
    "RSA-OAEP-256": RSAKey.generate_key(2048, {"kid": "enc-rsa", "use": "enc"}),
    "ECDH-ES": ECKey.generate_key("P-256", {"kid": "enc-ec", "use": "enc"}),
}
PUBLIC = [key.as_dict(private=False) for key in DECRYPTING.values()]
SIGNING = KEYS["ES256"].as_dict(private=False) | {"use": "sig"}
# A key for signatures stands first and must never be taken.
JWKS = json.dumps({"keys": [SIGNING, *PUBLIC]})
IDS = {"id_token_encrypted_response_alg": "ECDH-ES", "jwks": JWKS}


def decrypted(token: str, algorithm: str) -> tuple[dict[str, Any], str]:
    """Header and content, as the client sees them with its private key."""
    opened = jwe.decrypt_compact(token, DECRYPTING[algorithm], algorithms=[algorithm, *CONTENT_ALGORITHMS])
    assert opened.plaintext is not None
    return opened.headers(), opened.plaintext.decode()


def registered(world: World, **changes: Any) -> Client:
    world.clients["portail"] = replace(PORTAL, **changes)
    return world.clients["portail"]


@pytest.mark.parametrize("algorithm", list(DECRYPTING))
@pytest.mark.parametrize("method", ["", *CONTENT_ALGORITHMS])
def test_an_id_token_is_signed_and_then_encrypted(world: World, algorithm: str, method: str) -> None:
    registered(world, jwks=JWKS, id_token_encrypted_response_alg=algorithm, id_token_encrypted_response_enc=method)
    tokens = world.tokens(scope=OFFLINE)
    for token in (tokens["id_token"], world.refresh(tokens["refresh_token"])["id_token"]):
        header, content = decrypted(token, algorithm)
        assert header["enc"] == (method or "A128CBC-HS256")
        assert (header["cty"], header["kid"]) == ("JWT", DECRYPTING[algorithm].kid)
        assert world.id_token(content)["sub"] == SUBJECT


def test_only_the_client_s_key_opens_it(world: World) -> None:
    registered(world, **IDS)
    token = world.tokens()["id_token"]
    stranger = ECKey.generate_key("P-256")
    with pytest.raises(JoseError):
        jwe.decrypt_compact(token, stranger, algorithms=["ECDH-ES", *CONTENT_ALGORITHMS])


def test_an_id_token_of_the_authorization_endpoint_is_encrypted(keys: KeyStore, database: Database) -> None:
    world = build(keys, database, implicit=True)
    client = registered(world, **IDS, response_types=("code id_token",), grant_types=("implicit", "authorization_code"))
    request = world.read(client, response_type="code id_token")
    answer = world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW)
    token = answer.location.partition("id_token=")[2].partition("&")[0]
    assert world.id_token(decrypted(token, "ECDH-ES")[1])["nonce"] == "nonce-1"
    registered(world, response_types=("code id_token",), id_token_encrypted_response_alg="ECDH-ES")
    with pytest.raises(AuthorizationError) as caught:
        world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW)
    assert (caught.value.error, caught.value.state) == ("invalid_request", "state-1")


@pytest.mark.parametrize("algorithm", list(DECRYPTING))
def test_userinfo_is_encrypted_signed_before_or_not(world: World, algorithm: str) -> None:
    registered(world, jwks=JWKS, userinfo_encrypted_response_alg=algorithm)
    token = world.tokens()["access_token"]
    found = world.provider.userinfo(f"Bearer {token}", now=NOW)
    header, content = decrypted(found.signed or "", algorithm)
    assert json.loads(content) == found.claims
    assert "cty" not in header
    registered(world, jwks=JWKS, userinfo_encrypted_response_alg=algorithm, userinfo_signed_response_alg="RS256")
    header, content = decrypted(world.provider.userinfo(f"Bearer {token}", now=NOW).signed or "", algorithm)
    assert header["cty"] == "JWT"
    keys = KeySet.import_key_set(world.provider.jwks())  # type: ignore[arg-type]
    assert jwt.decode(content, keys, algorithms=["RS256"]).claims == {**found.claims, "iss": ISSUER, "aud": "portail"}


def test_the_decrypted_id_token_is_a_good_hint_and_the_encrypted_one_is_none(world: World) -> None:
    registered(world, **IDS)
    token = world.tokens()["id_token"]
    assert not world.provider.read_end_session([("id_token_hint", token)]).hint_is_valid
    inside = decrypted(token, "ECDH-ES")[1]
    assert world.provider.read_end_session([("id_token_hint", inside)]).hint_is_valid
    assert world.read(id_token_hint=inside).id_token_hint_subject == SUBJECT


def test_without_a_key_nothing_is_used_up(world: World, published: dict[str, Any]) -> None:
    published["body"] = json.dumps({"keys": [SIGNING]})
    changes = {"id_token_encrypted_response_alg": "ECDH-ES", "jwks_uri": published["uri"]}
    registered(world, **changes)
    code = world.code(scope=OFFLINE)
    with refused("invalid_request"):
        world.exchange(code)
    registered(world, **IDS)
    refresh = world.exchange(code)["refresh_token"]
    registered(world, **changes)
    with refused("invalid_request"):
        world.refresh(refresh)
    registered(world, **IDS)
    after_the_grace = NOW + timedelta(minutes=1)
    assert world.refresh(refresh, now=after_the_grace)["id_token"], "not as a reply that got lost"


def test_userinfo_without_a_key_is_refused(world: World) -> None:
    token = world.tokens()["access_token"]
    registered(world, userinfo_encrypted_response_alg="ECDH-ES", jwks=json.dumps({"keys": [SIGNING]}))
    with refused("invalid_request"):
        world.userinfo(token)


def test_the_key_may_stand_at_the_client_s_jwks_uri(world: World, published: dict[str, Any]) -> None:
    published["body"] = JWKS
    registered(world, id_token_encrypted_response_alg="RSA-OAEP-256", jwks_uri=published["uri"])
    assert world.id_token(decrypted(world.tokens()["id_token"], "RSA-OAEP-256")[1])["sub"] == SUBJECT
    published["body"] = ""
    assert decrypted(world.tokens()["id_token"], "RSA-OAEP-256")
    assert published["asked"] == 1


def test_a_key_without_use_serves_both_and_one_for_another_algorithm_does_not(world: World) -> None:
    key = ECKey.generate_key("P-256")
    for extra, works in (({}, True), ({"alg": "ECDH-ES"}, True), ({"alg": "ES256"}, False), ({"use": "sig"}, False)):
        registered(
            world,
            jwks=json.dumps({"keys": [key.as_dict(private=False) | extra]}),
            userinfo_encrypted_response_alg="ECDH-ES",
        )
        if works:
            assert world.provider.userinfo(f"Bearer {world.tokens()['access_token']}", now=NOW).signed
        else:
            with refused("invalid_request"):
                world.userinfo(world.tokens()["access_token"])


def test_a_key_for_encryption_verifies_no_signature(world: World) -> None:
    both = ECKey.generate_key("P-256", {"kid": "ec"})
    client = registered(world, jwks=json.dumps({"keys": [both.as_dict(private=False) | {"use": "enc"}]}))
    claims = {**{"iss": "portail", "aud": ISSUER, "client_id": "portail", "exp": int(NOW.timestamp()) + 60}}
    with pytest.raises(AuthorizationError) as caught:
        world.read(client, request=signed(claims, key=both))
    assert caught.value.error == "invalid_request_object"


def faults(**metadata: Any) -> list[str]:
    noted = Faults("file")
    table = {"client_id": "x", "client_secret": "s" * 20, "redirect_uris": [CALLBACK], **metadata}
    read_client(table, noted)
    return noted.lines


def test_encryption_is_registered_with_a_key_for_it() -> None:
    public: dict[str, Any] = json.loads(JWKS)
    for kind in ("id_token", "userinfo"):
        algorithm, method = f"{kind}_encrypted_response_alg", f"{kind}_encrypted_response_enc"
        assert faults(**{algorithm: "ECDH-ES", "jwks": public}) == []
        assert faults(**{algorithm: "RSA-OAEP-256", method: "A256GCM", "jwks_uri": "https://x.example/jwks"}) == []
        assert faults(**{method: "A256GCM", "jwks": public})
        assert faults(**{algorithm: "ECDH-ES"})
        assert faults(**{algorithm: "ECDH-ES", "jwks": {"keys": [SIGNING]}})
        assert faults(**{algorithm: "RSA1_5", "jwks": public})
        assert faults(**{algorithm: "ECDH-ES", method: "A128GCM", "jwks": public})


def test_who_signs_registers_a_key_for_signatures() -> None:
    for_encryption = {"keys": PUBLIC}
    assert faults(token_endpoint_auth_method="private_key_jwt", client_secret="", jwks=for_encryption)
    assert faults(require_signed_request_object=True, jwks=for_encryption)


def test_it_is_announced(reader: World) -> None:
    document = reader.provider.discovery()
    for kind in ("id_token", "userinfo"):
        assert document[f"{kind}_encryption_alg_values_supported"] == list(DECRYPTING)
        assert document[f"{kind}_encryption_enc_values_supported"] == list(CONTENT_ALGORITHMS)
