"""Answers that say everything by their status."""

from flask import Response


def no_content() -> Response:
    """An empty answer, which has no type either (RFC 9110 section 8.3): some programs take HTML for a failure."""
    answer = Response(status=204)
    del answer.headers["Content-Type"]
    return answer
