"""The path of an issuer that has one (OpenID Connect Discovery 1.0 section 4): pages name addresses below it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def below(path: str, application: "WSGIApplication") -> "WSGIApplication":
    """The application, mounted at this path, e.g. ``/idp``, or at the root if empty (PEP 3333, ``SCRIPT_NAME``).

    A proxy may pass the path on or take it away. What a server or a proxy says of it counts for nothing: every
    address that a page names comes from the issuer.
    """
    inside = f"{path}/"

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["SCRIPT_NAME"] = path
        if path and (environ["PATH_INFO"] == path or environ["PATH_INFO"].startswith(inside)):
            environ["PATH_INFO"] = environ["PATH_INFO"][len(path) :]
        # Werkzeug would redirect an empty path to the slash, at an address with the proxy's scheme: http.
        environ["PATH_INFO"] = environ["PATH_INFO"] or "/"
        return application(environ, start_response)

    return answer
