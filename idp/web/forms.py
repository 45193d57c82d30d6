"""Reading what a form posted, strictly."""

from flask import Request

from idp.domain.errors import Refusal
from idp.web.this_answer import this_request

# Our largest form has a handful of fields; a response of a large university's identity provider two.
MAX_FIELDS = 100
# The status of a page that shows a form again with what is wrong in it (RFC 9110 section 15.5.21).
FORM_ERROR = 422


def field(name: str) -> str:
    """The one value of a field that the form must have; refuses what none of our pages would send (CWE-943)."""
    values = this_request().form.getlist(name)
    if len(values) != 1:
        raise Refusal("request.malformed", f"field {name} sent {len(values)} times")
    return values[0]


def optional_field(name: str) -> str:
    """The one value of a field that the form may have; empty where it has none, refused where it has several."""
    return field(name) if name in this_request().form else ""


def refuse_strange_forms(request: Request) -> None:
    """Refuse bodies that are no form, or that hold far too many fields, before any view looks at them."""
    # Registration takes JSON (RFC 7591 section 3.1) and reads it itself.
    if request.method != "POST" or request.blueprint == "registration":
        return
    if request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        raise Refusal("request.malformed", f"body is {request.mimetype[:50]}")
    # Counted in the raw body first: parsing 50,000 fields costs more than refusing them.
    if request.mimetype == "application/x-www-form-urlencoded" and request.get_data().count(b"&") > MAX_FIELDS:
        raise Refusal("request.malformed", "too many fields")


def pairs() -> list[tuple[str, str]]:
    """Every parameter of a protocol request with its repetitions, from the body of a POST, else from the query."""
    request = this_request()
    source = request.form if request.method == "POST" else request.args
    return list(source.items(multi=True))
