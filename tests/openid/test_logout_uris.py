"""Where clients want to be told that a sign-in ended: what may be registered, and what is announced."""

from pathlib import Path

import pytest

from idp.domain.errors import ConfigurationError
from idp.openid.clients import read_clients
from idp.openid.redirect_uris import origin
from tests.openid.world import World

CLIENT = """
[[client]]
client_id = "one"
client_secret = "a-secret-in-clear-01"
redirect_uris = ["https://one.example:8443/cb"]
"""


def faults(folder: Path, line: str) -> str:
    path = folder / "clients.toml"
    path.write_text(CLIENT + line)
    try:
        read_clients(path)
    except ConfigurationError as error:
        return "\n".join(error.faults)
    return ""


@pytest.mark.parametrize(
    "line",
    [
        'backchannel_logout_uri = "https://elsewhere.example/logout?of=one"',
        'backchannel_logout_uri = "http://localhost:5001/logout"\nbackchannel_logout_session_required = true',
        'frontchannel_logout_uri = "https://one.example:8443/logout?x=1"\nfrontchannel_logout_session_required = true',
    ],
)
def test_good_addresses_are_taken(tmp_path: Path, line: str) -> None:
    assert faults(tmp_path, line) == ""


@pytest.mark.parametrize(
    "uri",
    ["http://one.example/", "javascript:alert(1)", "https://one.example/#x", "//one.example/", "org.example.app:/x"],
)
@pytest.mark.parametrize("key", ["backchannel_logout_uri", "frontchannel_logout_uri"])
def test_unsafe_addresses_are_refused(tmp_path: Path, key: str, uri: str) -> None:
    assert f"{key} = '{uri}'; accepted: " in faults(tmp_path, f'{key} = "{uri}"')


@pytest.mark.parametrize("uri", ["https://one.example/", "https://two.example:8443/", "https://a;script-src:8443/"])
def test_a_frame_comes_from_where_the_application_is(tmp_path: Path, uri: str) -> None:
    # Front-Channel Logout 1.0 section 2.
    assert "of a redirect_uri" in faults(tmp_path, f'frontchannel_logout_uri = "{uri}"')


def test_an_origin_is_one_word_of_a_policy() -> None:
    assert origin("https://One.Example:8443/a?b") == "https://one.example:8443"
    assert origin("http://[::1]:80/") == "http://[::1]:80"
    for uri in ("https://a;b/", "https://a,b/", "https://'self'/", "org.example.app:/cb", "x"):
        assert origin(uri) == ""


def test_both_ways_are_announced_with_their_sessions(reader: World) -> None:
    document = reader.provider.discovery()
    for way in ("backchannel", "frontchannel"):
        assert document[f"{way}_logout_supported"] is document[f"{way}_logout_session_supported"] is True
    assert "sid" in document["claims_supported"]
