"""Answers that say everything by their status."""

from flask import Response


def no_content(status: int = 200) -> Response:
    """An empty answer, which has no type either (RFC 9110 section 8.3): some programs take HTML for a failure."""
    answer = Response(status=status)
    del answer.headers["Content-Type"]
    return answer
