"""Discovery (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3), the public keys, an OpenAPI description."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from idp.domain.signing_keys import JWKS_MAX_AGE
from idp.flows.tokens import TokenFlow
from idp.web.cross_origin import open_to_scripts

# New keys are published for longer than that before they sign.
MAX_AGE = int(JWKS_MAX_AGE.total_seconds())


def blueprint(flow: TokenFlow) -> Blueprint:
    views = Blueprint("discovery", __name__)
    open_to_scripts(views)
    described = flow.description()
    path = urlsplit(flow.discovery()["issuer"]).path

    @views.get("/.well-known/openid-configuration")
    @views.get("/.well-known/oauth-authorization-server")
    def configuration() -> ResponseReturnValue:
        return _public(jsonify(flow.discovery()))

    if path:
        # RFC 8414 section 3.1: between host and path, where OpenID Connect Discovery 1.0 section 4.1 appends.
        views.add_url_rule(f"/.well-known/oauth-authorization-server{path}", view_func=configuration)

    @views.get("/jwks")
    def jwks() -> ResponseReturnValue:
        return _public(jsonify(flow.jwks()))

    @views.get("/openapi.json")
    def description() -> ResponseReturnValue:
        return _public(jsonify(described))

    return views


def _public(response: Response) -> Response:
    """The same for everybody."""
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE
    return response
