"""Colours of a theme, and whether words in them can be read (WCAG 2.2, success criterion 1.4.3)."""

import re
from dataclasses import dataclass

# Least contrast of words to what is behind them.
READABLE = 4.5


@dataclass(frozen=True, slots=True)
class Colour:
    """An sRGB colour, each part from 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        """Relative luminance, 0 to 1 (WCAG 2.2)."""
        return 0.2126 * _linear(self.red) + 0.7152 * _linear(self.green) + 0.0722 * _linear(self.blue)

    def contrast(self, other: "Colour") -> float:
        """Contrast ratio, 1 to 21 (WCAG 2.2)."""
        lighter, darker = sorted((self.luminance, other.luminance), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)

    def mixed(self, other: "Colour", share: float) -> "Colour":
        """This colour with that share (0 to 1) of another."""
        pairs = zip((self.red, self.green, self.blue), (other.red, other.green, other.blue), strict=True)
        return Colour(*(round(own + (its - own) * share) for own, its in pairs))


def read_colour(text: str) -> Colour:
    """A colour written ``#rrggbb``; ValueError for anything else."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError(text)
    return Colour(*(int(text[at : at + 2], 16) for at in (1, 3, 5)))


# Behind the words of the light theme the darkest, behind those of the dark one the lightest (static/app.css).
LIGHT_GROUND = read_colour("#dbe6e2")
DARK_GROUND = read_colour("#1f2c2a")
WHITE, BLACK = read_colour("#ffffff"), read_colour("#000000")


def read_brand(text: str, ground: Colour) -> Colour:
    """A brand colour that can be read on this ground; ValueError for one that cannot."""
    colour = read_colour(text)
    if colour.contrast(ground) < READABLE:
        raise ValueError(text)
    return colour


def for_dark_theme(brand: Colour) -> Colour:
    """The same hue, lightened until it can be read on the dark theme's ground."""
    shares = (step / 20 for step in range(21))
    return next(mixed for share in shares if (mixed := brand.mixed(WHITE, share)).contrast(DARK_GROUND) >= 6)


def _linear(part: int) -> float:
    value = part / 255
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
