"""The addresses of the pages of one journey."""

from functools import cache
from urllib.parse import quote

from flask import url_for

from idp.web.this_answer import this_request

_HANDLE = "handle"


def step_url(endpoint: str, authorization_id: str) -> str:
    """The address of this page, e.g. ``sign_in.address``, in the journey with this handle.

    A page has up to eight of them, which differ in the handle alone: the rest is asked of the routes once.
    """
    before, after = _around_handle(endpoint, this_request().script_root)
    return f"{before}{quote(authorization_id, safe='')}{after}"


@cache
def _around_handle(endpoint: str, root: str) -> tuple[str, str]:
    """root: the issuer's path, with which the address begins."""
    before, _, after = url_for(endpoint, authorization_id=_HANDLE).partition(_HANDLE)
    return before, after
