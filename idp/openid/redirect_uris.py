"""Addresses that a browser may be sent to: what may be registered, and what equals a registered one."""

import re
from urllib.parse import SplitResult, urlencode, urlsplit

from idp.domain.clients import Client

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_LOOPBACK_PORT = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::[0-9]{1,5})?(?=[/?]|$)")
# RFC 8252 section 7.1: a domain name under the app's control, turned around; its dot keeps javascript: and data: out.
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")
_PRINTABLE = re.compile(r"[!-~]+")


def fault(uri: str, *, native: bool) -> str | None:
    """Why this address cannot be registered, or None (RFC 6749 section 3.1.2, RFC 9700 section 4.1.3)."""
    parts = _split(uri)
    if parts is None or not _PRINTABLE.fullmatch(uri):
        return "an absolute URI in printable ASCII"
    if "#" in uri or "*" in uri or "\\" in uri or "@" in parts.netloc:
        return "a URI without fragment, wildcard, backslash or user name"
    if parts.scheme in ("http", "https") and not _HOST_AND_PORT.fullmatch(parts.netloc):
        # Python and browsers could find different hosts in it, and it may be written into a policy of our pages.
        return "a URI whose host is a name or an address"
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS:
        return None
    if native and _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return None
    return "https, http on a loopback address, or for a native client a scheme that holds a dot (org.example.app:/cb)"


def is_registered(client: Client, uri: str) -> bool:
    """Whether the browser may be sent to this address: exact comparison, character by character.

    Only a native client without a secret may choose the port of its loopback address (RFC 8252 section 7.3), which has
    to be one: nobody can be sent to port 65536.
    """
    if uri in client.redirect_uris:
        return True
    if not (client.is_public and client.application_type == "native" and _LOOPBACK_PORT.match(uri) and _split(uri)):
        return False
    return _without_port(uri) in {_without_port(known) for known in client.redirect_uris if _LOOPBACK_PORT.match(known)}


def host(uri: str) -> str:
    """The host of a registered address, lower case; empty where it has none."""
    parts = _split(uri)
    return (parts.hostname or "") if parts else ""


def receiver(uri: str) -> str:
    """Who gets what is sent to a registered address, as a person can read it: a host, else an app's own scheme."""
    parts = _split(uri)
    if parts is None:
        return ""
    return host(uri) if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def origin(uri: str) -> str:
    """Scheme, host and port of a registered web address, as browsers compare them; empty where it has none."""
    parts = _split(uri)
    is_web = parts is not None and parts.scheme in ("http", "https") and _HOST_AND_PORT.fullmatch(parts.netloc)
    return f"{parts.scheme}://{parts.netloc.lower()}" if parts and is_web else ""


def with_parameters(uri: str, parameters: dict[str, str]) -> str:
    """The address with the parameters added to the query that it may already have (RFC 6749 section 3.1.2)."""
    if not parameters:
        return uri
    joint = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return uri + joint + urlencode(parameters)


def _without_port(uri: str) -> str:
    return _LOOPBACK_PORT.sub(r"\1", uri, count=1)


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        # Python checks the port only when it is read.
        return parts if parts.scheme and (parts.port is None or parts.port >= 0) else None
    except ValueError:
        return None
