"""The one place where a refusal becomes a page or a protocol answer."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from flask import Flask, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, format_datetime
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from idp.domain.errors import AuthorizationError, ProtocolError, Refusal, ServiceUnavailable
from idp.domain.federation import IdentityProvider
from idp.domain.references import present_reference
from idp.domain.sessions import Session
from idp.flows.authorization import AuthorizationFlow
from idp.web.authorization import carry, next_page
from idp.web.browser import Browser
from idp.web.pages import Pages, language, may_look_again, other_language
from idp.web.sentences import sentence_for, sentence_key
from idp.web.step_urls import step_url
from idp.web.this_answer import this_answer
from idp.web.university_help import Incident, error_url, message_for

logger = logging.getLogger(__name__)

_HTTP_REASONS = {404: "request.not_found", 405: "request.method", 413: "request.too_large"}

# In English, for programs (RFC 6749 section 5.2); people read the words of ``sentences``.
_FOR_PROGRAMS = {
    "request.host": "The Host header does not name the issuer",
    "request.malformed": "The request is malformed, or its body is no form that can be read",
    "request.too_large": "The request is too large",
    "request.method": "The endpoint does not take this method",
}

# The refusals to which double clicks, reloads and the Back button lead.
_PASSED = ("authorization.expired", "saml.replayed", "proofing.link_followed", "proofing.link_used")

# The answers of these blueprints are read by programs.
PROTOCOL_BLUEPRINTS = ("tokens", "discovery", "health", "metrics", "registration")

NoteRefusal = Callable[[str, Refusal], None]


def register(
    app: Flask,
    pages: Pages,
    flow: AuthorizationFlow,
    note: NoteRefusal,
    clock: Callable[[], datetime],
    *,
    entity_id: str,
) -> None:
    """Handle every exception that leaves a view; ``note`` writes a refusal into the audit trail.

    entity_id: ours, as the IT department of a university knows us.
    """

    def page(reason: str, status: int, reference: str, refusal: Refusal | None = None) -> Response:
        handle = (refusal and refusal.authorization_id) or (request.view_args or {}).get("authorization_id")
        way_on = _way_on(reason, handle, pages.browser, flow)
        told = way_on.told if way_on else sentence_key(reason, refusal.detail if refusal else "")
        texts = sentence_for(told)
        incident = Incident(reason, reference, clock(), entity_id, pages.service_name)
        return pages.render_bare(
            "error.html",
            status=status,
            title=texts.title,
            sentence=texts.sentence,
            advice=texts.advice,
            reference=reference,
            **({} if may_look_again(status) else _in_other_language(told)),
            date=format_datetime(incident.at, "d MMMM yyyy HH:mm:ss"),
            restart_url=None if way_on else _restart_url(reason, handle),
            continue_url=way_on.url if way_on else None,
            **_other_ways(told, handle),
            **_university(incident, refusal.university if refusal else None),
        )

    def answer(refusal: Refusal, reference: str) -> Response:
        if request.blueprint in PROTOCOL_BLUEPRINTS:
            return _protocol_answer(_for_programs(refusal))
        status = 400 if isinstance(refusal, AuthorizationError) else refusal.status
        return page(refusal.reason, status, reference, refusal)

    def refused(refusal: Refusal) -> ResponseReturnValue:
        handle = (request.view_args or {}).get("authorization_id")
        reference = refusal.reference or _under_way(handle, pages.browser, flow) or present_reference()
        logger.debug("request.refused", extra={"fields": _facts(reference, refusal.reason, refusal.detail)})
        note(reference, refusal)
        return answer(refusal, reference)

    def may_travel(error: AuthorizationError) -> ResponseReturnValue:
        if not error.redirect_uri:
            return refused(error)
        reference = error.reference or present_reference()
        logger.info("authorization.error", extra={"fields": _facts(reference, error.error, error.description)})
        if error.reference is not None:
            # Only for somebody who was on a journey: silent renewals (``prompt=none``) fail by the thousand.
            note(reference, error)
        return carry(flow.tell(error), pages)

    def unavailable(error: ServiceUnavailable) -> ResponseReturnValue:
        reference = present_reference()
        logger.error("service.unavailable", extra={"fields": _facts(reference, error.part, error.detail)})
        if request.blueprint in PROTOCOL_BLUEPRINTS:
            response = _protocol_answer(ProtocolError("temporarily_unavailable", "Try again in a moment", status=503))
        else:
            response = page("service.unavailable", 503, reference)
        response.headers["Retry-After"] = str(error.retry_after)
        return response

    def http_error(error: HTTPException) -> ResponseReturnValue:
        if error.code is None or error.code < 400:
            return error.get_response()
        reason = _HTTP_REASONS.get(error.code, "request.malformed")
        reference = present_reference()
        logger.info("request.error", extra={"fields": _facts(reference, reason, str(error.code))})
        if (_asked(app, error) or request.blueprint) in PROTOCOL_BLUEPRINTS:
            # Not noted: nobody is told the reference, and a stranger's large body must cost no write to the database.
            response = _protocol_answer(_for_programs(Refusal(reason, status=error.code)))
        else:
            if request.endpoint and error.code != 404:
                # What a page of ours did not take is somebody's doing; addresses that do not exist are any scanner's.
                note(reference, Refusal(reason, str(error.code)))
            response = page(reason, error.code, reference)
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                response.headers[name] = value
        return response

    def unexpected(error: Exception) -> ResponseReturnValue:
        reference = present_reference()
        # The traceback names code, not values: nothing secret is in an exception's text of ours.
        logger.exception("internal.error", extra={"fields": _facts(reference, type(error).__name__, "")})
        if request.blueprint in PROTOCOL_BLUEPRINTS:
            return _protocol_answer(
                ProtocolError("server_error", f"Something failed here; reference: {reference}", status=500)
            )
        return page("internal", 500, reference)

    app.register_error_handler(Refusal, refused)
    app.register_error_handler(AuthorizationError, may_travel)
    app.register_error_handler(ServiceUnavailable, unavailable)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected)


def _asked(app: Flask, error: HTTPException) -> str | None:
    """The blueprint at this address, where the method was not one of its own: the request then names none."""
    methods = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    adapter = app.create_url_adapter(request) if methods else None
    if not (methods and adapter):
        return None
    return str(adapter.match(method=next(iter(methods)))[0]).partition(".")[0]


class _WayOn(NamedTuple):
    """Where somebody really stands who sent a form twice or came back to an old page. told: the sentence's key."""

    told: str
    url: str


def _way_on(reason: str, handle: str | None, browser: Browser, flow: AuthorizationFlow) -> _WayOn | None:
    if reason not in _PASSED:
        return None
    is_used = reason == "proofing.link_used"
    is_over = is_used or reason == "authorization.expired"
    if handle and _under_way(handle, browser, flow):
        return _WayOn("authorization.passed" if is_over else reason, next_page(handle))
    session = _session(browser)
    if session and session.sign_in and is_over:
        return _WayOn("authorization.done", url_for("account.show"))
    # The address is confirmed: nothing is to be begun again.
    return _WayOn(reason, url_for("account.show")) if is_used else None


def _under_way(handle: str | None, browser: Browser, flow: AuthorizationFlow) -> str | None:
    """The reference of the journey with this handle, where it goes on in this browser; looked up once per request."""
    if handle is None:
        return None
    looked_up = this_answer().journeys
    if handle not in looked_up:
        looked_up[handle] = _reference(handle, _session(browser), flow)
    return looked_up[handle]


def _reference(handle: str, session: Session | None, flow: AuthorizationFlow) -> str | None:
    try:
        return flow.reference_of(handle, session) if session else None
    except ServiceUnavailable:
        return None


def _session(browser: Browser) -> Session | None:
    try:
        return browser.known_session()
    except ServiceUnavailable:
        return None


def _for_programs(refusal: Refusal) -> ProtocolError:
    if isinstance(refusal, ProtocolError):
        return refusal
    description = _FOR_PROGRAMS.get(refusal.reason, "The request is refused")
    return ProtocolError("invalid_request", description, status=refusal.status)


def _protocol_answer(error: ProtocolError) -> Response:
    response = jsonify(error=error.error, error_description=error.description)
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


def _in_other_language(told: str) -> dict[str, Any]:
    """The same words for a page that no link can show in another language, e.g. the answer to a form."""
    code = other_language()
    with force_locale(code):
        return {"other_lang": code, "other": sentence_for(told)}


def _other_ways(told: str, handle: str | None) -> dict[str, Any]:
    """Ways on where a university did not help; those that need an account are offered whether there is one or not.

    told: the sentence's key.
    """
    if not handle or told.partition(".")[0] not in ("saml", "proofing"):
        return {}
    return {
        "methods_url": step_url("sign_in.methods", handle),
        "choose_url": step_url("university_choice.show", handle),
    }


def _university(incident: Incident, university: IdentityProvider | None) -> dict[str, Any]:
    if university is None:
        return {}
    return {
        "university": university.name(language()),
        "university_help_url": university.help_url,
        "error_url": error_url(incident, university),
        "message": message_for(incident, university),
    }


def _restart_url(reason: str, handle: str | None) -> str | None:
    """Where « Recommencer » leads: the waiting request, else our own page; nowhere when a client's request is wrong."""
    if reason.startswith("oauth."):
        return None
    if handle and reason != "authorization.expired":
        return step_url("sign_in.restart", handle)
    return url_for("account.show")


def _facts(reference: str, reason: str, detail: str) -> dict[str, str]:
    return {
        "reference": reference,
        "reason": reason,
        "detail": detail,
        "method": request.method,
        "endpoint": request.endpoint or "",
    }
