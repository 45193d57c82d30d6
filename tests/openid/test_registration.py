"""Dynamic registration and its management (RFC 7591, RFC 7592)."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.domain.keyed import base64url, random_token, token_hash
from idp.domain.registrations import InitialToken
from idp.flows.registration import RegistrationFlow
from idp.openid import client_assertion
from idp.openid.client_metadata import KEYS, REGISTRABLE
from idp.openid.device_codes import GRANT_TYPE
from idp.openid.discovery import discovery_document
from idp.openid.keys import KeyStore
from idp.openid.registered_clients import RegisteredClients
from idp.openid.registration import RegistrationEndpoint
from idp.openid.registration_metadata import ClientMetadataReader, names_of
from idp.storage.clients import ClientStore, InitialTokenStore
from idp.storage.database import Database
from tests.openid.world import (
    ACCOUNT,
    ISSUER,
    NOW,
    PORTAL,
    SIGN_IN,
    SUBJECT,
    VERIFIER,
    World,
    answered,
    asking,
    basic,
    build,
)
from tests.profiled import profiled

CALLBACK = "https://new.example/cb"
NAMED = replace(PORTAL, name=(("", "Portail des études"), ("en", "Study portal")))


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Office:
    """The registration endpoint beside a provider that finds what is registered there."""

    flow: RegistrationFlow
    endpoint: RegistrationEndpoint
    tokens: InitialTokenStore
    clients: RegisteredClients
    world: World
    seconds: Seconds

    def initial(self, uses: int = 1, **later: float) -> str:
        token = random_token()
        self.tokens.add(InitialToken(token_hash(token), uses, NOW + timedelta(**(later or {"days": 1}))))
        return f"Bearer {token}"

    def register(self, authorization: str | None = None, **metadata: Any) -> dict[str, Any]:
        body = json.dumps({"redirect_uris": [CALLBACK], "scope": "openid email"} | metadata).encode()
        return self.flow.create(body, self.initial() if authorization is None else authorization)

    def refusal(self, body: bytes | None = None, **metadata: Any) -> ProtocolError:
        text = json.dumps({"redirect_uris": [CALLBACK]} | metadata).encode() if body is None else body
        with pytest.raises(ProtocolError) as caught:
            self.flow.create(text, self.initial())
        assert caught.value.status == 400
        assert caught.value.description.isascii()
        return caught.value


@pytest.fixture
def office(keys: KeyStore, database: Database) -> Office:
    store, tokens, seconds = ClientStore(database), InitialTokenStore(database), Seconds()
    reader = ClientMetadataReader(("openid", "email", "offline_access"), names=lambda: names_of([NAMED]))
    clients = RegisteredClients({PORTAL.client_id: PORTAL}.get, store, reader, seconds=seconds)
    world = build(keys, database, find_client=clients.get)
    endpoint = RegistrationEndpoint(ISSUER, store, tokens, clients, reader)
    return Office(RegistrationFlow(endpoint, world.grants, lambda: NOW), endpoint, tokens, clients, world, seconds)


def managed(answer: dict[str, Any]) -> str:
    return f"Bearer {answer['registration_access_token']}"


def unauthorized(call: Any) -> None:
    with pytest.raises(ProtocolError) as caught:
        call()
    assert (caught.value.error, caught.value.status) == ("invalid_token", 401)
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer")


def sign_in(office: Office, answer: dict[str, Any]) -> dict[str, Any]:
    client = office.clients.get(answer["client_id"])
    assert client is not None
    request = office.world.provider.read_authorization_request(asking(client), now=NOW)
    code = answered(office.world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW))["code"]
    authorization = basic(answer["client_id"], answer["client_secret"])
    return office.world.exchange(code, authorization, redirect_uri=CALLBACK, code_verifier=VERIFIER)


def test_a_name_that_no_database_could_hold_is_nobody_s(office: Office) -> None:
    """A client assertion names its client in JSON, where half of a surrogate pair can be written."""
    claims = base64url(rb'{"sub": "reg_\ud800"}')
    assertion = ".".join((base64url(b'{"alg": "ES256"}'), claims, base64url(b"x" * 64)))
    form = [("client_assertion", assertion), ("client_assertion_type", client_assertion.TYPE)]
    with pytest.raises(ProtocolError, match="invalid_client"):
        office.world.provider.token([("grant_type", "authorization_code"), *form], None, now=NOW)


def test_a_registered_client_signs_people_in(office: Office) -> None:
    languages = {"client_name#en": "New", "client_uri#en": "https://new.example/en"}
    answer = office.register(client_name="Nouvelle", **languages, colour="red", require_pkce=False)
    assert answer["token_endpoint_auth_method"] == "client_secret_basic"
    assert answer["client_secret_expires_at"] == 0
    assert answer["registration_client_uri"] == f"{ISSUER}/register/{answer['client_id']}"
    assert "colour" not in answer
    client = office.clients.get(answer["client_id"])
    assert client is not None
    assert (client.consent, client.require_pkce) == ("first time", True)
    assert client.display_name("en") == "New"
    tokens = sign_in(office, answer)
    assert office.world.userinfo(tokens["access_token"])["email"] == "ines@univ-exemple.fr"


def test_nothing_secret_is_kept(office: Office, database: Database) -> None:
    authorization = office.initial()
    answer = office.register(authorization)
    kept = str(list(database.collection("clients").find())) + str(list(database.collection("initial_tokens").find()))
    for secret in (answer["client_secret"], answer["registration_access_token"], authorization.split()[1]):
        assert secret not in kept


def test_nobody_registers_without_a_good_initial_token(office: Office) -> None:
    used = office.initial()
    office.register(used)
    for authorization in (used, office.initial(seconds=0), "Bearer unknown", "Bearer ", "Basic x", ""):
        unauthorized(lambda value=authorization: office.register(value))


def test_who_presents_nothing_is_told_no_error(office: Office) -> None:
    """RFC 6750 section 3.1: the challenge alone, where the request has no authentication at all."""
    for authorization, error in ((None, False), ("Basic eDp5", False), ("Bearer x", True), ("Bearer", True)):
        with pytest.raises(ProtocolError) as caught:
            office.flow.create(b"{}", authorization)
        assert caught.value.status == 401
        assert ("error=" in caught.value.headers["WWW-Authenticate"]) is error


def test_a_fault_in_the_metadata_costs_no_use(office: Office) -> None:
    authorization = office.initial()
    with pytest.raises(ProtocolError):
        office.register(authorization, redirect_uris=[])
    office.register(authorization)


def test_of_sixteen_registrations_with_three_uses_three_succeed(office: Office) -> None:
    authorization = office.initial(uses=3)

    def attempt(_: int) -> bool:
        try:
            return bool(office.register(authorization))
        except ProtocolError:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(16))) == 3


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://new.example/cb",
        "https://new.example/cb#f",
        "https://*.new.example/cb",
        "https://u@new.example/cb",
        "https:///cb",
        "//new.example/cb",
        "/cb",
        "",
        "org.example.app:/cb",
    ],
)
def test_redirect_uris_are_held_to_the_rules_of_the_file(office: Office, uri: str) -> None:
    assert office.refusal(redirect_uris=[uri]).error == "invalid_redirect_uri"
    assert office.refusal(redirect_uris=[CALLBACK, uri]).error == "invalid_redirect_uri"


def test_loopback_is_a_redirect_uri(office: Office) -> None:
    assert office.register(redirect_uris=["http://127.0.0.1:8080/cb"])["redirect_uris"] == ["http://127.0.0.1:8080/cb"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"redirect_uris": None},
        {"redirect_uris": CALLBACK},
        {"redirect_uris": [1]},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": ["none"]},
        {"grant_types": ["implicit"]},
        {"grant_types": "authorization_code"},
        {"response_types": ["token"]},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"userinfo_signed_response_alg": "HS256"},
        {"request_object_signing_alg": "none"},
        {"subject_type": "both"},
        {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"jwks": "x"},
        {"jwks_uri": "http://new.example/jwks"},
        {"client_name": "x" * 200},
        {"client_name": "two\nlines"},
        {"client_name": 1},
        {"client_name": "   "},
        {"client_name": "\u3164\u115f\u2800"},
        {"client_name": "\u0301"},
        {"client_name": "Nouvelle", "client_name#en": "\uffa0"},
        {"client_uri": "javascript:alert(1)"},
        {"scope": 1},
        {"default_max_age": -1},
        {"default_acr_values": ["gold"]},
        {"default_acr_values": "urn:uness:acr:basic"},
        {"id_token_encrypted_response_alg": "ECDH-ES"},
        {"userinfo_encrypted_response_enc": "A256GCM"},
        {"require_auth_time": "yes"},
    ],
)
def test_what_is_not_supported_is_refused(office: Office, metadata: dict[str, Any]) -> None:
    assert office.refusal(**metadata).error in ("invalid_client_metadata", "invalid_redirect_uri")


@pytest.mark.parametrize(
    "name", ["Portail des études", "portail  DES etudes", "Study portal", "Ｓｔｕｄｙ portal", "portail"]
)
@pytest.mark.parametrize("language", ["", "#fr", "#en", "#de"])
def test_nobody_registers_under_the_name_of_an_application_of_the_file(
    office: Office, name: str, language: str
) -> None:
    """It is what a person goes by who is asked to agree."""
    metadata: dict[str, Any] = {f"client_name{language}": name}
    refusal = office.refusal(**metadata)
    assert (refusal.error, refusal.description) == ("invalid_client_metadata", "Not accepted: client_name")


@pytest.mark.parametrize("name", ["Bibliothèque d’été", "학교 포털", "بوابة", "विद्यालय", "Portail des études de Rouen"])
def test_every_other_name_can_be_registered(office: Office, name: str) -> None:
    assert office.register(client_name=name)["client_name"] == name


def test_more_redirect_uris_than_anybody_has_are_refused(office: Office) -> None:
    office.refusal(redirect_uris=[f"{CALLBACK}/{number}" for number in range(100)])


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"null", b'"x"', b"\xff", b"[" * 50_000, b'{"a":"\\ud800"}'])
def test_a_body_that_is_no_object_is_refused(office: Office, body: bytes) -> None:
    assert office.refusal(body).error == "invalid_client_metadata"
    assert office.refusal(b'{"a":"' + b"x" * 70_000 + b'"}').error == "invalid_client_metadata"


def test_software_statements_are_refused(office: Office) -> None:
    assert office.refusal(software_statement="e30.e30.").error == "unapproved_software_statement"


def test_scopes_are_those_of_the_setting(office: Office) -> None:
    assert office.register(scope="openid email eduperson admin")["scope"] == "openid email"
    assert office.register(scope="email")["scope"] == "openid email"


def test_what_is_the_administrator_s_to_say_cannot_be_registered(office: Office) -> None:
    answer = office.register(
        consent="none", claims=["x"], client_secrets=["a" * 20], client_id="portail", resources=["x"]
    )
    assert not {"consent", "claims", "client_secrets", "resources"} & set(answer)
    assert answer["client_id"].startswith("reg_")


def test_the_client_reads_changes_and_ends_its_registration(office: Office) -> None:
    answer = office.register()
    read = office.flow.read(answer["client_id"], managed(answer))
    assert "client_secret" not in read
    assert read["redirect_uris"] == [CALLBACK]
    body = {"client_id": answer["client_id"], "redirect_uris": ["https://new.example/other"]}
    changed = office.flow.update(answer["client_id"], json.dumps(body).encode(), managed(answer))
    assert changed["redirect_uris"] == ["https://new.example/other"]
    assert changed["scope"] == "openid email offline_access"
    client = office.clients.get(answer["client_id"])
    assert client is not None
    assert client.redirect_uris == ("https://new.example/other",)
    office.flow.delete(answer["client_id"], managed(answer))
    assert office.clients.get(answer["client_id"]) is None
    unauthorized(lambda: office.flow.read(answer["client_id"], managed(answer)))


def test_defaults_for_requests_and_encryption_are_told_back_and_hold(office: Office) -> None:
    key = ECKey.generate_key("P-256", {"use": "enc"})
    asked: dict[str, Any] = {
        "default_max_age": 600,
        "default_acr_values": ["urn:uness:acr:university"],
        "id_token_encrypted_response_alg": "ECDH-ES",
        "userinfo_encrypted_response_alg": "ECDH-ES",
        "userinfo_encrypted_response_enc": "A256GCM",
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
    answer = office.register(**asked)
    # Dynamic Client Registration section 2: what was left out is told as it will be (RFC 7591 section 3.2.1).
    asked["id_token_encrypted_response_enc"] = "A128CBC-HS256"
    assert {name: answer[name] for name in asked} == asked
    read = office.flow.read(answer["client_id"], managed(answer))
    assert {name: read[name] for name in asked} == asked
    client = office.clients.get(answer["client_id"])
    assert client is not None
    request = office.world.provider.read_authorization_request(asking(client), now=NOW)
    assert (request.max_age, request.acr_values) == (600, ("urn:uness:acr:university",))
    token = sign_in(office, answer)["id_token"]
    opened = jwe.decrypt_compact(token, key, algorithms=["ECDH-ES", "A128CBC-HS256"])
    assert opened.plaintext is not None
    assert office.world.id_token(opened.plaintext.decode())["aud"] == answer["client_id"]


def test_changing_the_method_gives_or_takes_the_secret(office: Office) -> None:
    answer = office.register(token_endpoint_auth_method="none", application_type="native")
    assert "client_secret" not in answer
    body = {"client_id": answer["client_id"], "redirect_uris": [CALLBACK]}
    changed = office.flow.update(answer["client_id"], json.dumps(body).encode(), managed(answer))
    assert len(changed["client_secret"]) > 20
    sign_in(office, changed)


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "reg_other"},
        {"client_id": None},
        {"client_secret": "x"},
        {"client_secret": 1},
        {"registration_access_token": "x"},
        {"registration_client_uri": "x"},
        {"client_secret_expires_at": 1},
        {"client_id_issued_at": 1},
        {"redirect_uris": ["javascript:alert(1)"]},
    ],
)
def test_a_change_says_what_the_client_may_say(office: Office, change: dict[str, Any]) -> None:
    answer = office.register()
    body = {"client_id": answer["client_id"], "redirect_uris": [CALLBACK]} | change
    with pytest.raises(ProtocolError) as caught:
        office.flow.update(answer["client_id"], json.dumps(body).encode(), managed(answer))
    assert caught.value.status == 400
    assert office.flow.read(answer["client_id"], managed(answer))["redirect_uris"] == [CALLBACK]


def test_another_client_s_token_opens_nothing(office: Office) -> None:
    one, other = office.register(), office.register()
    for client_id in (one["client_id"], "reg_unknown", "portail", ""):
        unauthorized(lambda value=client_id: office.flow.read(value, managed(other)))
        unauthorized(lambda value=client_id: office.flow.update(value, b"{}", managed(other)))
        unauthorized(lambda value=client_id: office.flow.delete(value, managed(other)))
    unauthorized(lambda: office.flow.read(one["client_id"], None))


def test_deleting_a_client_ends_what_it_was_granted(office: Office) -> None:
    answer = office.register()
    tokens = sign_in(office, answer)
    office.flow.delete(answer["client_id"], managed(answer))
    with pytest.raises(ProtocolError):
        office.world.userinfo(tokens["access_token"])
    assert office.world.grants.revoke_account(ACCOUNT) == 0


def test_the_database_is_asked_for_registered_clients_alone_and_seldom(office: Office, database: Database) -> None:
    answer = office.register()
    with profiled(database, "clients") as asked:
        for _ in range(5):
            office.clients.get(answer["client_id"])
            office.clients.get("portail")
            office.clients.get("unknown")
            office.clients.get("reg_unknown")
    assert len(asked) == 2
    office.endpoint.store.delete(answer["client_id"])
    assert office.clients.get(answer["client_id"]) is not None
    office.seconds.now += 6
    assert office.clients.get(answer["client_id"]) is None


def test_revoking_a_registered_client_uses_an_index(office: Office, database: Database) -> None:
    plan = database.collection("grants").find({"client_id": "reg_x"}).explain()
    assert "IXSCAN" in json.dumps(plan["queryPlanner"]["winningPlan"])
    plan = database.collection("grants").find({"client_id": PORTAL.client_id}).explain()
    assert "IXSCAN" not in json.dumps(plan["queryPlanner"]["winningPlan"])


def test_it_is_announced_only_where_it_is_switched_on(office: Office) -> None:
    assert "registration_endpoint" not in office.world.provider.discovery()
    announced = discovery_document(ISSUER, (), registration=True)["registration_endpoint"]
    assert announced == f"{ISSUER}/register"


def test_a_client_cannot_register_what_is_the_administrator_s_to_say() -> None:
    ours = {"claims", "verified_claims", "consent", "require_pkce", "resources", "access_token_format"}
    secrets = {"client_id", "client_secret", "client_secrets"}
    assert set(KEYS) - set(REGISTRABLE) == ours | secrets


@pytest.mark.parametrize("said", [{}, {"response_types": []}])
def test_a_device_has_no_response_type(office: Office, said: dict[str, Any]) -> None:
    """RFC 7591 section 2.1: none belongs to its grant type."""
    answer = office.register(redirect_uris=[], grant_types=[GRANT_TYPE], **said)
    assert (answer["response_types"], answer["grant_types"]) == ([], [GRANT_TYPE])
    client = office.clients.get(answer["client_id"])
    assert client is not None
    assert client.response_types == ()


@pytest.mark.parametrize(
    "metadata",
    [
        {"response_types": ["code"], "grant_types": [GRANT_TYPE]},
        {"response_types": ["code"], "grant_types": ["refresh_token"]},
        {"response_types": []},
    ],
)
def test_response_types_and_grant_types_fit(office: Office, metadata: dict[str, Any]) -> None:
    """RFC 7591 section 2.1: a client that could receive codes, and never use them."""
    assert office.refusal(**metadata).error == "invalid_client_metadata"


def test_what_we_do_not_keep_is_no_fault_and_not_told_back(office: Office) -> None:
    """RFC 7591 section 2: what is not understood is ignored; OP-Registration-logo_uri, -policy_uri, -tos_uri."""
    ignored: dict[str, Any] = {
        **{name: f"https://new.example/{name}" for name in ("logo_uri", "policy_uri", "tos_uri", "initiate_login_uri")},
        "contacts": ["technique@new.example"],
        "request_object_encryption_alg": "RSA-OAEP",
        "made_up": {"by": [1]},
    }
    answer = office.register(**ignored)
    assert not answer.keys() & ignored.keys()
    assert not office.flow.read(answer["client_id"], managed(answer)).keys() & ignored.keys()


def test_what_was_left_out_is_told_as_it_will_be(office: Office) -> None:
    """RFC 7591 section 3.2.1: everything that is registered, whoever said it."""
    answer = office.register()
    defaults = {"subject_type": "public", "application_type": "web", "id_token_signed_response_alg": "RS256"}
    lists = {"response_types": ["code"], "grant_types": ["authorization_code"]}
    assert answer.items() >= {**defaults, "token_endpoint_auth_method": "client_secret_basic"}.items()
    assert {name: answer[name] for name in lists} == lists
    read = office.flow.read(answer["client_id"], managed(answer))
    assert read.items() >= defaults.items()


@pytest.mark.parametrize("redirect_uris", [[], ["https://victim.example/cb"]])
def test_a_device_cannot_take_the_sector_of_another(office: Office, redirect_uris: list[str]) -> None:
    """It gets its tokens at no redirect_uri, so that naming some of the sector proves nothing (Core section 8.1)."""
    asked: dict[str, Any] = {
        "grant_types": ["authorization_code", GRANT_TYPE] if redirect_uris else [GRANT_TYPE],
        "redirect_uris": redirect_uris,
        "subject_type": "pairwise",
        "sector_identifier_uri": "https://victim.example/uris.json",
    }
    assert office.refusal(**asked).error == "invalid_client_metadata"
    assert office.register(**asked | {"subject_type": "public"})["client_id"]


@pytest.mark.parametrize("redirect_uri", ["org.evil.app://victim.example/cb", "http://localhost/cb", "http://[::1]/cb"])
@pytest.mark.parametrize("sector", [{}, {"sector_identifier_uri": "https://victim.example/uris.json"}])
def test_an_address_on_the_device_is_in_no_sector(office: Office, redirect_uri: str, sector: dict[str, str]) -> None:
    """Any program receives what is sent there, whatever host it names and whoever else names it (RFC 8252 8.6)."""
    asked: dict[str, Any] = {"token_endpoint_auth_method": "none", "application_type": "native"}
    asked["redirect_uris"] = [redirect_uri]
    refusal = office.refusal(**asked | sector | {"subject_type": "pairwise"})
    assert (refusal.error, "redirect_uris" in refusal.description) == ("invalid_redirect_uri", True)
    assert office.register(**asked)["client_id"]


VICTIM = Client("victim", ("https://victim.example/cb",), subject_type="pairwise")
PAIRWISE_THERE: dict[str, Any] = {"redirect_uris": list(VICTIM.redirect_uris), "subject_type": "pairwise"}


def told_at_sign_out(office: Office, answer: dict[str, Any]) -> set[str]:
    """Whom logout tokens speak of after a code went to the address that the client is registered for now."""
    client = office.clients.get(answer["client_id"])
    assert client is not None
    request = office.world.provider.read_authorization_request(asking(client), now=NOW)
    office.world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW)
    return {used.subject for used in office.world.grants.used_by_session(SIGN_IN.sid)}


def test_logout_tokens_tell_no_pairwise_client_the_sub_of_another_sector(office: Office) -> None:
    """The code goes to the other application, but the logout token would go where the client likes."""
    sector = office.world.provider.subject_for(VICTIM, SUBJECT)
    elsewhere = {"backchannel_logout_uri": "https://evil.example/logout"}
    refusal = office.refusal(**PAIRWISE_THERE | elsewhere)
    assert (refusal.error, "backchannel_logout_uri" in refusal.description) == ("invalid_client_metadata", True)
    own = {"backchannel_logout_uri": "https://victim.example/logout"}
    assert told_at_sign_out(office, office.register(**PAIRWISE_THERE | own)) == {sector}


@pytest.mark.parametrize(
    "change",
    [
        {"subject_type": "public"},
        {"subject_type": None},
        {"redirect_uris": ["https://evil.example/cb"]},
        {"sector_identifier_uri": "https://evil.example/uris.json"},
    ],
)
def test_a_pairwise_client_does_not_leave_its_sector(office: Office, change: dict[str, Any]) -> None:
    """What it is told of people at their sign-out bears the name that they had when they came."""
    answer = office.register(**PAIRWISE_THERE)
    told_at_sign_out(office, answer)
    body = {"client_id": answer["client_id"]} | PAIRWISE_THERE

    def update(**changes: Any) -> dict[str, Any]:
        return office.flow.update(answer["client_id"], json.dumps(body | changes).encode(), managed(answer))

    with pytest.raises(ProtocolError) as caught:
        update(**change)
    assert (caught.value.error, caught.value.status) == ("invalid_client_metadata", 400)
    assert update(redirect_uris=["https://victim.example/other"])["subject_type"] == "pairwise"
