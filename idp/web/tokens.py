"""Endpoints that applications call: token (RFC 6749 section 3.2) and userinfo (OpenID Connect Core 5.3)."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from idp.flows.tokens import TokenFlow


def blueprint(flow: TokenFlow) -> Blueprint:
    views = Blueprint("tokens", __name__)

    @views.post("/token")
    def token() -> ResponseReturnValue:
        return jsonify(flow.token(list(request.form.items(multi=True)), request.headers.get("Authorization")))

    @views.route("/userinfo", methods=["GET", "POST"])
    def userinfo() -> ResponseReturnValue:
        return jsonify(flow.userinfo(request.headers.get("Authorization"), list(request.form.items(multi=True))))

    return views
