"""The session of a browser before a sign-in: nothing of it is kept, its cookie says everything, under our key.

Most visits of programs end at the first page, and every page of a sign-in asks for the session: both cost the database
nothing. What such a cookie opens is what began in that browser; a sign-in gets a session that is kept, and a cookie of
its own (ASVS 7.2.4).
"""

from datetime import UTC, datetime, timedelta

from idp.domain.keyed import SecretKey, random_id, same
from idp.domain.sessions import Session

LIFETIME = timedelta(hours=24)

_PURPOSE = "anonymous-session"
# It never occurs in the cookie of a session that is kept, which is a random token.
_SEPARATOR = "."


def opened(*, now: datetime) -> Session:
    """The session of a browser that has none."""
    return Session("", random_id(), now + LIFETIME)


def is_anonymous(cookie: str) -> bool:
    """Whether this is the cookie of such a session, as far as its form tells."""
    return _SEPARATOR in cookie


def cookie_of(secret: SecretKey, session: Session) -> str:
    """The value of its cookie: the browser, the end, and whether others use the computer."""
    said = (session.browser, f"{session.expires_at.timestamp():.0f}", "shared" if session.is_shared else "own")
    return _SEPARATOR.join((*said, secret.token(_PURPOSE, *said)))


def read(secret: SecretKey, cookie: str, *, now: datetime) -> Session | None:
    """The session of a cookie that we made and that still lives."""
    *said, signature = cookie.split(_SEPARATOR)
    if len(said) != 3 or not same(secret.token(_PURPOSE, *said), signature):
        return None
    browser, ends, whose = said
    expires_at = datetime.fromtimestamp(int(ends), UTC)
    return Session("", browser, expires_at, is_shared=whose == "shared") if expires_at > now else None
