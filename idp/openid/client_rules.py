"""What must hold between the keys of a client's registration, one function for each rule."""

from collections.abc import Callable

from idp.domain.clients import Client
from idp.openid import client_assertion, client_keys, redirect_uris
from idp.openid.client_authentication import SECRET_METHODS
from idp.openid.client_table import Faults


def _client_id_is_usable(client: Client, faults: Faults) -> None:
    # RFC 6749 appendix A.1; a colon would end the identifier too early in Basic credentials that are not encoded.
    is_printable = client.client_id.isascii() and client.client_id.isprintable() and ":" not in client.client_id
    if not 1 <= len(client.client_id) <= 255 or not is_printable:
        faults.add("client_id", client.client_id, "1 to 255 printable ASCII characters without colon")


def _redirect_uris_are_safe(client: Client, faults: Faults) -> None:
    if not client.redirect_uris and {"authorization_code", "implicit"} & set(client.grant_types):
        faults.add("redirect_uris", [], "at least one URI")
    native = client.application_type == "native" and client.is_public
    for key, uris in (
        ("redirect_uris", client.redirect_uris),
        ("post_logout_redirect_uris", client.post_logout_redirect_uris),
    ):
        for uri in uris:
            if accepted := redirect_uris.fault(uri, native=native):
                faults.add(key, uri, accepted)


def _implicit_answers_leave_the_machine(client: Client, faults: Faults) -> None:
    # Dynamic Client Registration section 2, application_type.
    if client.application_type != "web" or "implicit" not in client.grant_types:
        return
    for uri in client.redirect_uris:
        if not uri.startswith("https://") or redirect_uris.host(uri) in redirect_uris.LOOPBACK_HOSTS:
            faults.add("redirect_uris", uri, "https, and no loopback, for a web client with the grant type implicit")


def _client_uri_is_a_page(client: Client, faults: Faults) -> None:
    if client.client_uri and redirect_uris.fault(client.client_uri, native=False):
        faults.add("client_uri", client.client_uri, "an https URL")


def _logout_uris_are_safe(client: Client, faults: Faults) -> None:
    # Back-Channel Logout 1.0 section 2.2; Front-Channel Logout 1.0 section 2.
    for key, uri in (
        ("backchannel_logout_uri", client.backchannel_logout_uri),
        ("frontchannel_logout_uri", client.frontchannel_logout_uri),
    ):
        if uri and (accepted := redirect_uris.fault(uri, native=False)):
            faults.add(key, uri, accepted)
    own = {redirect_uris.origin(uri) for uri in client.redirect_uris} - {""}
    if client.frontchannel_logout_uri and redirect_uris.origin(client.frontchannel_logout_uri) not in own:
        faults.add("frontchannel_logout_uri", client.frontchannel_logout_uri, "scheme, host and port of a redirect_uri")


def _secret_fits_method(client: Client, faults: Faults) -> None:
    if client.is_public and client.client_secrets:
        faults.add("client_secret", "…", "nothing where token_endpoint_auth_method is none")
    if client.token_endpoint_auth_method in SECRET_METHODS and not client.client_secrets:
        faults.add("client_secret", "", "a secret, or token_endpoint_auth_method = none")


def _keys_fit_method(client: Client, faults: Faults) -> None:
    # Dynamic Client Registration section 2: never both.
    if client.jwks and client.jwks_uri:
        faults.add("jwks_uri", client.jwks_uri, "nothing where jwks is given")
    if client.jwks_uri and not client.jwks_uri.startswith("https://") and not _is_on_loopback(client.jwks_uri):
        faults.add("jwks_uri", client.jwks_uri, "an https URL")
    if client.token_endpoint_auth_method == client_assertion.METHOD and not (client.jwks or client.jwks_uri):
        faults.add("jwks", "", f"jwks or jwks_uri where token_endpoint_auth_method is {client_assertion.METHOD}")
    if client.token_endpoint_auth_method == client_assertion.METHOD and not _may_verify(client):
        faults.add("jwks", "…", "a key for signatures among them")


def _may_verify(client: Client) -> bool:
    return not client.jwks or client_keys.can_verify(client.jwks)


def _encrypted_answers_have_a_key(client: Client, faults: Faults) -> None:
    # Dynamic Client Registration section 2: the content's algorithm never stands alone.
    for kind, algorithm, method in (
        ("id_token", client.id_token_encrypted_response_alg, client.id_token_encrypted_response_enc),
        ("userinfo", client.userinfo_encrypted_response_alg, client.userinfo_encrypted_response_enc),
    ):
        if method and not algorithm:
            faults.add(f"{kind}_encrypted_response_enc", method, f"nothing without {kind}_encrypted_response_alg")
        has_key = client_keys.can_receive(client.jwks, algorithm) if client.jwks else bool(client.jwks_uri)
        if algorithm and not has_key:
            faults.add("jwks", "…", f"jwks with a key for {algorithm}, or jwks_uri")


def _resources_are_addresses(client: Client, faults: Faults) -> None:
    # RFC 8707 section 2: absolute, without fragment.
    for resource in client.resources:
        if redirect_uris.fault(resource, native=False):
            faults.add("resources", resource, "https URLs without fragment")
    if client.access_token_format == "jwt" and not client.resources:
        faults.add("resources", [], "at least one where access_token_format is jwt")


def _is_on_loopback(uri: str) -> bool:
    return uri.startswith("http://") and redirect_uris.host(uri) in redirect_uris.LOOPBACK_HOSTS


def _public_client_proves_its_key(client: Client, faults: Faults) -> None:
    # RFC 9700 section 2.1.1.
    if client.is_public and not client.require_pkce:
        faults.add("require_pkce", False, "true for a client without secret")


def _grant_types_fit_response_types(client: Client, faults: Faults) -> None:
    # Dynamic Client Registration section 2.
    asked = {word for response_type in client.response_types for word in response_type.split(" ")}
    if {"id_token", "token"} & asked and "implicit" not in client.grant_types:
        faults.add("grant_types", list(client.grant_types), "implicit among them, for these response_types")


def _signed_requests_have_a_key(client: Client, faults: Faults) -> None:
    # RFC 9101 section 6.2.
    is_signing = client.require_signed_request_object or client.request_object_signing_alg or client.request_uris
    if is_signing and not ((client.jwks and _may_verify(client)) or client.jwks_uri):
        faults.add("jwks", "", "jwks or jwks_uri, with a key for signatures, where requests are signed")
    for uri in client.request_uris:
        if not uri.startswith("https://") or redirect_uris.fault(uri.partition("#")[0], native=False):
            faults.add("request_uris", uri, "https URLs")


def _pairwise_client_has_one_sector(client: Client, faults: Faults) -> None:
    # OpenID Connect Core section 8.1.
    hosts = {redirect_uris.host(uri) for uri in client.redirect_uris}
    if client.subject_type == "pairwise" and not client.sector_identifier and (len(hosts) != 1 or "" in hosts):
        faults.add("sector_identifier_uri", "", "an https URL, where redirect_uris do not share one host")


RULES: tuple[Callable[[Client, Faults], None], ...] = (
    _client_id_is_usable,
    _redirect_uris_are_safe,
    _implicit_answers_leave_the_machine,
    _client_uri_is_a_page,
    _logout_uris_are_safe,
    _secret_fits_method,
    _keys_fit_method,
    _encrypted_answers_have_a_key,
    _resources_are_addresses,
    _public_client_proves_its_key,
    _grant_types_fit_response_types,
    _signed_requests_have_a_key,
    _pairwise_client_has_one_sector,
)
