"""The look that settings give the pages."""

from pathlib import Path

import pytest

from idp import app as application
from idp import settings
from idp.domain.errors import ConfigurationError
from idp.storage.database import Database
from tests.web.visitor import Visitor

LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0h4v4z"/></svg>'


@pytest.fixture
def environment(mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> dict[str, str]:
    return {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_KEYS_DIR": str(keys_folder),
        "IDP_CLIENTS_FILE": str(tmp_path / "clients.toml"),
    }


def visitor(database: Database, environment: dict[str, str], tmp_path: Path) -> Visitor:
    (tmp_path / "clients.toml").touch()
    return Visitor(
        application.create_app(application.build(settings.load(environment), database=database)).test_client()
    )


def test_an_operator_s_colour_and_logo_are_on_every_page(
    database: Database, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "logo.svg").write_bytes(LOGO)
    look = {"IDP_WEB_LOGO": str(tmp_path / "logo.svg"), "IDP_WEB_BRAND_COLOR": "#000091"}
    here = visitor(database, environment | look, tmp_path).get("/accessibility")
    (picture,) = here.tree.xpath("//header//img/@src")
    own, styles = here.tree.xpath("//link[@rel='stylesheet']/@href")
    assert own.endswith("app.css")
    assert "--brand:#000091" in here.get(styles).last.text
    assert "immutable" in here.last.headers["Cache-Control"]
    assert here.last.mimetype == "text/css"
    assert here.get(picture).last.data == LOGO
    assert "default-src 'none'" in here.last.headers["Content-Security-Policy"], "a picture runs nothing"


def test_without_settings_the_look_is_our_own(database: Database, environment: dict[str, str], tmp_path: Path) -> None:
    here = visitor(database, environment, tmp_path).get("/accessibility")
    assert len(here.tree.xpath("//link[@rel='stylesheet']")) == 1
    assert here.tree.xpath("//header//img/@src")[0].endswith("/static/logo.svg")
    for path in ("/theme.css", "/logo"):
        assert here.get(path).last.status_code == 404


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("IDP_WEB_BRAND_COLOR", "#ffe17d", "4.5:1"),
        ("IDP_WEB_BRAND_COLOR", "blue", "#rrggbb"),
        ("IDP_WEB_BRAND_COLOR_DARK", "#0d5c57", "dark"),
        ("IDP_WEB_LOGO", "nowhere.svg", "SVG or PNG"),
        ("IDP_WEB_LOGO", "setup.cfg", "SVG or PNG"),
    ],
)
def test_a_look_that_cannot_be_stops_the_start(
    environment: dict[str, str], name: str, value: str, accepted: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings.load(environment | {name: value})
    (line,) = refused.value.faults
    assert line.startswith(name)
    assert accepted in line


def test_a_page_of_a_journey_says_until_when_it_waits(
    database: Database, environment: dict[str, str], tmp_path: Path
) -> None:
    here = visitor(database, environment, tmp_path).get("/account")
    assert here.step == "email"
    assert "Cette page vous attend au moins jusqu’à" in here.tree.find(".//footer").text_content()
