"""Headers that every answer carries, whatever the page."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idp.web.this_answer import this_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ONE_YEAR = 365 * 24 * 3600

_ONLY_TLS = ("Strict-Transport-Security", f"max-age={ONE_YEAR}; includeSubDomains")

_FOR_WINDOWS = (
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)
_FOR_NOBODY_ELSE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"), ("Vary", "Cookie, Authorization"))


def allow_form_target(address: str) -> None:
    """Let the forms of this page end at this address of a client: browsers hold form-action against redirects too.

    What the policy must name beyond https: the origin of a loopback address, the scheme of a native client's.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("", "https"):
        target = f"http://{parts.netloc}" if parts.scheme == "http" else f"{parts.scheme}:"
        this_answer().form_targets += (target,)


def allow_frame(origin: str) -> None:
    """Let this page hold frames of this origin, e.g. ``https://portail.example``."""
    this_answer().frames += (origin,)


def allow_own_data() -> None:
    """Let the scripts of this page ask us for data."""
    this_answer().has_own_data = True


def content_security_policy(*, secure: bool) -> str:
    """No inline script or style, no frame around us, forms to ourselves and to where their redirects may lead.

    The end of a sign-in is a redirect to the client, the start of a proofing one to the university: both are other
    origins, known only after the form was sent. Loopback set-ups need plain http for the same reason.
    """
    answer = this_answer()
    frames = " ".join(dict.fromkeys(answer.frames))
    targets = " ".join(("'self'", "https:", *(() if secure else ("http:",)), *answer.form_targets))
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
        + (f"; frame-src {frames}" if frames else "")
        + ("; connect-src 'self'" if answer.has_own_data else "")
    )


def with_headers(application: "WSGIApplication", *, secure: bool) -> "WSGIApplication":
    """The application, whose every answer carries them; an endpoint's own Cache-Control stays.

    They are added where an answer leaves (PEP 3333): there they are a list, which Flask's answers copy and check once
    more for each hook. What is known of the answer still belongs to it.
    """
    of_every_answer = (("X-Content-Type-Options", "nosniff"), *((_ONLY_TLS,) if secure else ()))

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Callable[[bytes], object]:
            return start_response(status, [*headers, *of_every_answer, *_missing(headers, secure=secure)], *failure)

        return application(environ, start)

    return answer


def _missing(headers: list[tuple[str, str]], *, secure: bool) -> list[tuple[str, str]]:
    """What these headers lack yet."""
    lacking: list[tuple[str, str]] = []
    there = {name.lower(): value for name, value in headers}
    # Headers that only matter to a browser window are left out of answers to programs, which are most of the answers.
    if not there.get("content-type", "").startswith("application/json"):
        lacking += [("Content-Security-Policy", content_security_policy(secure=secure)), *_FOR_WINDOWS]
    if "cache-control" not in there:
        # An answer without a policy of its own (our scripts and styles have one) is personal: RFC 6749 section 5.1 for
        # tokens; and pages of a sign-in must not come back from a cache.
        lacking += _FOR_NOBODY_ELSE
    return lacking
