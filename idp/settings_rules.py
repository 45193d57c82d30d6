"""What is accepted for each kind of setting."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from idp.domain.addresses import PLAIN
from idp.domain.affiliations import MOST_DAYS, read_period
from idp.domain.claims import SCOPES
from idp.domain.colours import DARK_GROUND, LIGHT_GROUND, READABLE, Colour, read_brand
from idp.domain.loopback import is_loopback
from idp.settings_reader import NotAccepted, Rule, flag, number, text


def _issuer(value: Any) -> str:
    """The issuer without trailing slash; no query, no fragment (OpenID Connect Discovery 1.0 section 3).

    Its path is written in one way only: what a server hands on is decoded, and a dot's segment no browser sends.
    """
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s?#@\\]+", value) or not value.isascii():
        raise ValueError
    url = urlsplit(value)
    if not url.hostname or url.port == 0 or (url.scheme == "http" and not is_loopback(url.hostname)):
        raise ValueError
    path = url.path.rstrip("/")
    if not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*", path):
        raise ValueError
    return f"{url.scheme}://{url.netloc.lower()}{path}"


def _mongodb_uri(value: Any) -> str:
    """The driver itself says what is wrong in it."""
    uri: str = _MONGODB_TEXT.parse(value)
    if uri:
        # Loaded where there is one: a command that only explains itself does without the driver.
        from idp.storage.mongo_client import check_uri

        try:
            check_uri(uri)
        except ValueError as problem:
            raise NotAccepted(str(problem)) from problem
    return uri


def _scope(value: Any) -> str:
    words = value.split() if isinstance(value, str) else []
    if "openid" not in words or not set(words) <= set(SCOPES):
        raise ValueError
    return " ".join(words)


def _inactive_days(value: Any) -> int:
    """A year at least: who comes back after the summer, or from a year abroad, is no stranger."""
    days: int = number(0, 3_650).parse(value)
    if 0 < days < 365:
        raise ValueError
    return days


def _period(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    if value:
        read_period(value)
    return value


def _default_period(value: Any) -> str:
    if not value:
        raise ValueError
    return _period(value)


def _logo(value: Any) -> str:
    """The absolute path of a picture that pages can carry and stay small."""
    if not value:
        return ""
    file = Path.cwd() / value
    if file.suffix.lower() not in (".svg", ".png") or not file.is_file() or file.stat().st_size > 20_000:
        raise ValueError
    return str(file)


def _brand(theme: str, ground: Colour) -> Rule:
    def parse(value: Any) -> str:
        return str(read_brand(value, ground)) if value else ""

    return Rule(f'"#rrggbb" with a contrast of {READABLE}:1 to the {theme} ground {ground}, or empty', parse)


ISSUER = Rule(
    "https://…, or http:// on loopback; without user, query and fragment; a path of letters, digits and -._~", _issuer
)
SECRET_KEY = text("at least 32 characters, needed when the issuer is https", r"(.{32,})?")
_MONGODB_TEXT = text("mongodb://…, mongodb+srv://…, or empty for an embedded one", r"(mongodb(\+srv)?://[!-~]+)?")
MONGODB_URI = Rule(_MONGODB_TEXT.accepted, _mongodb_uri)
DATABASE = text("up to 60 letters, digits, - and _, or empty", r"[A-Za-z0-9_-]{0,60}")
HOST = text("a host name or address", r"[A-Za-z0-9._:-]+")
ADDRESS = text("a mail address", PLAIN)
SELECTOR = text("a DKIM selector, or empty", r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?")
NAME = text("one line of text, not empty", r"[^\x00-\x1f\x7f]+")
URL = text("an http or https URL, or empty", r"(https?://[^\s\x00-\x1f\x7f<>\"']+)?")
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
BIND = text(
    "host:port with a port from 1 to 65535, unix:path, or empty",
    rf"(unix:.+|(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]*):{_PORT})?",
)
WORK_BIND = text("host:port with a port from 1 to 65535, or empty", rf"((\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):{_PORT})?")
METRICS_TOKEN = text("16 to 500 characters of a bearer token, or empty", r"([A-Za-z0-9._~+/=-]{16,500})?")
ENTITY_ID = text("a URI of up to 1024 characters, or empty", r"([A-Za-z](?=.{1,1023}$)[A-Za-z0-9+.-]*:[!-~]+)?")
HTTPS_URL = text("an https URL, or empty", r"(https://[^\s\x00-\x1f\x7f<>\"']+)?")
CONTACT = text(
    "Name <mail address>, or empty",
    rf"([^\x00-\x1f\x7f<>]*[^\x00-\x20\x7f<>] <{PLAIN}>)?",
)
URIS = text("URIs with spaces between them, or empty", r"(https?://[!-~]+( +https?://[!-~]+)*)?")
LOGO = Rule("an SVG or PNG file of at most 20 kB, or empty", _logo)
BRAND = _brand("light", LIGHT_GROUND)
BRAND_DARK = _brand("dark", DARK_GROUND)
PORT = number(1, 65_535)
LIFETIME = number(60, 86_400)
FLAG = flag()
SCOPE = Rule("openid, and some of " + ", ".join(SCOPES), _scope)
DAYS = number(1, 3_650)
INACTIVE_DAYS = Rule("0 (never), or a whole number from 365 to 3650", _inactive_days)
_PERIODS = f'a day of the year ("10-31"), or "days:" and 1 to {MOST_DAYS}'
DEFAULT_PERIOD = Rule(_PERIODS, _default_period)
PERIOD = Rule(_PERIODS + ", or empty", _period)
