import re
from pathlib import Path

import pytest

from idp.domain.colours import (
    BLACK,
    DARK_GROUND,
    LIGHT_GROUND,
    READABLE,
    WHITE,
    for_dark_theme,
    read_brand,
    read_colour,
)

STYLES = Path(__file__).parents[2] / "idp" / "web" / "static" / "app.css"


def test_contrast_is_that_of_wcag() -> None:
    assert WHITE.contrast(BLACK) == pytest.approx(21)
    assert WHITE.contrast(WHITE) == 1
    assert read_colour("#767676").contrast(WHITE) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("text", ["", "red", "#fff", "0d5c57", "#0d5c5g", "#0d5c57;}", "#0d5c57\n"])
def test_a_colour_is_written_in_one_way(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        read_colour(text)


@pytest.mark.parametrize("faint", ["#ffe17d", "#8a8a8a", "#ffffff"])
def test_a_brand_that_cannot_be_read_is_refused(faint: str) -> None:
    with pytest.raises(ValueError, match=faint):
        read_brand(faint, LIGHT_GROUND)


@pytest.mark.parametrize("brand", ["#000091", "#0d5c57", "#7a0019", "#000000", "#005500"])
def test_a_brand_becomes_readable_in_the_dark(brand: str) -> None:
    dark = for_dark_theme(read_brand(brand, LIGHT_GROUND))
    assert dark.contrast(DARK_GROUND) >= READABLE
    assert str(read_brand(str(dark), DARK_GROUND)) == str(dark)


def test_the_grounds_are_the_hardest_ones_of_the_styles() -> None:
    light, dark = STYLES.read_text().split("prefers-color-scheme: dark")
    for styles, ground in ((light, LIGHT_GROUND), (dark, DARK_GROUND)):
        values = re.findall(r"--(?:ground|ground-rule|paper|paper-tint): (#[0-9a-f]{6})", styles)
        assert len(values) == 4
        # Words are dark on the light theme, light on the dark one.
        words = BLACK if ground is LIGHT_GROUND else WHITE
        assert str(min((read_colour(value) for value in values), key=words.contrast)) == str(ground)
