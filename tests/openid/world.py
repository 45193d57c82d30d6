"""A provider on a real database, with one relying party of each kind and one person."""

import base64
import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

from joserfc import jwk, jwt

from idp.domain.authorization import AuthorizationRequest, AuthorizationResponse
from idp.domain.client_secrets import hash_secret
from idp.domain.clients import Client
from idp.domain.grants import Lifetimes
from idp.domain.keyed import SecretKey
from idp.domain.sessions import SignIn
from idp.openid.client_authentication import ClientLookup
from idp.openid.keys import KeyStore
from idp.openid.provider import Provider
from idp.openid.verified_claims import LatestProof
from idp.outbound.safe_fetch import fetch, fetch_json
from idp.storage import device_authorizations, grants, pushed_requests, used_jtis
from idp.storage.database import Database
from idp.storage.device_authorizations import DeviceAuthorizationStore
from idp.storage.grants import GrantStore
from idp.storage.pushed_requests import PushedRequestStore
from idp.storage.used_jtis import UsedJtis

ISSUER = "http://localhost:5000"
SECRET_KEY = SecretKey(b"a secret key for tests alone")
# Far ahead, so that MongoDB's own clock never clears away what a test has just stored.
NOW = datetime(2050, 9, 1, 8, 0, tzinfo=UTC)
SECRET = "a-secret-of-the-portal-0123456789"
OTHER_SECRET = "a-secret-of-the-library-0123456789"
CALLBACK = "https://portail.example/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SUBJECT = "subject-of-ines"
ACCOUNT = "account-of-ines"
SIGN_IN = SignIn(ACCOUNT, "sid-1", NOW - timedelta(minutes=5), ("pwd",), "urn:example:acr")
ALL_SCOPES = ("openid", "profile", "email", "eduperson", "voperson", "roles", "offline_access")

PORTAL = Client(
    client_id="portail",
    client_secrets=(hash_secret(SECRET),),
    redirect_uris=(CALLBACK,),
    post_logout_redirect_uris=("https://portail.example/bye",),
    grant_types=("authorization_code", "refresh_token"),
    scopes=ALL_SCOPES,
)
LIBRARY = Client(
    client_id="library",
    client_secrets=(hash_secret(OTHER_SECRET),),
    redirect_uris=("https://library.example/cb?from=idp",),
    post_logout_redirect_uris=("https://library.example/bye",),
    grant_types=("authorization_code", "refresh_token"),
    token_endpoint_auth_method="client_secret_post",
    scopes=("openid", "email"),
    require_pkce=False,
)
APP = Client(
    client_id="app",
    redirect_uris=("http://127.0.0.1/cb", "http://[::1]/cb", "org.example.app:/cb"),
    token_endpoint_auth_method="none",
    application_type="native",
    scopes=("openid", "profile"),
)
PAIRWISE = replace(PORTAL, client_id="pairwise", redirect_uris=("https://survey.example/cb",), subject_type="pairwise")

CLAIMS = {
    "name": "Inès Exemple",
    "given_name": "Inès",
    "email": "ines@univ-exemple.fr",
    "email_verified": True,
    "updated_at": 1_750_000_000,
    "eduperson_affiliation": ["student"],
    "supann_etu_id": "20260001",
}


def basic(client_id: str = "portail", secret: str = SECRET) -> str:
    """An Authorization header (RFC 6749 section 2.3.1)."""
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


def query_of(url: str) -> dict[str, str]:
    """The parameters of an address, each of which stands once."""
    pairs = parse_qsl(urlsplit(url).query, strict_parsing=True)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def answered(response: AuthorizationResponse) -> dict[str, str]:
    """The parameters of an answer, in whichever response mode it travels."""
    if response.fields:
        return dict(response.fields)
    address, _, fragment = response.location.partition("#")
    return query_of(f"{address}?{fragment}") if fragment else query_of(address)


def asking(client: Client = PORTAL, /, **changes: Any) -> list[tuple[str, str]]:
    """A good authorization request of this client, with parameters changed, or left out where None."""
    parameters: dict[str, str | None] = {
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris[0],
        "response_type": "code",
        "scope": " ".join(client.scopes),
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return [(name, value) for name, value in (parameters | changes).items() if value is not None]


@dataclass
class World:
    """The provider, and what a relying party does with it."""

    provider: Provider
    grants: GrantStore
    clients: dict[str, Client]
    accounts: dict[str, dict[str, Any]] = field(default_factory=lambda: {ACCOUNT: dict(CLAIMS)})

    def read(self, client: Client = PORTAL, /, **changes: Any) -> AuthorizationRequest:
        return self.provider.read_authorization_request(asking(client, **changes), now=NOW)

    def code(self, client: Client = PORTAL, **changes: Any) -> str:
        """Ask, sign in, come back with a code."""
        answer = self.provider.authorize(self.read(client, **changes), ACCOUNT, SUBJECT, SIGN_IN, now=NOW)
        return query_of(answer.location)["code"]

    def exchange(
        self, code: str | None, authorization: str | None = None, now: datetime = NOW, **changes: Any
    ) -> dict[str, Any]:
        """Exchange a code as the portal, with parameters changed, or left out where None."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        pairs = [(name, value) for name, value in (form | changes).items() if value is not None]
        return self.provider.token(pairs, authorization or basic(), now=now)

    def tokens(self, **changes: Any) -> dict[str, Any]:
        """Everything that a good sign-in at the portal gives."""
        return self.exchange(self.code(**changes))

    def refresh(
        self, token: str, authorization: str | None = None, *, now: datetime = NOW, **more: Any
    ) -> dict[str, Any]:
        pairs = [("grant_type", "refresh_token"), ("refresh_token", token), *more.items()]
        return self.provider.token(pairs, authorization or basic(), now=now)

    def userinfo(self, token: str, now: datetime = NOW) -> dict[str, Any]:
        return self.provider.userinfo(f"Bearer {token}", now=now).claims

    def id_token(self, token: str) -> dict[str, Any]:
        """The claims of an ID token, verified with the published keys as a relying party does."""
        keys = jwk.KeySet.import_key_set(self.provider.jwks())  # type: ignore[arg-type]
        return jwt.decode(token, keys, algorithms=["RS256"]).claims


INDEXES = (grants.INDEXES, pushed_requests.INDEXES, used_jtis.INDEXES, device_authorizations.INDEXES)


def build(
    keys: KeyStore,
    database: Database,
    lifetimes: Lifetimes | None = None,
    *,
    dpop_nonce: bool = False,
    implicit: bool = False,
    find_client: ClientLookup | None = None,
    latest_proof: LatestProof | None = None,
    secret: SecretKey = SECRET_KEY,
) -> World:
    store = GrantStore(database)
    clients = {client.client_id: client for client in (PORTAL, LIBRARY, APP, PAIRWISE)}
    accounts = {ACCOUNT: dict(CLAIMS)}
    provider = Provider(
        issuer=ISSUER,
        keys=keys,
        clients=find_client or (lambda client_id: clients.get(client_id)),
        grants=store,
        claims_of=lambda account_id: accounts.get(account_id),
        lifetimes=lifetimes or Lifetimes(),
        secret=secret,
        used_jtis=UsedJtis(database),
        devices=DeviceAuthorizationStore(database),
        pushed_requests=PushedRequestStore(database),
        fetch_json=partial(fetch_json, allow_loopback=ISSUER.startswith("http:")),
        fetch=partial(fetch, allow_loopback=ISSUER.startswith("http:")),
        dpop_nonce=dpop_nonce,
        acr_values=("urn:example:acr",),
        implicit=implicit,
        latest_proof=latest_proof,
    )
    return World(provider, store, clients, accounts)
