"""Calling an address that somebody else chose, without being used against our own network (CWE-918).

https alone, no redirect, no proxy, no address of a private network: the name is resolved once, every address that it
has is looked at, and the connection goes to one of the very addresses that were looked at, the first that answers.
"""

import contextlib
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO
from urllib.parse import SplitResult, urlencode, urlsplit

from idp.domain.default_ports import DEFAULT_PORTS
from idp.domain.downloads import Validators
from idp.domain.errors import NotFetched

_LONGEST_URL = 2048
_CHUNK = 16_384
_LONGEST_VALIDATOR = 512
# Bytes of a document that a client names.
_LARGEST = 65_536
# How many addresses of each family (IPv4, IPv6) are tried: a host may have any number of them, all those of one family
# first.
_TRIED_OF_A_FAMILY = 2
# Firewalls of applications turn away who does not say what it is (RFC 9110 section 10.1.5).
_OURS = {"User-Agent": "uness-idp", "Connection": "close"}
# An IPv4 address hides in each of these, and a gateway would go there (RFC 6052, RFC 3056).
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def fetch_json(url: str, *, allow_loopback: bool = False) -> Any:
    """The JSON value at this address; see ``fetch``."""
    content = fetch(url, allow_loopback=allow_loopback, accept="application/json")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise NotFetched("not JSON") from None


def fetch(url: str, *, allow_loopback: bool = False, timeout: float = 3.0, accept: str = "*/*") -> bytes:
    """The bytes at this address, answered with 200 and at most ``_LARGEST`` long.

    timeout: seconds for the whole, after the name was resolved. allow_loopback: for development and tests, also http
    and https on 127.0.0.0/8 and ::1. Raises ``NotFetched`` for everything that goes wrong.
    """
    with _called(url, allow_loopback=allow_loopback, timeout=timeout) as (connection, target, is_late):
        connection.request("GET", target, headers=_OURS | {"Accept": accept})
        content = BytesIO()
        _read(connection.getresponse(), content, _LARGEST, is_late)
        return content.getvalue()


def download(
    url: str,
    into: BinaryIO,
    known: Validators,
    /,
    *,
    allow_loopback: bool = False,
    max_bytes: int = 200 << 20,
    timeout: float = 300.0,
) -> Validators | None:
    """The bytes at this address into a file, under the rules of ``fetch``, unless our copy is still the right one.

    known: of our copy. Returns those of the new copy, None for 304 (RFC 9110 section 13). Raises ``NotFetched``.
    """
    headers = _OURS | {"Accept": "application/samlmetadata+xml, application/xml, text/xml"}
    headers |= {"If-None-Match": known.etag} if known.etag else {}
    headers |= {"If-Modified-Since": known.last_modified} if known.last_modified else {}
    with _called(url, allow_loopback=allow_loopback, timeout=timeout) as (connection, target, is_late):
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        if response.status == 304 and known != Validators():
            return None
        _read(response, into, max_bytes, is_late)
        return Validators(_validator(response, "ETag"), _validator(response, "Last-Modified"))


def post_form(url: str, form: Mapping[str, str], *, allow_loopback: bool = False, timeout: float = 3.0) -> int:
    """Post this form there, under the rules of ``fetch``; the status of the answer, whose body nobody reads."""
    headers = _OURS | {"Content-Type": "application/x-www-form-urlencoded"}
    with _called(url, allow_loopback=allow_loopback, timeout=timeout) as (connection, target, _):
        connection.request("POST", target, urlencode(form), headers)
        return connection.getresponse().status


@contextlib.contextmanager
def _called(
    url: str, *, allow_loopback: bool, timeout: float
) -> Iterator[tuple[http.client.HTTPConnection, str, threading.Event]]:
    """A connection to this address, what to ask for there, and the event that tells when the time was over."""
    parts = _split(url, allow_loopback=allow_loopback)
    try:
        addresses = _checked_addresses(parts, allow_loopback=allow_loopback)
        with _first_that_answers(addresses, _port(parts), timeout) as connected:
            # One byte a second would keep us for hours: the time is for the whole.
            is_late = threading.Event()
            clock = threading.Timer(timeout, _hang_up, [connected, is_late])
            clock.start()
            try:
                with contextlib.closing(_connection(parts, connected)) as connection:
                    yield connection, _target(parts), is_late
            finally:
                clock.cancel()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotFetched(_in_words(error)) from None


def _in_words(error: Exception) -> str:
    """What an administrator can act upon; nothing of what the other side has said."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "its host has no address"
    if isinstance(error, ConnectionRefusedError):
        return "nobody answers there"
    return "too slow" if isinstance(error, TimeoutError) else type(error).__name__


def _hang_up(connected: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _split(url: str, *, allow_loopback: bool) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc and not parts.fragment
    except ValueError:
        is_whole = False
    if not is_whole or len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise NotFetched("not an absolute address")
    if parts.scheme != "https" and not (allow_loopback and parts.scheme == "http"):
        raise NotFetched("not https")
    return parts


def _checked_addresses(parts: SplitResult, *, allow_loopback: bool) -> list[Address]:
    """The addresses of the host, each once, where all of them were found harmless."""
    found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    named = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    addresses = list(dict.fromkeys(named))
    is_local = bool(addresses) and all(address.is_loopback for address in addresses)
    if allow_loopback and is_local:
        return addresses
    if parts.scheme != "https" or not addresses or not all(_is_public(address) for address in addresses):
        raise NotFetched("not a public address")
    return addresses


def _first_that_answers(addresses: list[Address], port: int, timeout: float) -> socket.socket:
    """A connection to one of them (RFC 6724 section 2: the others are for where the first one cannot be reached).

    Browsers go on to IPv4 where IPv6 leads nowhere, so that nobody would notice why we alone never came. The addresses
    share the time: one that swallows what it is sent must not take that of the next.
    """
    families = [[address for address in addresses if address.version == version] for version in (4, 6)]
    worth_a_try = {address for family in families for address in family[:_TRIED_OF_A_FAMILY]}
    *others, last = [address for address in addresses if address in worth_a_try]
    share = timeout / (len(others) + 1)
    for address in others:
        with contextlib.suppress(OSError):
            return _connected(address, port, share, timeout)
    return _connected(last, port, share, timeout)


def _connected(address: Address, port: int, share: float, timeout: float) -> socket.socket:
    connected = socket.create_connection((str(address), port), timeout=share)
    connected.settimeout(timeout)
    return connected


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _port(parts: SplitResult) -> int:
    return parts.port or DEFAULT_PORTS[parts.scheme]


def _connection(parts: SplitResult, connected: socket.socket) -> http.client.HTTPConnection:
    """HTTP over this socket under the host's name: certificate and Host header are those of the name."""
    host, port = parts.hostname or "", _port(parts)
    if parts.scheme == "https":
        # A second handle of the same socket: whoever closes ``connected`` to end a slow call ends this one as well.
        context = ssl.create_default_context()
        secure = http.client.HTTPSConnection(host, port)
        secure.sock = context.wrap_socket(connected.dup(), server_hostname=host)
        return secure
    connection = http.client.HTTPConnection(host, port)
    connection.sock = connected
    return connection


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _validator(response: http.client.HTTPResponse, name: str) -> str:
    """Sent back as it came, so that nothing but plain text of a sane length is kept."""
    value = response.headers.get(name, "")
    return value if len(value) <= _LONGEST_VALIDATOR and value.isascii() and value.isprintable() else ""


def _read(response: http.client.HTTPResponse, into: BinaryIO, max_bytes: int, is_late: threading.Event) -> None:
    if response.status != 200:
        where = "; redirects are not followed" if 300 < response.status < 400 else ""
        raise NotFetched(f"status {response.status}{where}")
    announced = response.length
    size = 0
    while size <= max_bytes and (chunk := response.read1(_CHUNK)):
        size += into.write(chunk)
    if size > max_bytes:
        raise NotFetched("too large")
    if is_late.is_set():
        raise NotFetched("too slow")
    if announced is not None and size < announced:
        raise NotFetched("cut off")
