"""Answers that scripts of other sites may read (CORS, Fetch Standard section 3.3): what applications need that run in
a browser (OAuth 2.0 for Browser-Based Applications, section 6.3).

Every origin may, none with the browser's cookies. What opens one of these endpoints stands in the request itself, a
code with its verifier, a token, a proof: a script that has it could as well send it from a server of its own, where
nobody asks for an origin. A list of the origins of registered applications (Keycloak's ``webOrigins``,
``clientBasedCORS`` of node's oidc-provider) would keep nobody out, and a preflight does not name the application yet.

Never for what a cookie opens: the authorization endpoint (RFC 9700 section 2.6) and every page.
"""

from collections.abc import Collection

from flask import Blueprint, Response, request

_HEADERS = "Authorization, Content-Type, DPoP"
# What an application must read beyond the body: why it was refused (RFC 6750 section 3), and the nonce for its next
# proof (RFC 9449 section 8).
_EXPOSED = "WWW-Authenticate, DPoP-Nonce"
# Seconds for which a browser need not ask again; Chromium takes no more.
_PREFLIGHT_SECONDS = 7200


def open_to_scripts(views: Blueprint, *, but: Collection[str] = ()) -> None:
    """Let scripts of every site read the answers of these views, errors included. but: names of views they may not."""
    closed = {f"{views.name}.{name}" for name in but}

    @views.after_request
    def allow(response: Response) -> Response:
        if request.endpoint not in closed:
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
            if request.method == "OPTIONS":
                _answer_preflight(response)
        return response


def _answer_preflight(response: Response) -> None:
    """Which methods and headers the request proper may have (Fetch Standard section 3.3.3)."""
    methods = set(response.allow) - {"HEAD", "OPTIONS"}
    response.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(methods))
    response.headers["Access-Control-Allow-Headers"] = _HEADERS
    response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
