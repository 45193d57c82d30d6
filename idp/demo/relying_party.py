"""A relying party: OpenID Connect's code flow on Authlib, knowing the issuer, a client id and a secret, nothing more.

Authlib keeps state, nonce and PKCE verifier, exchanges the code and validates the ID token; the checks that it leaves
to its user stand here.
"""

from dataclasses import dataclass
from typing import Any

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, request
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from requests import RequestException
from werkzeug.wrappers import Response

from idp.demo.memory import Memory

SCOPE = "openid profile email eduperson"
TIMEOUT_SECONDS = 15
CLOCK_SKEW_SECONDS = 60
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class SignInFailed(Exception):
    """The provider refused, does not answer, or its answer does not hold; ``code`` is OAuth's error code or ours."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class Registration:
    """What the provider's administrator hands to a relying party."""

    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in. claims: the ID token's and userinfo's together; id_token: for the hint at sign-out."""

    claims: dict[str, Any]
    id_token: str


class StateCache:
    """Authlib's cache protocol in memory, so that the browser's cookie stays small."""

    def __init__(self) -> None:
        self._memory: Memory[str] = Memory()

    def get(self, key: str) -> str | None:
        """What was stored."""
        return self._memory.get(key)

    def set(self, key: str, value: str, expires: int) -> None:
        """Stores; the oldest entries go first, ``expires`` needs no other care here."""
        self._memory.put(key, value)

    def delete(self, key: str) -> None:
        """Forgets."""
        self._memory.take(key)


class RelyingParty:
    """One client of the provider. issuer: as configured, e.g. ``http://localhost:5000``."""

    def __init__(self, oauth: OAuth, name: str, issuer: str, registration: Registration) -> None:
        self._issuer = issuer
        self._seen: Memory[bool] = Memory()
        self._client = oauth.register(
            name,
            client_id=registration.client_id,
            client_secret=registration.client_secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", "default_timeout": TIMEOUT_SECONDS},
        )

    def begin(self, redirect_uri: str, **parameters: str) -> Response:
        """Sends the browser to the authorization endpoint. parameters: more of the request's, e.g. ``prompt``."""
        self._discovery()
        answer: Response = self._guarded(self._client.authorize_redirect, redirect_uri, **parameters)
        return answer

    def finish(self) -> SignedIn:
        """Reads the authorization response in the current request, down to the claims."""
        self._check_issuer_of_response()
        token = self._guarded(self._client.authorize_access_token, claims_options=self._claims_options())
        if "userinfo" not in token:
            raise SignInFailed("invalid_token", "la réponse ne contient pas de jeton d’identité")
        id_claims = dict(token["userinfo"])
        claims = dict(self._guarded(self._client.userinfo, token=token))
        if claims.get("sub") != id_claims["sub"]:  # OpenID Connect Core 5.3.2
            raise SignInFailed("invalid_token", "userinfo parle d’une autre personne que le jeton d’identité")
        return SignedIn(id_claims | claims, token["id_token"])

    def end_session_url(self, id_token: str, return_to: str, state: str) -> str:
        """Where to send the browser to sign out (RP-Initiated Logout 2)."""
        self._discovery()
        answer = self._guarded(
            self._client.create_logout_url,
            post_logout_redirect_uri=return_to,
            id_token_hint=id_token,
            state=state,
        )
        return str(answer["url"])

    def ended_sign_in(self, logout_token: str) -> str:
        """The ``sid`` that a logout token of the provider names (Back-Channel Logout 1.0 section 2.6)."""
        claims = self._verified(logout_token)
        jti, sid, events = claims.get("jti"), claims.get("sid"), claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict) or "nonce" in claims:
            raise SignInFailed("invalid_request", "ce jeton n’annonce pas de déconnexion")
        if not isinstance(sid, str) or not isinstance(jti, str) or self._seen.get(jti):
            raise SignInFailed("invalid_request", "jeton sans session, ou déjà reçu")
        self._seen.put(jti, True)
        return sid

    def _verified(self, logout_token: str) -> dict[str, Any]:
        """The claims of a token that the provider signed for us, and that is still good."""
        algorithms = self._discovery().get("id_token_signing_alg_values_supported", ["RS256"])
        for is_second_try in (False, True):
            keys = KeySet.import_key_set(self._guarded(self._client.fetch_jwk_set, force=is_second_try))
            try:
                token = jwt.decode(logout_token, keys, algorithms=algorithms)
                break
            except InvalidKeyIdError as error:  # a new key since we looked
                if is_second_try:
                    raise SignInFailed("invalid_request", str(error)) from error
            except (JoseError, ValueError) as error:
                raise SignInFailed("invalid_request", str(error)) from error
        rules = JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client.client_id},
            iat={"essential": True},
            exp={"essential": True},
        )
        try:
            rules.validate(token.claims)
        except JoseError as error:
            raise SignInFailed("invalid_request", str(error)) from error
        return dict(token.claims)

    def _discovery(self) -> dict[str, Any]:
        """The provider's metadata: read at first use, kept once it was good (OpenID Connect Discovery 4.3)."""
        metadata: dict[str, Any] = self._guarded(self._client.load_server_metadata)
        if metadata.get("issuer") != self._issuer:
            metadata.pop("_loaded_at", None)
            raise SignInFailed("invalid_issuer", f"la découverte annonce {metadata.get('issuer')}")
        return metadata

    def _check_issuer_of_response(self) -> None:
        """RFC 9207 section 2.4."""
        announced = self._discovery().get("authorization_response_iss_parameter_supported", False)
        received = request.args.get("iss")
        if (announced or received is not None) and received != self._issuer:
            raise SignInFailed("invalid_issuer", "la réponse ne dit pas de quel fournisseur elle vient")

    def _claims_options(self) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client.client_id},
        }

    @staticmethod
    def _guarded(call: Any, *arguments: Any, **keywords: Any) -> Any:
        """Turns every failure of a library on the way into ``SignInFailed``."""
        try:
            return call(*arguments, **keywords)
        except OAuthError as error:
            raise SignInFailed(error.error or "error", error.description or "") from error
        except JoseError as error:
            raise SignInFailed("invalid_token", str(error)) from error
        except RequestException as error:
            raise SignInFailed("temporarily_unavailable", "le fournisseur d’identité ne répond pas") from error
        except (KeyError, RuntimeError, ValueError) as error:
            raise SignInFailed("server_error", f"réponse inattendue du fournisseur : {error}") from error


def create_oauth(app: Flask) -> OAuth:
    """Authlib for this application; what waits for an answer is kept in memory."""
    return OAuth(app, cache=StateCache())
