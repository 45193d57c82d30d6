"""The certificate that relying parties see at the issuer's address."""

import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from idp.domain.errors import ServiceUnavailable

_SECONDS = 5.0


def certificate_ends(issuer: str) -> datetime:
    """Until when the certificate at this https address is valid.

    ServiceUnavailable where nobody answers, or with a certificate that relying parties refuse.
    """
    url = urlsplit(issuer)
    host, context = url.hostname or "", ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, url.port or 443), timeout=_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            certificate = secure.getpeercert() or {}
    except OSError as problem:
        raise ServiceUnavailable("tls", f"{host}: {problem}") from problem
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
