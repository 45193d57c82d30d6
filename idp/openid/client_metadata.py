"""One ``[[client]]`` table into a Client: the names and rules of Dynamic Client Registration 1.0 section 2."""

from collections.abc import Callable, Mapping
from typing import Any

from idp.domain.claims import SCOPES
from idp.domain.client_secrets import MINIMUM_LENGTH, hash_secret, is_verifier
from idp.domain.clients import Client
from idp.openid import client_authentication, redirect_uris
from idp.openid.keys import ALGORITHM

GRANT_TYPES = ("authorization_code", "refresh_token")
RESPONSE_TYPES = ("code",)
SUBJECT_TYPES = ("public", "pairwise")
APPLICATION_TYPES = ("web", "native")


class Faults:
    """Collects what is wrong: one line per fault, naming the place, the value and what is accepted."""

    def __init__(self, place: str) -> None:
        self.lines: list[str] = []
        self._place = place

    def add(self, key: str, value: object, accepted: str) -> None:
        # A secret may stand under this key in clear.
        shown = "…" if "secret" in key else repr(value)
        self.lines.append(f"{self._place}: {key} = {shown}; accepted: {accepted}")


class _Table:
    """The keys of one table, read with their types; each wrong value is noted and replaced by the default."""

    def __init__(self, table: Mapping[str, Any], faults: Faults) -> None:
        self._table = table
        self.faults = faults

    def text(self, key: str, default: str = "") -> str:
        value = self._table.get(key, default)
        if isinstance(value, str):
            return value
        self.faults.add(key, value, "a text")
        return default

    def one_of(self, key: str, accepted: tuple[str, ...], default: str) -> str:
        value = self.text(key, default)
        if value not in accepted:
            self.faults.add(key, value, " or ".join(accepted))
            return default
        return value

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self._table.get(key, list(default))
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.faults.add(key, value, "a list of texts")
        return default

    def some_of(self, key: str, accepted: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
        values = self.texts(key, default)
        if not values or not set(values) <= set(accepted):
            self.faults.add(key, list(values), "some of " + ", ".join(accepted))
            return default
        return values

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._table.get(key, default)
        if isinstance(value, bool):
            return value
        self.faults.add(key, value, "true or false")
        return default

    def seconds(self, key: str) -> int | None:
        value = self._table.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9):
            return value
        self.faults.add(key, value, "a number of seconds from 0 to 1000000000")
        return None

    def names(self, key: str) -> tuple[tuple[str, str], ...]:
        """Values by language, as ``client_name`` and ``client_name#fr`` (Dynamic Client Registration section 2.1)."""
        found = [name for name in self._table if name == key or name.startswith(key + "#")]
        return tuple((name.partition("#")[2].lower(), self.text(name)) for name in found)

    def unknown_keys(self, accepted: tuple[str, ...]) -> None:
        for key in self._table:
            if key.partition("#")[0] not in accepted or ("#" in key and not key.startswith("client_name#")):
                self.faults.add(key, self._table[key], ", ".join(accepted))


def read_client(table: Mapping[str, Any], faults: Faults) -> Client:
    """The client of this table; what is wrong with it is added to ``faults``, and then it must not be used."""
    keys = _Table(table, faults)
    keys.unknown_keys(KEYS)
    method = keys.one_of("token_endpoint_auth_method", client_authentication.METHODS, "client_secret_basic")
    client = Client(
        client_id=keys.text("client_id"),
        redirect_uris=keys.texts("redirect_uris"),
        client_secrets=_secrets(keys),
        token_endpoint_auth_method=method,
        response_types=keys.some_of("response_types", RESPONSE_TYPES, RESPONSE_TYPES),
        grant_types=keys.some_of("grant_types", GRANT_TYPES, GRANT_TYPES[:1]),
        post_logout_redirect_uris=keys.texts("post_logout_redirect_uris"),
        scopes=_scopes(keys),
        subject_type=keys.one_of("subject_type", SUBJECT_TYPES, "public"),
        sector_identifier=_sector(keys),
        name=keys.names("client_name"),
        client_uri=keys.text("client_uri"),
        default_max_age=keys.seconds("default_max_age"),
        require_auth_time=keys.flag("require_auth_time", default=False),
        require_pkce=keys.flag("require_pkce", default=True),
        application_type=keys.one_of("application_type", APPLICATION_TYPES, "web"),
    )
    keys.one_of("id_token_signed_response_alg", (ALGORITHM,), ALGORITHM)
    for rule in RULES:
        rule(client, faults)
    return client


def _secrets(keys: _Table) -> tuple[str, ...]:
    """Verifiers of ``client_secret`` and ``client_secrets``; those in clear are hashed here and never kept."""
    listed = [("client_secret", keys.text("client_secret"))] + [
        ("client_secrets", secret) for secret in keys.texts("client_secrets")
    ]
    for key, secret in listed:
        if secret and not is_verifier(secret) and len(secret) < MINIMUM_LENGTH:
            keys.faults.add(
                key, secret, f"what `idp client hash-secret` prints, or in clear at least {MINIMUM_LENGTH} characters"
            )
    return tuple(secret if is_verifier(secret) else hash_secret(secret) for _, secret in listed if secret)


def _scopes(keys: _Table) -> tuple[str, ...]:
    scopes = tuple(keys.text("scope", "openid profile email").split())
    if "openid" not in scopes or not set(scopes) <= set(SCOPES):
        keys.faults.add("scope", " ".join(scopes), "openid, and some of " + ", ".join(SCOPES))
    return scopes


def _sector(keys: _Table) -> str:
    uri = keys.text("sector_identifier_uri")
    if uri and not (uri.startswith("https://") and redirect_uris.host(uri)):
        keys.faults.add("sector_identifier_uri", uri, "an https URL")
    return redirect_uris.host(uri)


def _client_id_is_usable(client: Client, faults: Faults) -> None:
    # RFC 6749 appendix A.1; a colon would end the identifier too early in Basic credentials that are not encoded.
    is_printable = client.client_id.isascii() and client.client_id.isprintable() and ":" not in client.client_id
    if not 1 <= len(client.client_id) <= 255 or not is_printable:
        faults.add("client_id", client.client_id, "1 to 255 printable ASCII characters without colon")


def _redirect_uris_are_safe(client: Client, faults: Faults) -> None:
    if not client.redirect_uris:
        faults.add("redirect_uris", [], "at least one URI")
    native = client.application_type == "native" and client.is_public
    for key, uris in (
        ("redirect_uris", client.redirect_uris),
        ("post_logout_redirect_uris", client.post_logout_redirect_uris),
    ):
        for uri in uris:
            if accepted := redirect_uris.fault(uri, native=native):
                faults.add(key, uri, accepted)


def _client_uri_is_a_page(client: Client, faults: Faults) -> None:
    if client.client_uri and redirect_uris.fault(client.client_uri, native=False):
        faults.add("client_uri", client.client_uri, "an https URL")


def _secret_fits_method(client: Client, faults: Faults) -> None:
    if client.is_public and client.client_secrets:
        faults.add("client_secret", "…", "nothing where token_endpoint_auth_method is none")
    if not client.is_public and not client.client_secrets:
        faults.add("client_secret", "", "a secret, or token_endpoint_auth_method = none")


def _public_client_proves_its_key(client: Client, faults: Faults) -> None:
    # RFC 9700 section 2.1.1.
    if client.is_public and not client.require_pkce:
        faults.add("require_pkce", False, "true for a client without secret")


def _pairwise_client_has_one_sector(client: Client, faults: Faults) -> None:
    # OpenID Connect Core section 8.1.
    hosts = {redirect_uris.host(uri) for uri in client.redirect_uris}
    if client.subject_type == "pairwise" and not client.sector_identifier and (len(hosts) != 1 or "" in hosts):
        faults.add("sector_identifier_uri", "", "an https URL, where redirect_uris do not share one host")


RULES: tuple[Callable[[Client, Faults], None], ...] = (
    _client_id_is_usable,
    _redirect_uris_are_safe,
    _client_uri_is_a_page,
    _secret_fits_method,
    _public_client_proves_its_key,
    _pairwise_client_has_one_sector,
)

KEYS = (
    "client_id",
    "client_secret",
    "client_secrets",
    "client_name",
    "client_uri",
    "redirect_uris",
    "post_logout_redirect_uris",
    "token_endpoint_auth_method",
    "application_type",
    "response_types",
    "grant_types",
    "scope",
    "subject_type",
    "sector_identifier_uri",
    "id_token_signed_response_alg",
    "default_max_age",
    "require_auth_time",
    "require_pkce",
)
