"""What an operator changes of the pages' look: the logo and the colour, as two files beside our own."""

from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, make_response, url_for

from idp.domain.colours import BLACK, DARK_GROUND, LIGHT_GROUND, WHITE, for_dark_theme, read_brand

ONE_YEAR = 365 * 24 * 3600
_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class Theme:
    """logo: the file’s bytes, empty for our own. styles: empty for our own colours."""

    logo: bytes = field(default=b"", repr=False)
    logo_type: str = "image/svg+xml"
    styles: str = ""


@cache
def theme_context(theme: Theme, root: str) -> dict[str, str]:
    """What the layout names; the addresses change with what they lead to, so that browsers may keep it.

    root: the issuer's path, below which the addresses of this request are.
    """
    own = url_for("static", filename="logo.svg")
    return {
        "logo_url": url_for("theme.logo", v=_version(theme.logo)) if theme.logo else own,
        "logo_type": theme.logo_type,
        "theme_url": url_for("theme.styles", v=_version(theme.styles.encode())) if theme.styles else "",
    }


def read_theme(logo: str, brand_color: str, brand_color_dark: str) -> Theme:
    """The theme of the settings, which have checked each of them; empty ones are our own."""
    file = Path(logo)
    content = file.read_bytes() if logo else b""
    return Theme(
        content, _TYPES[file.suffix.lower()] if logo else _TYPES[".svg"], _styles(brand_color, brand_color_dark)
    )


def blueprint(theme: Theme) -> Blueprint:
    """``/theme.css`` and ``/logo``."""
    views = Blueprint("theme", __name__)

    @views.get("/theme.css")
    def styles() -> Response:
        return _kept(theme.styles.encode(), "text/css")

    @views.get("/logo")
    def logo() -> Response:
        return _kept(theme.logo, theme.logo_type)

    return views


def _styles(brand_color: str, brand_color_dark: str) -> str:
    if not brand_color:
        return ""
    light = read_brand(brand_color, LIGHT_GROUND)
    dark = read_brand(brand_color_dark, DARK_GROUND) if brand_color_dark else for_dark_theme(light)
    lights = f":root{{--brand:{light};--brand-strong:{light.mixed(BLACK, 0.3)}}}"
    darks = f":root{{--brand:{dark};--brand-strong:{dark.mixed(WHITE, 0.4)}}}"
    return f"{lights}\n@media (prefers-color-scheme: dark){{{darks}}}\n"


def _kept(content: bytes, media_type: str) -> Response:
    response = make_response(content, 200 if content else 404)
    response.headers["Content-Type"] = media_type
    response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable" if content else "no-store"
    return response


def _version(content: bytes) -> str:
    return sha256(content).hexdigest()[:8]
