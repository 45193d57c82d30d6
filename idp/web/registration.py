"""The registration endpoint (RFC 7591 section 3) and each client's own (RFC 7592 section 2)."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from idp.flows.registration import RegistrationFlow
from idp.web.no_content import no_content


def blueprint(flow: RegistrationFlow) -> Blueprint:
    views = Blueprint("registration", __name__)

    def authorization() -> str | None:
        return request.headers.get("Authorization")

    @views.post("/register")
    def register() -> ResponseReturnValue:
        return jsonify(flow.create(request.get_data(), authorization())), 201

    @views.get("/register/<client_id>")
    def read(client_id: str) -> ResponseReturnValue:
        return jsonify(flow.read(client_id, authorization()))

    @views.put("/register/<client_id>")
    def update(client_id: str) -> ResponseReturnValue:
        return jsonify(flow.update(client_id, request.get_data(), authorization()))

    @views.delete("/register/<client_id>")
    def delete(client_id: str) -> ResponseReturnValue:
        flow.delete(client_id, authorization())
        return no_content()

    return views
