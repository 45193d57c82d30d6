"""What a relying party may register about itself (RFC 7591 section 2), by the same rules as the file."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from idp.domain.clients import Client
from idp.domain.folding import folded
from idp.openid import redirect_uris
from idp.openid.client_metadata import REGISTRABLE, read_client
from idp.openid.client_table import Faults
from idp.openid.device_codes import GRANT_TYPE as DEVICE_CODE
from idp.openid.encryption import DEFAULT_CONTENT_ALGORITHM
from idp.openid.keys import ALWAYS

_DEFAULTS = {
    "token_endpoint_auth_method": "client_secret_basic",
    "grant_types": ["authorization_code"],
}
# RFC 7591 section 3.2.1: told to the client where it left them out, as everything that counts for it.
_TOLD = ("subject_type", "application_type", "id_token_signed_response_alg")
_LONGEST_NAME = 100
_MOST_URIS = 20
# For reading alone: a client whose method needs a secret gets its own.
_ANY_SECRET = "sha256$" + "0" * 32 + "$" + "0" * 64


class UnfitMetadata(ValueError):
    """``keys``: the names of what cannot be registered."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        super().__init__(", ".join(keys))
        self.keys = keys


@dataclass(frozen=True, slots=True)
class ClientMetadataReader:
    """Reads registered metadata.

    algorithms, implicit: as for ``read_client``. scopes: what registered clients may have. require_pkce: asked of
    every one of them. check: a further look at the client, e.g. at its sector; raises ``UnfitMetadata``. names: those
    that are taken, as ``names_of`` tells them.
    """

    scopes: tuple[str, ...]
    algorithms: tuple[str, ...] = ALWAYS
    implicit: bool = False
    require_pkce: bool = True
    check: Callable[[Client], None] | None = None
    names: Callable[[], Collection[str]] = tuple

    def accepted(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """What is taken over: names that we know, scopes that we give; raises ``UnfitMetadata`` for a bad value."""
        # RFC 7591 section 2: what is not understood is ignored, as is every language but those of the name.
        known = {
            name: value for name, value in metadata.items() if name in REGISTRABLE or name.startswith("client_name#")
        }
        # RFC 7591 section 2: what is null was left out.
        taken = {**_DEFAULTS, **{name: value for name, value in known.items() if value is not None}}
        asked = taken.get("scope", " ".join(self.scopes))
        if not isinstance(asked, str):
            raise UnfitMetadata(("scope",))
        granted = [scope for scope in asked.split() if scope in self.scopes]
        taken["scope"] = " ".join(dict.fromkeys(["openid", *granted]))
        for kind in ("id_token", "userinfo"):
            if taken.get(f"{kind}_encrypted_response_alg"):
                taken.setdefault(f"{kind}_encrypted_response_enc", DEFAULT_CONTENT_ALGORITHM)
        _are_short(taken)
        client = self.client(taken, "reg_candidate", _ANY_SECRET)
        _codes_can_be_used(client)
        _sector_is_its_own(client)
        _name_is_its_own(client, self.names())
        if self.check is not None:
            self.check(client)
        counting = {name: getattr(client, name) for name in _TOLD} | {"response_types": list(client.response_types)}
        return counting | taken

    def client(self, metadata: Mapping[str, Any], client_id: str, client_secret: str) -> Client:
        """The client of this metadata; the person is asked before the first release to it."""
        table = {**metadata, "client_id": client_id, "consent": "first time"}
        if needs_secret(metadata):
            table["client_secret"] = client_secret
        table["require_pkce"] = self.require_pkce or metadata.get("token_endpoint_auth_method") == "none"
        faults = Faults("registration")
        try:
            client = read_client(table, faults, algorithms=self.algorithms, implicit=self.implicit)
        except (TypeError, ValueError, AttributeError, RecursionError):
            raise UnfitMetadata(("metadata",)) from None
        if faults.lines:
            raise UnfitMetadata(tuple(dict.fromkeys(faults.keys)))
        return client


def needs_secret(metadata: Mapping[str, Any]) -> bool:
    """Whether a client with this metadata proves itself with a secret."""
    return str(metadata.get("token_endpoint_auth_method", "")).startswith("client_secret_")


def _codes_can_be_used(client: Client) -> None:
    """RFC 7591 section 2.1: the response type code belongs to the grant type authorization_code."""
    words = {word for response_type in client.response_types for word in response_type.split(" ")}
    if "code" in words and "authorization_code" not in client.grant_types:
        raise UnfitMetadata(("grant_types",))


def _sector_is_its_own(client: Client) -> None:
    """Core section 8.1 trusts in redirect_uris: whoever names some of another sector receives nothing there.

    Device codes bring tokens without any, and with them the ``sub`` that the other sector knows. What is sent to an
    address on the person's device any program there may receive (RFC 8252 section 8.6), whatever host stands in it.
    Logout tokens hold that ``sub``, too, and go out for every code, whoever received it. An administrator may vouch for
    such a client, in the file.
    """
    if client.subject_type != "pairwise":
        return
    if DEVICE_CODE in client.grant_types:
        raise UnfitMetadata(("grant_types",))
    if not all(uri.startswith("https://") for uri in client.redirect_uris):
        raise UnfitMetadata(("redirect_uris",))
    told_at = client.backchannel_logout_uri
    if told_at and redirect_uris.origin(told_at) not in map(redirect_uris.origin, client.redirect_uris):
        raise UnfitMetadata(("backchannel_logout_uri",))


def sector_of(metadata: Mapping[str, Any]) -> str | None:
    """The sector of this registered metadata (Core section 8.1); None where its ``sub`` is public."""
    if metadata.get("subject_type") != "pairwise":
        return None
    return redirect_uris.host(metadata.get("sector_identifier_uri") or next(iter(metadata["redirect_uris"]), ""))


def names_of(clients: Iterable[Client]) -> frozenset[str]:
    """What people know these clients by, in every language, as names compare."""
    return frozenset(_compared(name) for client in clients for name in (client.client_id, *dict(client.name).values()))


def _name_is_its_own(client: Client, taken: Collection[str]) -> None:
    """Who is asked to agree reads the name, and goes by it: it must be there, and not that of another application."""
    for name in dict(client.name).values():
        # A client without a name is called by its identifier.
        if name and (not any(map(str.isalnum, _compared(name))) or _compared(name) in taken):
            raise UnfitMetadata(("client_name",))


def _compared(name: str) -> str:
    """Letters that are blank count as blanks: Hangul has two that only fill a place."""
    return " ".join(folded(name).replace("\u115f", " ").replace("\u1160", " ").split())


def _are_short(metadata: Mapping[str, Any]) -> None:
    for name, value in metadata.items():
        # Without the language: the caller chooses what stands after the #, and our answer quotes the key.
        key = name.partition("#")[0]
        if key == "client_name" and not (
            isinstance(value, str) and len(value) <= _LONGEST_NAME and value.isprintable()
        ):
            raise UnfitMetadata((key,))
        if isinstance(value, list) and len(value) > _MOST_URIS:
            raise UnfitMetadata((key,))
