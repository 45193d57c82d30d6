"""Relying parties, with the metadata names of OpenID Connect Dynamic Client Registration 1.0 section 2."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Client:
    """One relying party.

    client_secrets: verifiers as ``domain.client_secrets`` writes them; empty for a public client; two during rotation.
    scopes: the scopes that this client may be granted.
    require_pkce: PKCE S256 demanded (RFC 7636); always for public clients.
    application_type: ``native`` where it runs on the person's device (loopback ports are free, RFC 8252), else ``web``.
    name: by language; ``""`` is the name without a language.
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    client_secrets: tuple[str, ...] = field(default=(), repr=False)
    token_endpoint_auth_method: str = "client_secret_basic"
    response_types: tuple[str, ...] = ("code",)
    grant_types: tuple[str, ...] = ("authorization_code",)
    post_logout_redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    subject_type: str = "public"
    sector_identifier: str = ""
    name: tuple[tuple[str, str], ...] = ()
    client_uri: str = ""
    default_max_age: int | None = None
    require_auth_time: bool = False
    require_pkce: bool = True
    application_type: str = "web"

    @property
    def is_public(self) -> bool:
        """Whether the client cannot keep a secret (RFC 6749 section 2.1)."""
        return self.token_endpoint_auth_method == "none"

    def display_name(self, language: str) -> str:
        """The name in this language, else without language, else the client's identifier."""
        names = dict(self.name)
        return names.get(language) or names.get("") or next(iter(names.values()), self.client_id)
