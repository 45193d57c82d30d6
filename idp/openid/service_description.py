"""The endpoints that programs call, as an OpenAPI 3.1 document: what makes clients, and tests, from a description.

What the provider can do stands in its metadata; this is written from it, so that both say the same. Pages for people
are no part of it.
"""

from collections.abc import Mapping
from typing import Any

from idp.openid.client_metadata import SUBJECT_TYPES

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_URL: Schema = {"type": "string", "format": "uri"}
_SECONDS: Schema = {"type": "integer", "minimum": 0}
_FORM = "application/x-www-form-urlencoded"
_PROOF: Schema = {
    "name": "DPoP",
    "in": "header",
    "description": "A proof of possession of the caller's key (RFC 9449)",
    "schema": {"type": "string", "pattern": "^[!-~]+$"},
}
# Form parameters: everything about the authentication of a client in the form (RFC 6749 section 2.3, RFC 7523).
_CLIENT = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
_TOKEN = ("code", "redirect_uri", "code_verifier", "refresh_token", "device_code", "scope", "resource")
_REQUEST = (
    *("response_type", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"),
    *("response_mode", "prompt", "max_age", "acr_values", "claims", "login_hint", "ui_locales", "id_token_hint"),
    *("request", "resource", "dpop_jkt"),
)


def service_description(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The document for the provider with this metadata (the one that discovery serves)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenID Connect provider",
            "version": "1",
            "description": "Where each capability is specified stands in the provider's metadata (RFC 8414).",
        },
        "servers": [{"url": metadata["issuer"]}],
        "paths": _token_paths(metadata) | _registration_paths(metadata) | _public_paths(),
        "components": {"securitySchemes": _SECURITY, "schemas": _schemas(metadata), "responses": _RESPONSES},
    }


def _token_paths(metadata: Mapping[str, Any]) -> dict[str, Any]:
    def path(name: str) -> str:
        return str(metadata[name]).removeprefix(metadata["issuer"])

    grants = {"grant_type": {"type": "string", "enum": metadata["grant_types_supported"]}}
    answers = {"200": _userinfo(), "403": _REFUSED}
    userinfo = _operation("Claims of the token's person (Core 5.3)", answers, proof=True, bearer=True)
    return {
        path("token_endpoint"): {
            "post": _form("Tokens for a grant (RFC 6749)", "Tokens", grants, _TOKEN, ("grant_type",), proof=True)
        },
        path("pushed_authorization_request_endpoint"): {
            "post": _form("Lay down an authorization request (RFC 9126)", "Pushed", {}, _REQUEST, (), "201", proof=True)
        },
        path("device_authorization_endpoint"): {
            "post": _form("Codes for a device (RFC 8628)", "Device", {}, ("scope", "resource"), ())
        },
        path("introspection_endpoint"): {
            "post": _form("What a token is worth (RFC 7662)", "Introspection", _token_form(), (), ("token",))
        },
        path("revocation_endpoint"): {"post": _form("End a token (RFC 7009)", "", _token_form(), (), ("token",))},
        path("userinfo_endpoint"): {
            "get": userinfo | {"operationId": "getUserinfo"},
            "post": userinfo | {"operationId": "postUserinfo"},
        },
    }


def _token_form() -> dict[str, Schema]:
    """A hint that says nothing to us is passed over (RFC 7009 section 2.1)."""
    return {"token": _TEXT, "token_type_hint": _TEXT}


def _registration_paths(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Only where clients may register themselves (RFC 7591, RFC 7592)."""
    if "registration_endpoint" not in metadata:
        return {}
    path = str(metadata["registration_endpoint"]).removeprefix(metadata["issuer"])
    body = {"required": True, "content": {"application/json": {"schema": _ref("ClientMetadata")}}}
    own = [{"name": "client_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}]

    def managed(summary: str, success: dict[str, Any], **more: Any) -> dict[str, Any]:
        return _operation(summary, success, bearer=True, **more)

    client = {"200": _json("ClientInformation")}
    return {
        path: {"post": managed("Register a client", {"201": _json("ClientInformation")}, requestBody=body)},
        path + "/{client_id}": {
            "parameters": own,
            "get": managed("Read a client", client),
            "put": managed("Replace a client's metadata", client, requestBody=body),
            "delete": managed("Delete a client", {"204": {"description": "Gone"}}),
        },
    }


def _public_paths() -> dict[str, Any]:
    def public(summary: str, schema: str, **more: Any) -> dict[str, Any]:
        return {"get": {"summary": summary, "security": [], "responses": {"200": _json(schema), **more}}}

    return {
        "/.well-known/openid-configuration": public("The provider's metadata (Discovery 1.0)", "Metadata"),
        "/.well-known/oauth-authorization-server": public("The provider's metadata (RFC 8414)", "Metadata"),
        "/jwks": public("The keys that verify our signatures (RFC 7517)", "Keys"),
        "/openapi.json": public("This description", "Description"),
        "/healthz": public("The process lives", "Health"),
        "/readyz": public("People can sign in", "Readiness", **{"503": _json("Readiness")}),
    }


def _form(
    summary: str,
    answer: str,
    typed: dict[str, Schema],
    others: tuple[str, ...],
    required: tuple[str, ...],
    status: str = "200",
    *,
    proof: bool = False,
) -> dict[str, Any]:
    """A POST of a form by a client, which may authenticate in the form, too; answer: a schema, if it says anything."""
    properties = typed | dict.fromkeys((*others, *_CLIENT), _TEXT)
    schema: Schema = {"type": "object", "properties": properties, "required": list(required)}
    success = {status: _json(answer) if answer else {"description": "Done"}}
    operation = _operation(summary, success, proof=proof, bearer=False)
    return operation | {"requestBody": {"required": True, "content": {_FORM: {"schema": schema}}}}


def _operation(
    summary: str, success: dict[str, Any], *, bearer: bool, proof: bool = False, **more: Any
) -> dict[str, Any]:
    """bearer: with an access token; else a client, whose secret may stand in the header or in the form."""
    refused = dict.fromkeys(("400", "401", "413", "503"), _REFUSED)
    security: list[dict[str, list[str]]] = [{"bearer": []}] if bearer else [{"client": []}, {}]
    return {
        "summary": summary,
        "security": security,
        **({"parameters": [_PROOF]} if proof else {}),
        "responses": success | refused,
        **more,
    }


def _userinfo() -> dict[str, Any]:
    """JSON, or a JWT where the client is registered for that (Core 5.3.2)."""
    content = {"application/json": {"schema": _ref("Userinfo")}, "application/jwt": {"schema": _TEXT}}
    return {"description": "The claims that scope and client allow", "content": content}


def _json(schema: str) -> dict[str, Any]:
    return {"description": schema, "content": {"application/json": {"schema": _ref(schema)}}}


def _ref(schema: str) -> Schema:
    return {"$ref": f"#/components/schemas/{schema}"}


def _object(required: str, **properties: Schema) -> Schema:
    """required: names with blanks between; those not among the properties are texts."""
    names = required.split()
    return {"type": "object", "properties": dict.fromkeys(names, _TEXT) | properties, "required": names}


def _list_of(values: Any) -> Schema:
    return {"type": "array", "items": {"type": "string", "enum": list(values)}}


_SECURITY: dict[str, Schema] = {
    "client": {"type": "http", "scheme": "basic", "description": "client_secret_basic (RFC 6749 section 2.3.1)"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "RFC 6750"},
}
_REFUSED: Schema = {"$ref": "#/components/responses/Refused"}
_RESPONSES: dict[str, Any] = {
    "Refused": {
        "description": "Not done; the error codes are those of the specification",
        "content": {"application/json": {"schema": _ref("Error")}},
    }
}


def _schemas(metadata: Mapping[str, Any]) -> dict[str, Schema]:
    endpoints = {name: _URL for name in metadata if name.endswith(("_endpoint", "_uri"))}
    texts: Schema = {"type": "array", "items": _TEXT}
    return {
        "Error": _object("error", error_description=_TEXT),
        "Tokens": _object("access_token token_type", expires_in=_SECONDS, refresh_token=_TEXT, id_token=_TEXT),
        "Pushed": _object("request_uri expires_in", expires_in=_SECONDS),
        "Device": _object(
            "device_code user_code verification_uri expires_in",
            verification_uri=_URL,
            verification_uri_complete=_URL,
            expires_in=_SECONDS,
            interval=_SECONDS,
        ),
        "Introspection": _object("active", active={"type": "boolean"}, scope=_TEXT, exp=_SECONDS),
        "Userinfo": _object("sub"),
        "ClientMetadata": _object(
            "redirect_uris",
            redirect_uris={"type": "array", "items": _URL, "minItems": 1},
            token_endpoint_auth_method={
                "type": "string",
                "enum": list(metadata["token_endpoint_auth_methods_supported"]),
            },
            grant_types=_list_of(metadata["grant_types_supported"]),
            response_types=_list_of(metadata["response_types_supported"]),
            subject_type={"type": "string", "enum": list(SUBJECT_TYPES)},
            client_name=_TEXT,
            scope=_TEXT,
        ),
        "ClientInformation": _object(
            "client_id redirect_uris registration_access_token registration_client_uri", redirect_uris=texts
        ),
        "Metadata": _object("issuer jwks_uri response_types_supported", response_types_supported=texts, **endpoints),
        "Keys": _object("keys", keys={"type": "array", "minItems": 1, "items": _object("kty kid use alg")}),
        "Description": _object("openapi info paths", info={"type": "object"}, paths={"type": "object"}),
        "Health": _object("status", status={"const": "ok"}),
        "Readiness": _object("ready problems", ready={"type": "boolean"}, problems=texts),
    }
