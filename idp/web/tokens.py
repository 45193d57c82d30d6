"""Endpoints that applications call: token (RFC 6749), revoke (7009), introspect (7662), userinfo (Core 5.3)."""

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from idp.flows.tokens import TokenFlow
from idp.web.cross_origin import open_to_scripts


def blueprint(flow: TokenFlow) -> Blueprint:
    views = Blueprint("tokens", __name__)
    # Who introspects has a secret (RFC 7662 section 2.1), which no browser keeps.
    open_to_scripts(views, but=("introspect",))

    def answered(response: Response) -> Response:
        if "DPoP" in request.headers:
            response.headers["DPoP-Nonce"] = flow.dpop_nonce()
        return response

    @views.post("/token")
    def token() -> ResponseReturnValue:
        authorization, proofs = request.headers.get("Authorization"), request.headers.getlist("DPoP")
        return answered(jsonify(flow.token(list(request.form.items(multi=True)), authorization, proofs)))

    @views.post("/par")
    def par() -> ResponseReturnValue:
        authorization, proofs = request.headers.get("Authorization"), request.headers.getlist("DPoP")
        answer = flow.push(list(request.form.items(multi=True)), authorization, proofs)
        return answered(jsonify(answer)), 201

    @views.post("/device-authorization")
    def device_authorization() -> ResponseReturnValue:
        return jsonify(flow.device(list(request.form.items(multi=True)), request.headers.get("Authorization")))

    @views.post("/revoke")
    def revoke() -> ResponseReturnValue:
        flow.revoke(list(request.form.items(multi=True)), request.headers.get("Authorization"))
        # Applications ignore what it says (RFC 7009 section 2.2), but some want JSON: simple-oauth2 takes anything else
        # for a failure, after which it does not come to the refresh token.
        return jsonify({})

    @views.post("/introspect")
    def introspect() -> ResponseReturnValue:
        return jsonify(flow.introspect(list(request.form.items(multi=True)), request.headers.get("Authorization")))

    @views.route("/userinfo", methods=["GET", "POST"])
    def userinfo() -> ResponseReturnValue:
        authorization, proofs = request.headers.get("Authorization"), request.headers.getlist("DPoP")
        found = flow.userinfo(authorization, list(request.form.items(multi=True)), request.method, proofs)
        if found.signed is not None:
            return answered(Response(found.signed, mimetype="application/jwt"))
        return answered(jsonify(found.claims))

    return views
