"""What relying parties have to know of a provider under measurement."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.connection import Connection, UnexpectedAnswer

DISCOVERY_PATH = "/.well-known/openid-configuration"
FLOW_CLIENT = "bench"
OFFLINE_CLIENT = "bench-offline"
CLIENT_SECRET = "a-secret-of-the-benchmark-alone-0123456789"
REDIRECT_URI = "http://127.0.0.1:9/callback"
# What each client asks for.
SCOPES = {FLOW_CLIENT: "openid profile email", OFFLINE_CLIENT: "openid profile email offline_access"}


@dataclass(frozen=True)
class Target:
    """Paths of the endpoints, as discovery names them; ``introspection`` is None where it is not announced.

    cookies: values of Cookie headers, each of a browser in which somebody is signed in.
    """

    port: int
    authorization: str
    token: str
    userinfo: str
    jwks: str
    introspection: str | None
    cookies: tuple[str, ...]


def discover(port: int, cookies: tuple[str, ...]) -> Target:
    """Read the provider's discovery document."""
    with Connection(port) as connection:
        answer = connection.exchange(get(port, DISCOVERY_PATH))
    if answer.status != 200:
        raise UnexpectedAnswer(f"discovery: {answer.status}")
    document = json.loads(answer.body)
    announced = document.get("introspection_endpoint")
    return Target(
        port=port,
        authorization=urlsplit(document["authorization_endpoint"]).path,
        token=urlsplit(document["token_endpoint"]).path,
        userinfo=urlsplit(document["userinfo_endpoint"]).path,
        jwks=urlsplit(document["jwks_uri"]).path,
        introspection=urlsplit(announced).path if announced else None,
        cookies=cookies,
    )


def get(port: int, path: str, headers: str = "") -> bytes:
    """A GET request; each of the headers ends with CRLF."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode("ascii")


def post(port: int, path: str, form: str, headers: str) -> bytes:
    """A POST request of an encoded form."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}"
    ).encode("ascii")
